"""The transparency report: facts from the logs, their publishable form, the page. All but `read` is pure."""
