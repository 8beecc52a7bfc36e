"""Compiled passes over the authors of many keys."""
