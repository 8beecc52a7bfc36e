"""Facts about an account at a tick, the obvious way: read all orders and the registry up to the tick.

For logs without stale edits and without rulings on protected accounts, which need two people.
"""

from __future__ import annotations

import json
from functools import cache


def teller(lines):
    """Return `fact_at(account, country, tick)` → "hidden", "protected" or "", from lines of the moderation topic."""

    @cache
    def at(tick):
        targets, orders, rulings, speakers = {}, {}, {}, set()
        for line in lines:
            if line["log_time_ms"] > tick:
                break
            record = json.loads(line["value"])
            match record["kind"]:
                case "order_targets":
                    targets.setdefault(record["order"], []).extend(record["targets"])
                case "order_step" if record["to"] == "final" and any(
                    (record["order"], number) not in rulings for number in range(len(targets[record["order"]]))
                ):
                    pass  # refused: a target has no outcome
                case "order_step":
                    orders[record["order"]] = (record["to"], record.get("expires_at_ms", 0))
                case "order_ruling":
                    for first, last in record["targets"]:
                        for number in range(first, last + 1):
                            rulings[record["order"], number] = record["outcome"]
                case "speaker" if record.get("removed"):
                    speakers.discard(record["account"])
                case "speaker":
                    speakers.add(record["account"])
        hidden = set()
        for (order, number), outcome in rulings.items():
            state, expires = orders[order]
            if outcome == "suspended":
                hidden |= {(targets[order][number][1], country) for country in ("*", order[:2], "IN", "US")}
            elif outcome == "withheld" and state in ("interim", "final") and (not expires or tick < expires):
                hidden.add((targets[order][number][1], order[:2]))
        return hidden, speakers

    def fact_at(account, country, tick):
        hidden, speakers = at(tick)
        return "hidden" if (account, country) in hidden else "protected" if account in speakers else ""

    return fact_at
