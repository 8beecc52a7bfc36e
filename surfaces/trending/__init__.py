"""What is trending: counts over a sliding window, a score, sparklines, prefixes. Pure: no clock, no network."""
