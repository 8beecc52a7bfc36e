"""Notifications by webhook and e-mail: what is due, what was delivered, and the process that sends it."""
