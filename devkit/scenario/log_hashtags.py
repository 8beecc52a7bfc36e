"""Independent count of hashtags: which ones viewers did not see, and how long the pipeline hid them. Pure.

It shares no code with the folds, the registers or the report: it asks for each hashtag, surface, viewer and moment.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from devkit.scenario.log_orders import PlainReduction

HIDING = ("suppress", "hold")
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PlainEpisode:
    """One flag of the pipeline, from its beginning to its end."""

    tag: str
    category: str
    country: str
    began_ms: int
    ended_ms: int

    @property
    def lasted_ms(self) -> int:
        """Duration of the flag, in ms."""
        return self.ended_ms - self.began_ms


class HashtagCount:
    """Hashtags of the two logs.

    Args:
        overrides, undos: people's decisions, in the order of the log.
        decisions: the pipeline's decisions.
        reductions: hashtags that orders reduced.
        countries: countries of the orders.
    """

    def __init__(
        self,
        overrides: Sequence[Record],
        undos: Sequence[Record],
        decisions: Sequence[Record],
        reductions: Sequence[PlainReduction],
        countries: set[str],
    ) -> None:
        self.overrides, self.undos, self.decisions, self.reductions = overrides, undos, decisions, reductions
        self._countries = countries | {one["country"] for one in (*overrides, *decisions)}
        self._about: dict[str, list[Record]] = defaultdict(list)
        for record in (*overrides, *decisions):
            self._about[record["hashtag"]].append(record)

    def held_back(self, from_ms: int, to_ms: int, country: str | None) -> dict[str, Any]:
        """Look at every hashtag, surface and viewer at every moment at which anything changed."""
        moments = sorted(
            {from_ms}
            | {at for one in self.overrides for at in (one["at_ms"], one["expires_at_ms"])}
            | {one["at_ms"] for one in self.undos}
            | {one["decided_at_ms"] for one in self.decisions}
            | {ruling["expires_at_ms"] for one in self.decisions for ruling in one["rulings"]}
            | {at for one in self.reductions for at in (one.began_ms, one.ended_ms) if at is not None}
        )
        moments = [at_ms for at_ms in moments if from_ms <= at_ms < to_ms]
        viewers = [country] if country else ["*", *sorted(self._countries - {"*"})]
        tags = {one["hashtag"] for one in (*self.overrides, *self.decisions)}
        tags |= {one.target.name for one in self.reductions}
        found: dict[str, set[tuple[bool, str, str]]] = {}
        for tag in tags:
            deciders = {
                decider
                for surface in ("trends", "search")
                for viewer in viewers
                for at_ms in moments
                if (decider := self._hidden_by(tag, surface, viewer, at_ms)) is not None
            }
            if deciders:
                found[tag] = deciders
        by, by_country, by_category = Counter[str](), Counter[str](), Counter[str]()
        for deciders in found.values():
            kinds = {people for people, _, _ in deciders}
            by["both" if len(kinds) == 2 else "people_alone" if True in kinds else "pipeline_alone"] += 1
            by_country.update({place for _, place, _ in deciders})
            by_category.update({category for people, _, category in deciders if not people})
        return {
            "total": len(found),
            "by": dict(by),
            "by_country": dict(by_country),
            "by_category": dict(by_category),
        }

    def _hidden_by(self, tag: str, surface: str, viewer: str, at_ms: int) -> tuple[bool, str, str] | None:
        """Return (by people, country of the decision, category) of what hides a hashtag from a viewer."""
        places = [viewer] if viewer == "*" else [viewer, "*"]
        for place in places:
            if self._reduced_by_order(tag, surface, place, at_ms):
                return True, place, ""
        for place in places:
            newest = None
            for one in self._about[tag]:
                same = "action" in one and one["country"] == place and surface in one["surfaces"]
                if same and one["at_ms"] <= at_ms < one["expires_at_ms"] and not self._undone(one, surface, at_ms):
                    newest = one
            if newest is not None:
                return None if newest["action"] == "allow" else (True, place, "")
        for place in places:
            past = [
                one
                for one in self._about[tag]
                if "rulings" in one and one["country"] == place and one["decided_at_ms"] <= at_ms
            ]
            last = max(past, key=lambda one: str(one["version"]), default=None)
            for ruling in last["rulings"] if last else ():
                if ruling["surface"] == surface and ruling["action"] != "clear" and at_ms < ruling["expires_at_ms"]:
                    return (False, place, ruling["category"]) if ruling["action"] in HIDING else None
        return None

    def _undone(self, override: dict[str, Any], surface: str, at_ms: int) -> bool:
        return any(
            override["id"] in one["undoes"] and surface in one["surfaces"] and one["at_ms"] <= at_ms
            for one in self.undos
        )

    def _reduced_by_order(self, tag: str, surface: str, place: str, at_ms: int) -> bool:
        return any(
            one.target.name == tag and one.country == place and surface in one.surfaces and one.covers(at_ms)
            for one in self.reductions
        )

    def episodes(
        self, from_ms: int, to_ms: int, country: str | None, actions: tuple[str, ...]
    ) -> Iterator[PlainEpisode]:
        """Iterate over the flags that began within the period."""
        keys: dict[tuple[str, str], dict[str, dict[str, Any]]] = defaultdict(dict)
        for one in self.decisions:
            if country in (None, one["country"]) and one["decided_at_ms"] < to_ms:
                keys[one["hashtag"], one["country"]][one["version"]] = one
        for (tag, place), versions in keys.items():
            ordered = [versions[version] for version in sorted(versions)]
            for category in {ruling["category"] for one in ordered for ruling in one["rulings"]}:
                pieces: list[list[int]] = []
                for number, one in enumerate(ordered):
                    ends = [
                        ruling["expires_at_ms"]
                        for ruling in one["rulings"]
                        if ruling["category"] == category and ruling["action"] in actions
                    ]
                    if not ends:
                        continue
                    after = ordered[number + 1]["decided_at_ms"] if number + 1 < len(ordered) else to_ms
                    piece = [one["decided_at_ms"], min(max(ends), after)]
                    if pieces and pieces[-1][1] == piece[0]:
                        pieces[-1][1] = piece[1]
                    else:
                        pieces.append(piece)
                yield from (PlainEpisode(tag, category, place, b, e) for b, e in pieces if from_ms <= b < to_ms)

    def overruled(self, episodes: Sequence[PlainEpisode], from_ms: int, to_ms: int) -> int:
        """Count the flags that a person's `allow` within the period ended or covered."""
        return sum(
            any(
                one["action"] == "allow"
                and one["hashtag"] == episode.tag
                and one["country"] in (episode.country, "*")
                and episode.began_ms <= one["at_ms"] <= episode.ended_ms
                and from_ms <= one["at_ms"] < to_ms
                for one in self.overrides
            )
            for episode in episodes
        )


def lasted(episodes: Sequence[PlainEpisode]) -> dict[str, int]:
    """Return the median duration of each category, in ms."""
    categories = {one.category for one in episodes}
    return {name: round(median(one.lasted_ms for one in episodes if one.category == name)) for name in categories}


def duration_class(lasted_ms: int) -> str:
    """Return the report's name for a duration."""
    hours = lasted_ms / 3_600_000
    return "hour" if hours < 1 else "six_hours" if hours < 6 else "day" if hours < 24 else "longer"
