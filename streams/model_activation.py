"""Make an artefact the live model: publish it whole, name it in the `policy` topic, and activate it on every shard.

Each step is acknowledged before the next. A command that ends between two steps leaves a state from which the next
command, or the next worker to start, continues. An artefact that no record names has no effect, and each start sends
the activation of the live record again.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from models import ArtefactError, artefact
from streams.constants import PANE_MS
from streams.errors import CallerMistake
from streams.log.models import read_models, revision_of
from streams.log.newest import newest_log_time_ms
from streams.log.partials import encode_partial
from streams.log.policies import ModelChange, PolicyRecord, PolicyTopic, encode_policy_record, read_policy_topic
from streams.log.policy_order import policy_key
from streams.log.producer import Sender
from streams.log.topic_specs import MODELS, PARTIALS, POLICY
from streams.scoring import load_text_scorer
from streams.settings import Settings

_DEADLINE_SECONDS = 15.0
_NO_POLICY_FIX = "start a worker: it makes its policy and its model live"
_ROLLBACK_FIX = "`hushtag model status` lists the models that are kept; `hushtag model apply FILE` takes another one"


async def activate_model(
    settings: Settings,
    data: bytes,
    categories: tuple[str, ...],
    *,
    reason: str,
    actor: str,
    by_workers: bool = False,
    if_live: str | None = None,
) -> PolicyRecord:
    """Make all shards score with an artefact, from the pane after the newest tweet's on.

    Args:
        settings: addresses and topic names.
        data: the checked artefact.
        categories: the categories of the artefact.
        reason: text for the record.
        actor: person who activates the model.
        by_workers: leave the activation to the workers, which read the record within seconds; the model then begins a
            pane later. It needs no right to write to the logs of the shards.
        if_live: revision of the model that it replaces; None: any.

    Returns:
        The live record of the `policy` topic; its `from_tick_ms` is the start of the model's first pane.

    Raises:
        CallerMistake: no policy is live yet, the live model has other categories, or it is not `if_live`.
        DependencyAway: the broker does not answer.
    """
    revision = revision_of(data)
    topic = await read_policy_topic(settings)
    live = topic.live
    if live is None:
        raise CallerMistake("no policy is live yet", fix=_NO_POLICY_FIX)
    if if_live is not None and live.model_revision not in (if_live, revision):
        raise CallerMistake(
            f"model {live.model_revision} is live, not {if_live}",
            fix="look at what this model would change now, and repeat it if still wanted",
        )
    counted = await _categories_of(settings, live.model_revision)
    if categories != counted:
        raise CallerMistake(
            f"it has the categories {', '.join(categories)}, the live model {', '.join(counted)}; samples have a score "
            "for each of these",
            fix="the live model stays; other categories need new topics (docs/reliability.md, upgrade and rollback)",
        )
    sender = Sender(settings, deadline_seconds=_DEADLINE_SECONDS)
    await sender.start()
    try:
        if revision not in await read_models(settings, only=revision):
            await sender.acknowledged([await sender.send(settings.topic(MODELS), 0, data, key=revision.encode())])
        record, sequence = live, topic.sequence
        begun = topic.model_named_by
        if live.model_revision != revision:
            record = replace(
                live,
                model_revision=revision,
                from_tick_ms=(await newest_log_time_ms(settings) // PANE_MS + 1 + by_workers) * PANE_MS,
                model_change=ModelChange(before=live.model_revision, actor=actor, reason=reason),
                before=sequence,
            )
            key = policy_key(live.revision)
            named = await sender.send(settings.topic(POLICY), 0, encode_policy_record(record), key=key)
            sequence = (await sender.acknowledged([named]))[0].offset
            await _check_for_concurrent_change(settings, sequence)
        value, shards = encode_partial(record.activation(sequence)), range(0 if by_workers else settings.shards)
        await sender.acknowledged([await sender.send(settings.topic(PARTIALS), shard, value) for shard in shards])
        return record if begun is None or record is not live else replace(live, from_tick_ms=begun.from_tick_ms)
    finally:
        await sender.stop()


async def rollback_model(
    settings: Settings,
    *,
    reason: str,
    actor: str,
    to: str | None = None,
    by_workers: bool = False,
    if_live: str | None = None,
) -> PolicyRecord:
    """Make the model before the live one live again, from the pane after the newest tweet's on.

    Args:
        settings: addresses and topic names.
        reason: text for the record.
        actor: person who activates the model.
        to: revision to return to, or its first digits; None: the model before the live one.
        by_workers: see `activate_model`.
        if_live: revision of the model that it replaces; None: any.

    Returns:
        The live record of the `policy` topic.

    Raises:
        CallerMistake: there is no such model, it is live already, it cannot be loaded by this version, or `if_live` is
            not live.
        DependencyAway: the broker does not answer.
    """
    topic = await read_policy_topic(settings)
    if topic.live is None:
        raise CallerMistake("no policy is live yet", fix=_NO_POLICY_FIX)
    live = topic.live.model_revision
    if if_live is not None and if_live != live:
        raise CallerMistake(f"model {live} is live, not {if_live}", fix="look at the live model again")
    data = artefact_to_restore(await read_models(settings), earlier_model(topic, to), live)
    try:
        categories = artefact.loads(data).categories
    except ArtefactError as error:
        raise CallerMistake(str(error), fix=_ROLLBACK_FIX) from error
    return await activate_model(
        settings, data, categories, reason=reason, actor=actor, by_workers=by_workers, if_live=live
    )


async def rollback_target(settings: Settings, to: str | None = None) -> tuple[str, str]:
    """Return the revision of the live model and the one that a rollback makes live; see `rollback_model`."""
    topic = await read_policy_topic(settings)
    if topic.live is None:
        raise CallerMistake("no policy is live yet", fix=_NO_POLICY_FIX)
    return topic.live.model_revision, earlier_model(topic, to)


def earlier_model(topic: PolicyTopic, to: str | None = None) -> str:
    """Return the revision that a rollback makes live: `to`, or that of the model before the live one.

    Raises:
        CallerMistake: no other model was live before.
    """
    if to is not None:
        return to
    named = topic.model_named_by
    change = named.model_change if named is not None else None
    if change is None:
        raise CallerMistake("no other model was live before this one", fix=_ROLLBACK_FIX)
    return change.before


def artefact_to_restore(kept: Mapping[str, bytes], digits: str, live: str) -> bytes:
    """Return the kept artefact of a revision, or of the only one that begins with its digits.

    Raises:
        CallerMistake: none or several begin so, or the model is live already.
    """
    revisions = [revision for revision in kept if digits and revision.startswith(digits)]
    if len(revisions) != 1:
        what = "is not kept" if not revisions else f"is the beginning of {len(revisions)} models"
        raise CallerMistake(f"model {digits[:40]} {what}", fix=_ROLLBACK_FIX)
    if revisions[0] == live:
        raise CallerMistake(f"model {live} is live already", fix=_ROLLBACK_FIX)
    return kept[revisions[0]]


async def _check_for_concurrent_change(settings: Settings, sequence: int) -> None:
    topic = await read_policy_topic(settings)
    if sequence in topic.refused and topic.live is not None:
        live = topic.live
        raise CallerMistake(
            f"policy {live.revision} with model {live.model_revision} went live at the same moment, so this model did "
            "not",
            fix="run `hushtag policy status` and `hushtag model status`, and apply the model again if still wanted",
        )


async def _categories_of(settings: Settings, revision: str) -> tuple[str, ...]:
    """Return the categories of the live model; if it cannot be loaded, those of the worker's own model."""
    data = (await read_models(settings, only=revision)).get(revision)
    if data is not None:
        try:
            return artefact.loads(data).categories
        except ArtefactError:
            pass
    return load_text_scorer(settings.model).categories
