"""Command `hushtag skip`: let a stopped shard pass over one record that cannot be read.

The permission is a record of `moderation`, so every judge of the shard and a replay know it, and the audit log has it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass
from typing import Annotated, Any, get_args

import typer

from moderation.cli.options import Actor, Json
from moderation.cli.terminal import actor_of, out
from moderation.log.present_time import open_moderation
from moderation.log.service import ModerationService
from streams.cli.output import quieten
from streams.constants import HOUR_MS
from streams.errors import CallerMistake
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import StoppedShard, record_in
from streams.log.positions import RecordPosition
from streams.log.reading import LogReader, connection
from streams.log.skips import Skip, SkippedTopic, decode_skip, encode_skip
from streams.log.topic_specs import DECISIONS
from streams.settings import Settings, load_settings

_TOPICS = get_args(SkippedTopic)


@dataclass(frozen=True, slots=True)
class SkipResult:
    """A skip, and whether it stood in the log before."""

    skip: Skip
    already: bool


def register(app: typer.Typer) -> None:
    """Add `skip` to the command."""
    app.command()(skip)


def skip(
    topic: Annotated[str, typer.Argument(help=f"Topic of the record, without the prefix: {', '.join(_TOPICS)}.")],
    partition: Annotated[int, typer.Argument(min=0, help="Partition of the record: its shard.")],
    offset: Annotated[int, typer.Argument(min=0, help="Offset of the record.")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Reason; it is kept with the skip.")],
    actor: Actor = None,
    as_json: Json = False,
) -> None:
    """Let a stopped shard pass over a record that cannot be read; /readyz and the log of its worker name it.

    What a skipped record counted is lost: for a whole window the shard then ends no suppression. A skipped decision is
    decided again.
    """
    if topic not in _TOPICS:
        raise CallerMistake(f"no shard stops at a record of {topic!r}", fix=f"name one of {', '.join(_TOPICS)}")
    quieten()
    at = RecordPosition(topic, partition, offset)
    result = asyncio.run(write_skip(load_settings(), at, actor=actor_of(actor), reason=reason))
    if as_json:
        written = result.skip
        print(json.dumps({
            "topic": written.topic, "partition": written.partition, "offset": written.offset, "sha256": written.sha256,
            "actor": written.actor, "reason": written.reason, "at_ms": written.at_ms, "already": result.already,
        }, ensure_ascii=False))  # fmt: skip
    elif result.already:
        out.print(f"{at} is skipped already, by {result.skip.actor}: {result.skip.reason}")
    else:
        out.print(f"{at} is skipped; its shard goes on within a second")


async def write_skip(settings: Settings, at: RecordPosition, *, actor: str, reason: str) -> SkipResult:
    """Check that the record cannot be read, and write the skip; a repeat writes nothing.

    Raises:
        CallerMistake: there is no such record, or it can be read.
        DependencyAway: Kafka does not answer.
    """
    from streams.log.unreadable import fault_in, sha256_of  # numba compiles some decoders: not for the help

    if not reason.strip():
        raise CallerMistake("--reason is empty", fix="write a few words: they are kept with the skip")
    record = await _read(settings, at)
    async with open_moderation(settings) as service:
        await service.refresh()  # so that the skip is no earlier than what people have written
        at_ms = service.now_ms()
        if fault_in(at.topic, at.partition, record) is None and not await _has_stopped(settings, at, at_ms):
            raise CallerMistake(
                f"{at} can be read: no shard stops there", fix="name the record that /readyz and the worker's log name"
            )
        new = Skip(
            id=secrets.token_hex(8), topic=at.topic, partition=at.partition, offset=at.offset,  # type: ignore[arg-type]
            sha256=sha256_of(record.value), actor=actor, reason=reason, at_ms=at_ms,
        )  # fmt: skip
        return await _write(service, new)


async def _write(service: ModerationService, new: Skip) -> SkipResult:
    earlier: list[Skip] = []

    def make(view: OverrideHistory) -> list[tuple[bytes, bytes]]:
        skips = (decode_skip(other) for _, other in view.others)
        earlier.extend(one for one in skips if one and (one.position, one.sha256) == (new.position, new.sha256))
        return [] if earlier else [encode_skip(new)]

    await service.transact(make)
    return SkipResult(earlier[0] if earlier else new, already=bool(earlier))


async def _has_stopped(settings: Settings, at: RecordPosition, at_ms: int) -> bool:
    """Return whether the shard's last sign of life names the record: it may not fit what the judge knows besides."""
    sign: StoppedShard | None = None
    async with LogReader(connection(settings), settings.topic(DECISIONS)) as reader:
        start = await reader.offset_at(at.partition, at_ms - HOUR_MS)
        async for batch in reader.to_end({at.partition: start}):
            records = (record_in(record.value) for record in batch)
            sign = next((decoded for decoded in reversed([*records]) if isinstance(decoded, StoppedShard)), sign)
    return sign is not None and (sign.topic, sign.partition, sign.offset) == (at.topic, at.partition, at.offset)


async def _read(settings: Settings, at: RecordPosition) -> Any:
    """Read the record.

    Raises:
        CallerMistake: there is no such record.
    """
    async with LogReader(connection(settings), settings.topic(at.topic)) as reader:
        if at.partition not in reader.partitions:
            raise CallerMistake(
                f"{at.topic} has no partition {at.partition}", fix=f"name one of 0 to {len(reader.partitions) - 1}"
            )
        bounds = (await reader.bounds((at.partition,)))[at.partition]
        if bounds.begin <= at.offset < bounds.end:
            async for batch in reader.to_end({at.partition: at.offset}, {at.partition: at.offset + 1}):
                return batch[0]
    if at.offset < bounds.begin:
        raise CallerMistake(
            f"retention has removed the record at {at}",
            fix="restart the worker of the shard: it goes on as after any gap",
        )
    raise CallerMistake(
        f"there is no record at {at}: the log has offsets {bounds.begin} to {bounds.end - 1}",
        fix="name the record that /readyz and the worker's log name",
    )
