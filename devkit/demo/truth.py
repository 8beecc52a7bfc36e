"""Ground truth of the simulator, shifted to the time of this run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class PlannedTag:
    """Planned hashtag of the ground truth. `from_ms` and `to_ms` are wall clock, half-open."""

    hashtag: str
    display: str
    kind: str
    harmful: bool
    country: str
    from_ms: int
    to_ms: int
    attacked_from_ms: int | None = None
    """Time from which other accounts write harm under it; None: never."""

    def moved(self, by_ms: int) -> PlannedTag:
        """Return a copy shifted by `by_ms`."""
        attacked_from_ms = None if self.attacked_from_ms is None else self.attacked_from_ms + by_ms
        return replace(self, from_ms=self.from_ms + by_ms, to_ms=self.to_ms + by_ms, attacked_from_ms=attacked_from_ms)


def planned_tags(truth: Mapping[str, Any]) -> list[PlannedTag]:
    """Read the planned hashtags of a ground truth, without those of background traffic."""
    return [
        PlannedTag(
            hashtag=tag["hashtag"],
            display=tag["display"],
            kind=tag["kind"],
            harmful=tag["harmful"],
            country=tag["countries"][0] if tag["countries"] else "",
            from_ms=tag["from_ms"],
            to_ms=tag["to_ms"],
            attacked_from_ms=tag.get("attacked_from_ms"),
        )
        for tag in truth["tags"]
        if tag["kind"] != "organic"
    ]


def by_hashtag(stories: Iterable[PlannedTag]) -> dict[str, PlannedTag]:
    """Index planned hashtags by their normalised form."""
    return {story.hashtag: story for story in stories}
