"""Planted bugs, each of which some named test must find: what says that the suite can fail.

`mutations.toml` is the list, `python -m tests.mutants` (`make mutants`) plants them one by one in a throw-away copy.
"""
