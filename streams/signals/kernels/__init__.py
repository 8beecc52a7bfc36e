"""Compiled passes over sampled authors, apart from the signals: policies name signals and measure none."""
