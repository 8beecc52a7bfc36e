"""From settled panes to decisions: evidence, levels, states. Pure: time and scores are arguments."""
