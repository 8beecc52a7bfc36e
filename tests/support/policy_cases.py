"""A good policy, whose lines tests replace, and a broken one."""

from __future__ import annotations

GOOD = """\
serial: 1
windows: [10m, 1h]
categories:
  abuse:
    mode: suppress
    windows: [10m]
    min_tweets: 50
    min_authors: 40
    suppress_at: 0.5
    clear_at: 0.3
    confidence: 0.95
    dwell: 30s
    expiry: 10m
    corroborate: {need: 1, copies: 0.3, authors: 100}
    overrides:
      - {country: IN, suppress_at: 0.6}
      - {surface: search, min_authors: 45}
never_suppress: [farmersprotest]
curated_terms:
  - {term: badword, match: exact}
valves: {max_automated_hours: 24}
"""
SHARDS = 8


def edited(changes: dict[int, str]) -> str:
    """Return the good policy with some lines replaced; lines count from 1."""
    lines = GOOD.splitlines()
    for number, text in changes.items():
        lines[number - 1] = text
    return "\n".join(lines) + "\n"


BROKEN = edited({5: "    mode suppress"})
"""Policy without the colon after a key."""
