"""A hashtag's look-alike family: the spellings in use that the eye takes for it.

Look-alikes are tags of their own everywhere (the contract normalises, it does not merge by force), so a decision on a
family is a decision on each of its members, under one family name by which all are undone together. Who is a member is
found when the decision is taken, among the tags that were used lately; spellings that come up later are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.errors import CallerMistake
from streams.log.panes import pane_records, spellings_in
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import PANES
from streams.naming import Tag
from streams.policy.terms import skeleton
from streams.settings import Settings

MOST = 200
"""Members of one decision; a family beyond that is a term that is too short to tell anything."""


def members(tag: Tag, used: Mapping[str, str]) -> list[Tag]:
    """The family of a hashtag among those that are used: the tag itself first, the others by name.

    Args:
        used: hashtag → a spelling of it.

    >>> [one.hashtag for one in members(Tag("hate", "Hate"), {"h4te": "h4te", "hat": "hat", "hate": "HATE"})]
    ['hate', 'h4te']
    """
    wanted = skeleton(tag.hashtag)
    alike = sorted(other for other in used if other != tag.hashtag and wanted and skeleton(other) == wanted)
    return [tag, *(Tag(other, used[other] or other) for other in alike)]


async def family_of(settings: Settings, tag: Tag) -> list[Tag]:
    """The family of a hashtag among those used lately. Raises as `used_lately`.

    Raises:
        CallerMistake: it has more than `MOST` members.
    """
    found = members(tag, await used_lately(settings))
    if len(found) > MOST:
        raise CallerMistake(
            f"{len(found):,} hashtags look like #{tag.hashtag}", fix="name those that are meant, without --family"
        )
    return found


async def used_lately(settings: Settings) -> dict[str, str]:
    """Every hashtag in the settled panes that the log still has, with a spelling of it.

    Raises:
        DependencyAway: Kafka is silent.
        TopicsError: there is no such topic.
    """
    found: dict[str, str] = {}
    async with LogReader(connection(settings), settings.topic(PANES)) as reader:
        async for batch in reader.to_end(dict.fromkeys(reader.partitions)):
            for pane in pane_records(record.value for record in batch):
                found.update(spellings_in(pane))
    return found
