"""What the simulator says is so, in the time of this run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Story:
    """One planned hashtag. `from_ms` and `to_ms` are wall clock, half-open."""

    hashtag: str
    display: str
    kind: str
    harmful: bool
    country: str
    from_ms: int
    to_ms: int

    def moved(self, by_ms: int) -> Story:
        """The same story `by_ms` later."""
        return replace(self, from_ms=self.from_ms + by_ms, to_ms=self.to_ms + by_ms)


def stories_of(truth: Mapping[str, Any]) -> list[Story]:
    """The planned hashtags of a ground truth, those of everyday chatter apart."""
    return [
        Story(
            hashtag=tag["hashtag"],
            display=tag["display"],
            kind=tag["kind"],
            harmful=tag["harmful"],
            country=tag["countries"][0] if tag["countries"] else "",
            from_ms=tag["from_ms"],
            to_ms=tag["to_ms"],
        )
        for tag in truth["tags"]
        if tag["kind"] != "organic"
    ]


def by_hashtag(stories: Iterable[Story]) -> dict[str, Story]:
    """Stories by their normalised hashtag."""
    return {story.hashtag: story for story in stories}
