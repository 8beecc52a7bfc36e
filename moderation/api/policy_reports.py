"""Reports of backtests as one person may read them."""

from __future__ import annotations

from typing import Any

import msgspec

from streams.backtest.impact import ImpactReport


def report_as_dict(report: ImpactReport, blinded: frozenset[str]) -> dict[str, Any]:
    """Build the JSON of a report without the hashtags that a person reviews blind."""
    plain: dict[str, Any] = msgspec.to_builtins(report)
    for name in ("changes", "protected"):
        plain[name] = [one for one in plain[name] if one["hashtag"] not in blinded]
    return plain | {"blinded": sorted(blinded)}
