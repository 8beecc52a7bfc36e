"""The judge's core: settled panes to evidence, decisions and progress. No I/O; time and scores are arguments."""
