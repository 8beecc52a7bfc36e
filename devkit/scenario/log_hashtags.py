"""Independent count of hashtags: which ones viewers did not see, and how long the pipeline hid them. Pure.

It shares no code with the folds, the registers or the report: it asks for each hashtag, surface, viewer and moment.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from devkit.scenario.log_orders import Counts, PlainReduction, Record

HIDING = ("suppress", "hold")


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
        self._countries = countries | {record["country"] for record in (*overrides, *decisions)}
        self._about: dict[str, list[Record]] = defaultdict(list)
        for record in (*overrides, *decisions):
            self._about[record["hashtag"]].append(record)

    def held_back(self, from_ms: int, to_ms: int, country: str | None) -> Counts:
        """Look at every hashtag, surface and viewer at every moment at which anything changed."""
        moments = sorted(
            {from_ms}
            | {at for override in self.overrides for at in (override["at_ms"], override["expires_at_ms"])}
            | {undo["at_ms"] for undo in self.undos}
            | {decision["decided_at_ms"] for decision in self.decisions}
            | {ruling["expires_at_ms"] for decision in self.decisions for ruling in decision["rulings"]}
            | {at for reduction in self.reductions for at in (reduction.began_ms, reduction.ended_ms) if at is not None}
        )
        moments = [at_ms for at_ms in moments if from_ms <= at_ms < to_ms]
        viewers = [country] if country else ["*", *sorted(self._countries - {"*"})]
        tags = {record["hashtag"] for record in (*self.overrides, *self.decisions)}
        tags |= {reduction.target.name for reduction in self.reductions}
        deciders_of: dict[str, set[tuple[bool, str, str]]] = {}
        for tag in tags:
            deciders = {
                decider
                for surface in ("trends", "search")
                for viewer in viewers
                for at_ms in moments
                if (decider := self._hidden_by(tag, surface, viewer, at_ms)) is not None
            }
            if deciders:
                deciders_of[tag] = deciders
        by, by_country, by_category = Counter[str](), Counter[str](), Counter[str]()
        for deciders in deciders_of.values():
            kinds = {people for people, _, _ in deciders}
            by["both" if len(kinds) == 2 else "people_alone" if True in kinds else "pipeline_alone"] += 1
            by_country.update({place for _, place, _ in deciders})
            by_category.update({category for people, _, category in deciders if not people})
        return {
            "total": len(deciders_of),
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
            for record in self._about[tag]:
                same = "action" in record and record["country"] == place and surface in record["surfaces"]
                if (
                    same
                    and record["at_ms"] <= at_ms < record["expires_at_ms"]
                    and not self._undone(record, surface, at_ms)
                ):
                    newest = record
            if newest is not None:
                return None if newest["action"] == "allow" else (True, place, "")
        for place in places:
            past = [
                record
                for record in self._about[tag]
                if "rulings" in record and record["country"] == place and record["decided_at_ms"] <= at_ms
            ]
            last = max(past, key=lambda decision: str(decision["version"]), default=None)
            for ruling in last["rulings"] if last else ():
                if ruling["surface"] == surface and ruling["action"] != "clear" and at_ms < ruling["expires_at_ms"]:
                    return (False, place, ruling["category"]) if ruling["action"] in HIDING else None
        return None

    def _undone(self, override: Record, surface: str, at_ms: int) -> bool:
        return any(
            override["id"] in undo["undoes"] and surface in undo["surfaces"] and undo["at_ms"] <= at_ms
            for undo in self.undos
        )

    def _reduced_by_order(self, tag: str, surface: str, place: str, at_ms: int) -> bool:
        return any(
            reduction.target.name == tag
            and reduction.country == place
            and surface in reduction.surfaces
            and reduction.covers(at_ms)
            for reduction in self.reductions
        )

    def episodes(
        self, from_ms: int, to_ms: int, country: str | None, actions: tuple[str, ...]
    ) -> Iterator[PlainEpisode]:
        """Iterate over the flags that began within the period."""
        keys: dict[tuple[str, str], dict[str, Record]] = defaultdict(dict)
        for decision in self.decisions:
            if country in (None, decision["country"]) and decision["decided_at_ms"] < to_ms:
                keys[decision["hashtag"], decision["country"]][decision["version"]] = decision
        for (tag, place), versions in keys.items():
            ordered = [versions[version] for version in sorted(versions)]
            for category in {ruling["category"] for decision in ordered for ruling in decision["rulings"]}:
                pieces: list[list[int]] = []
                for number, decision in enumerate(ordered):
                    ends = [
                        ruling["expires_at_ms"]
                        for ruling in decision["rulings"]
                        if ruling["category"] == category and ruling["action"] in actions
                    ]
                    if not ends:
                        continue
                    after = ordered[number + 1]["decided_at_ms"] if number + 1 < len(ordered) else to_ms
                    piece = [decision["decided_at_ms"], min(max(ends), after)]
                    if pieces and pieces[-1][1] == piece[0]:
                        pieces[-1][1] = piece[1]
                    else:
                        pieces.append(piece)
                yield from (PlainEpisode(tag, category, place, b, e) for b, e in pieces if from_ms <= b < to_ms)

    def overruled(self, episodes: Sequence[PlainEpisode], from_ms: int, to_ms: int) -> int:
        """Count the flags that a person's `allow` within the period ended or covered."""
        return sum(
            any(
                override["action"] == "allow"
                and override["hashtag"] == episode.tag
                and override["country"] in (episode.country, "*")
                and episode.began_ms <= override["at_ms"] <= episode.ended_ms
                and from_ms <= override["at_ms"] < to_ms
                for override in self.overrides
            )
            for episode in episodes
        )


def lasted(episodes: Sequence[PlainEpisode]) -> dict[str, int]:
    """Return the median duration of each category, in ms."""
    categories = {episode.category for episode in episodes}
    return {
        name: round(median(episode.lasted_ms for episode in episodes if episode.category == name))
        for name in categories
    }


def duration_class(lasted_ms: int) -> str:
    """Return the report's name for a duration."""
    hours = lasted_ms / 3_600_000
    return "hour" if hours < 1 else "six_hours" if hours < 6 else "day" if hours < 24 else "longer"
