"""Look-alike family of a hashtag: the spellings in recent use that look the same.

Look-alikes stay separate hashtags everywhere, because the contract normalises but does not merge them. A decision on a
family is therefore one decision for each member, under one family name by which all are undone together. The members
are the hashtags in recent use at the time of the decision; spellings that appear later do not belong to it.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.errors import CallerMistake
from streams.log.pane_rows import spellings_in
from streams.log.panes import pane_records
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import PANES, SHORT_PANES
from streams.naming import TypedHashtag
from streams.policy.look_alikes import skeleton
from streams.settings import Settings

MAX_MEMBERS = 200
"""Largest family of one decision; a term with more look-alikes is too short to be specific."""


def members(tag: TypedHashtag, used: Mapping[str, str]) -> list[TypedHashtag]:
    """Find the family of a hashtag among those in use: the hashtag first, the others by name.

    Args:
        tag: hashtag as a person typed it.
        used: display spelling by hashtag.

    >>> [one.hashtag for one in members(TypedHashtag("hate", "Hate"), {"h4te": "h4te", "hat": "hat", "hate": "HATE"})]
    ['hate', 'h4te']
    """
    shape = skeleton(tag.hashtag)
    alike = sorted(other for other in used if other != tag.hashtag and shape and skeleton(other) == shape)
    return [tag, *(TypedHashtag(other, used[other] or other) for other in alike)]


async def family_of(settings: Settings, tag: TypedHashtag) -> list[TypedHashtag]:
    """Find the family of a hashtag among those in recent use; raises the errors of `recently_used`.

    Raises:
        CallerMistake: it has more than `MAX_MEMBERS` members.
    """
    family = members(tag, await recently_used(settings))
    if len(family) > MAX_MEMBERS:
        raise CallerMistake(
            f"{len(family):,} hashtags look like #{tag.hashtag}", fix="list the hashtags instead of --family"
        )
    return family


async def recently_used(settings: Settings) -> dict[str, str]:
    """Read every hashtag in the settled panes that the topics still hold, with its display spelling.

    Raises:
        DependencyAway: Kafka does not answer.
        TopicsError: a topic is missing.
    """
    spellings: dict[str, str] = {}
    for topic in (PANES, SHORT_PANES):  # a minute that has not ended has only short ones
        async with LogReader(connection(settings), settings.topic(topic)) as reader:
            async for batch in reader.to_end(dict.fromkeys(reader.partitions)):
                for pane in pane_records(record.value for record in batch):
                    spellings.update(spellings_in(pane))
    return spellings
