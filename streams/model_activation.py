"""How an artefact becomes the live model: kept whole, then named in the `policy` topic, then told to every shard.

Each step is acknowledged before the next. Whoever dies between two of them leaves what the next one to apply it, or the
next worker to start, goes on from: an artefact that nobody names does nothing, and what the `policy` topic names is
told to the shards again at each start.
"""

from __future__ import annotations

from msgspec.structs import replace

from models import ArtefactError, artefact
from streams.clock import now_ms
from streams.counting.block_counts import PANE_MS
from streams.errors import CallerMistake
from streams.log.models import read_models, revision_of
from streams.log.partials import encode_partial
from streams.log.policies import ModelChange, PolicyRecord, encode_policy_record, read_policy_topic
from streams.log.producer import Sender
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import MODELS, PARTIALS, POLICY, TWEETS
from streams.scoring import load_text_scorer
from streams.settings import Settings

_DEADLINE_SECONDS = 15.0


async def put_live(
    settings: Settings, data: bytes, categories: tuple[str, ...], *, reason: str, actor: str
) -> PolicyRecord:
    """Have all shards score by an artefact, from the pane after the newest tweet's on.

    Args:
        data: the artefact, checked; `categories`: those that it tells apart.

    Returns:
        The live record of the `policy` topic, whose `from_tick_ms` is here the begin of the first pane of the model.

    Raises:
        CallerMistake: no policy is live yet, or the live model has other categories.
        DependencyAway: the broker is silent.
    """
    revision = revision_of(data)
    topic = await read_policy_topic(settings)
    live = topic.live
    if live is None:
        raise CallerMistake("no policy is live yet", fix="start a worker: it makes its own policy and model live")
    counted = await _categories_of(settings, live.model_revision)
    if categories != counted:
        raise CallerMistake(
            f"it tells {', '.join(categories)} apart, the live one {', '.join(counted)}; samples have a score for each",
            fix="the live model stays; other categories ask for new topics (docs/reliability.md, upgrade and rollback)",
        )
    sender = Sender(settings, deadline_seconds=_DEADLINE_SECONDS)
    await sender.start()
    try:
        if revision not in await read_models(settings, wanted=revision):
            await sender.acknowledged([await sender.send(settings.topic(MODELS), 0, data, key=revision.encode())])
        record, sequence = live, topic.kept[live.revision][0]
        begun = topic.model_named_by
        if live.model_revision != revision:
            record = replace(
                live,
                model_revision=revision,
                from_tick_ms=(await _newest_ms(settings) // PANE_MS + 1) * PANE_MS,
                model_change=ModelChange(before=live.model_revision, actor=actor, reason=reason),
            )
            key = live.revision.encode()
            named = await sender.send(settings.topic(POLICY), 0, encode_policy_record(record), key=key)
            before, sequence = sequence, (await sender.acknowledged([named]))[0].offset
            await _check_that_nothing_came_between(settings, before, sequence)
        value, shards = encode_partial(record.activation(sequence)), range(settings.shards)
        await sender.acknowledged([await sender.send(settings.topic(PARTIALS), shard, value) for shard in shards])
        return record if begun is None or record is not live else replace(live, from_tick_ms=begun.from_tick_ms)
    finally:
        await sender.stop()


async def _check_that_nothing_came_between(settings: Settings, before: int, sequence: int) -> None:
    kept = (await read_policy_topic(settings)).kept
    between = [revision for revision, (offset, _) in kept.items() if before < offset and offset != sequence]
    if between:
        raise CallerMistake(
            f"policy {between[-1]} was put live at the same moment, and one of the two has undone the other",
            fix="look at `hushtag policy status` and `hushtag model status`, and apply what is missing again",
        )


async def _categories_of(settings: Settings, revision: str) -> tuple[str, ...]:
    """Those of the live model; where this version cannot read it, of the one that workers come with."""
    data = (await read_models(settings, wanted=revision)).get(revision)
    if data is not None:
        try:
            return artefact.loads(data).categories
        except ArtefactError:
            pass
    return load_text_scorer(settings.model).categories


async def _newest_ms(settings: Settings) -> int:
    """The greatest log time of a tweet; now, where there is none."""
    newest_ms = -1
    async with LogReader(connection(settings), settings.topic(TWEETS)) as reader:
        ends = {number: one.end for number, one in (await reader.bounds()).items() if one.end > one.begin}
        async for batch in reader.to_end({number: end - 1 for number, end in ends.items()}, ends):
            newest_ms = max(newest_ms, *(record.timestamp for record in batch))
    return newest_ms if newest_ms >= 0 else now_ms()
