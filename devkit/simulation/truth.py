"""The ground truth: what each hashtag was for, and whether it should have been suppressed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from hushtag_client.normalise import normalise

from devkit.simulation.draft import Draft
from devkit.simulation.stories import Story


class Tag(msgspec.Struct, kw_only=True):
    """One hashtag. `from_ms` and `to_ms` are milliseconds since the epoch, half-open."""

    hashtag: str
    """Normalised."""
    display: str
    kind: str
    """campaign, protest, counter_speech, news, sports, festival, bot_flood or organic."""
    harmful: bool
    """It should be suppressed in `countries` some time between `from_ms` and a little after `to_ms`."""
    never_suppress: bool
    """It must not be suppressed anywhere, ever."""
    countries: list[str]
    """Where its tweets come from, ISO 3166-1 alpha-2."""
    from_ms: int
    to_ms: int
    texts: int = 0
    """Tweets that use it, retweets included; retries and broken records not."""
    authors: int = 0
    language: str = ""
    harmful_share: float = 0.0
    """As planned, of its own texts."""


class TruthBook:
    """Counts what each known hashtag was used for.

    Args:
        start_ms: the run's start, which the stories' times are relative to.
        organic: everyday hashtags to list. One-use hashtags are not listed: all of them are harmless.
    """

    def __init__(self, start_ms: int, stories: Iterable[Story], organic: Iterable[str]) -> None:
        self._organic = frozenset(organic)
        self._tags: dict[str, Tag] = {}
        self._authors: dict[str, set[int]] = {}
        for story in stories:
            self._tags[story.hashtag] = Tag(
                hashtag=normalise(story.hashtag),
                display=story.hashtag,
                kind=story.kind,
                harmful=story.harmful,
                never_suppress=not story.harmful,
                countries=[story.country] if story.country else [],
                from_ms=start_ms + story.start_ms,
                to_ms=start_ms + story.end_ms,
                language=story.languages[0][0],
                harmful_share=round(story.harmful_share, 3),
            )

    def note(self, draft: Draft) -> None:
        """A tweet was sent."""
        for display in draft.counted_tags:
            tag = self._tags.get(display)
            if tag is None:
                if display not in self._organic:
                    continue
                tag = self._tags[display] = Tag(
                    hashtag=normalise(display),
                    display=display,
                    kind="organic",
                    harmful=False,
                    never_suppress=True,
                    countries=[],
                    from_ms=draft.true_ms,
                    to_ms=draft.true_ms + 1,
                    language=draft.language,
                )
            if tag.kind == "organic":
                tag.to_ms = max(tag.to_ms, draft.true_ms + 1)
                code = draft.author.country.code
                if code and code not in tag.countries:
                    tag.countries.append(code)
            tag.texts += 1
            authors = self._authors.setdefault(display, set())
            authors.add(draft.author.id)
            tag.authors = len(authors)

    def tags(self) -> list[Tag]:
        """All listed tags: the stories' in their order, then the organic ones by use."""
        stories = [tag for tag in self._tags.values() if tag.kind != "organic"]
        organic = [tag for tag in self._tags.values() if tag.kind == "organic"]
        return stories + sorted(organic, key=lambda tag: (-tag.texts, tag.hashtag))

    def table(self, records: dict[str, int], **about: Any) -> dict[str, Any]:
        """The truth as it is written to a file."""
        return {"tags": [msgspec.to_builtins(tag) for tag in self.tags()], "records": records, **about}
