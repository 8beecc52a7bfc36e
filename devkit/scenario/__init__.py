"""Stories on the local stack, each verified against the log at its end."""
