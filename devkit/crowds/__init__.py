"""Innocent hashtags and attacks on them, as judges of the rules: texts, accounts and truth.

A second generator beside `devkit.simulation`: it shares no template, no word list and no curve of ages with it, and
nothing in it has trained a model.
"""
