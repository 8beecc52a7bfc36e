"""Compiled passes over the judge's stores."""
