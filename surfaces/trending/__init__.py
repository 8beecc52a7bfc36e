"""Trending hashtags: counts over a sliding window, and a score. Pure: no clock, no network."""
