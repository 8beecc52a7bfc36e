"""Independent count of the raw log: the numbers that a report must publish, in the shape of its JSON. Pure.

It shares no code with the folds, the registers, the report or the letter. It reads records as JSON and answers every
question by a plain search through all of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from statistics import median

from devkit.scenario.log_hashtags import HIDING, HashtagCount, duration_class, lasted
from devkit.scenario.log_orders import Counts, OrderCount, Record, nested

DatedValue = tuple[bytes, int]
"""Value of a record and its log time in ms."""


def _dated(value: bytes, log_time_ms: int) -> Record:
    """Read a decision of a person: it begins at its log time, and so does its duration."""
    record: Record = json.loads(value)
    if "at_ms" in record:
        record["at_ms"] = log_time_ms
    if record.get("lasts_ms"):
        record["expires_at_ms"] = log_time_ms + record["lasts_ms"]
    return record


class LogCount:
    """All orders, decisions and appeals of the two raw logs.

    Args:
        moderation: values of the moderation topic with their log times, in order.
        decided: values of the decision topic with their log times.
    """

    def __init__(self, moderation: Iterable[DatedValue], decided: Iterable[DatedValue]) -> None:
        records = [_dated(*dated_value) for dated_value in moderation]
        emitted = [json.loads(value) for value, _ in decided]
        decisions = [record for record in emitted if record.get("kind") == "decision"]
        self.coverage = [record for record in emitted if record.get("kind") == "coverage"]
        self.orders = OrderCount()
        for record in records:
            self.orders.apply(record)
        self.appeals = [record for record in records if record["kind"] == "appeal_outcome"]
        self.hashtags = HashtagCount(
            [record for record in records if record["kind"] == "override"],
            [record for record in records if record["kind"] == "undo"],
            decisions,
            self.orders.reductions,
            {order.head["country"] for order in self.orders.orders.values()},
        )

    def facts(self, from_ms: int, to_ms: int, country: str | None, at_ms: int) -> Counts:
        """Count everything that a report on a period and a country publishes, with exact numbers."""
        orders = [
            order
            for order in self.orders.orders.values()
            if from_ms <= order.head["received_ms"] < to_ms and country in (None, order.head["country"])
        ]
        orders.sort(key=lambda order: (order.head["received_ms"], order.head["order"]))
        acted = [order for order in orders if order.acted_ms is not None]
        waited = [(order.acted_ms or 0) - order.head["received_ms"] for order in acted]
        episodes = list(self.hashtags.episodes(from_ms, to_ms, country, HIDING))
        contested = list(self.hashtags.episodes(from_ms, to_ms, country, ("discount",)))
        decided = [
            record
            for record in (*self.hashtags.overrides, *self.hashtags.undos)
            if from_ms <= record["at_ms"] < to_ms and country in (None, record["country"])
        ]
        return {
            "from_ms": from_ms,
            "to_ms": to_ms,
            "as_of_ms": at_ms,
            "country": country or "*",
            "orders": len(orders),
            "orders_by_country": dict(Counter(order.head["country"] for order in orders)),
            "orders_by_state": dict(Counter(order.published_state(at_ms) for order in orders)),
            "confidential_orders": sum(order.head["confidential"] for order in orders),
            "median_time_to_act_ms": round(median(waited)) if waited else None,
            "orders_acted_on": len(acted),
            "orders_acted_on_before_the_deadline": sum(
                (order.acted_ms or 0) <= order.head["deadline_ms"] for order in acted
            ),
            **self.orders.targets(orders, country, at_ms),
            "requested": dict(Counter(target.kind for order in orders for target in order.targets)),
            "by_order": [
                {
                    "orders": 1,
                    "country": order.head["country"],
                    "received_ms": order.head["received_ms"],
                    "state": order.published_state(at_ms),
                    "targets": dict(Counter(target.kind for target in order.targets)),
                    "outcomes": nested((target.kind, order.got(target, at_ms)) for target in order.targets),
                }
                for order in orders
            ],
            "hashtags_held_back": self.hashtags.held_back(from_ms, min(to_ms, at_ms + 1), country),
            "hashtags_suppressed_by_category": dict(Counter(episode.category for episode in episodes)),
            "median_suppression_ms_by_category": lasted(episodes),
            "hashtags_discounted_by_category": dict(Counter(episode.category for episode in contested)),
            "median_discount_ms_by_category": lasted(contested),
            "suppressions_by_duration": dict(Counter(duration_class(episode.lasted_ms) for episode in episodes)),
            "suppressions_overruled_by_people": self.hashtags.overruled(episodes, from_ms, to_ms),
            "decisions_by_people": dict(Counter(record.get("action", "undo") for record in decided)),
            "texts_by_language": None if country is not None else self._texts(from_ms, to_ms),
            "quality": None if country is not None else self._quality(from_ms, to_ms),
        }

    def _texts(self, from_ms: int, to_ms: int) -> Counts:
        """Count the texts of each shard and hour once."""
        hours = {
            (record["from_ms"], record["shard"]): record
            for record in self.coverage
            if from_ms <= record["from_ms"] < to_ms
        }
        rows = [row for record in hours.values() for row in record["languages"]]
        read, unread = {}, {}
        for name in {row[0] for row in rows}:
            read[name] = sum(row[2] for row in rows if row[0] == name)
            unread[name] = sum(row[1] - row[2] for row in rows if row[0] == name)
        small = [count for count in (sum(read.values()), sum(unread.values())) if 0 < count < 5]
        share = round(sum(read.values()) / sum(row[1] for row in rows), 3) if rows and not small else None
        if share in (0.0, 1.0) and sum(read.values()) and sum(unread.values()):
            share = abs(share - 0.001)  # no part is rounded to nothing
        return {
            "hours": len({hour for hour, _ in hours}),
            "total": sum(row[1] for row in rows),
            "read": sum(read.values()),
            "unread": sum(unread.values()),
            "read_share": share,
            "read_by_language": {name: count for name, count in read.items() if count},
            "unread_by_language": {name: count for name, count in unread.items() if count},
        }

    def _quality(self, from_ms: int, to_ms: int) -> Counts:
        ended = [appeal for appeal in self.appeals if from_ms <= appeal["at_ms"] < to_ms]
        won = sum(appeal["verdict"] == "overturn" for appeal in ended)
        return {
            "second_looks": 0,
            "second_looks_by_result": {"upheld_or_disputed": 0, "found_wrong": 0},
            "appeals": len(ended),
            "appeals_by_result": {"not_reversed": len(ended) - won, "reversed": won},
        }
