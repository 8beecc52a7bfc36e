"""The transparency report: facts from the logs, what of them may be published, the page. All but `read` is pure."""
