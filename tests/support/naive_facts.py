"""What orders and the registry say of an account at a tick, the obvious way: read everything up to then, then ask.

For logs without stale edits and without rulings on protected accounts, which need two people.
"""

from __future__ import annotations

import json
from functools import cache


def teller(lines):
    """`said(account, country, tick)` → "hidden", "protected" or "", from log lines of the moderation topic."""

    @cache
    def at(tick):
        targets, orders, rulings, speakers = {}, {}, {}, set()
        for line in lines:
            if line["log_time_ms"] > tick:
                break
            said = json.loads(line["value"])
            match said["kind"]:
                case "order_targets":
                    targets.setdefault(said["order"], []).extend(said["targets"])
                case "order_step":
                    orders[said["order"]] = (said["to"], said.get("expires_at_ms", 0))
                case "order_ruling":
                    for first, last in said["targets"]:
                        for number in range(first, last + 1):
                            rulings[said["order"], number] = said["outcome"]
                case "speaker" if said.get("removed"):
                    speakers.discard(said["account"])
                case "speaker":
                    speakers.add(said["account"])
        hidden = set()
        for (order, number), outcome in rulings.items():
            state, expires = orders[order]
            if outcome == "suspended":
                hidden |= {(targets[order][number][1], country) for country in ("*", order[:2], "IN", "US")}
            elif outcome == "withheld" and state in ("interim", "final") and (not expires or tick < expires):
                hidden.add((targets[order][number][1], order[:2]))
        return hidden, speakers

    def said(account, country, tick):
        hidden, speakers = at(tick)
        return "hidden" if (account, country) in hidden else "protected" if account in speakers else ""

    return said
