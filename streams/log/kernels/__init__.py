"""Compiled passes over the columns of records."""
