"""Planted bugs that show that the suite can fail: each must make one of its named tests fail.

`mutations.toml` lists them; `python -m tests.mutants` (`make mutants`) plants them one by one in a temporary copy.
"""
