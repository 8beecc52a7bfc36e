"""Pipeline from tweets to flags: counting, windows, judging, policy, logs and the command line."""
