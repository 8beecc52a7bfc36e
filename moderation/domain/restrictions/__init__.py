"""Restrictions of hashtags and accounts: which are in force, with their references."""
