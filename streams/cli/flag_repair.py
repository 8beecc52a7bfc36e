"""`hushtag flags repair`: delete a register in Redis that hushtag has not written and therefore never replaces."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import TYPE_CHECKING, Annotated

import typer
from hushtag_client.keys import MODERATION as MODERATION_PARTITION
from hushtag_client.shards import shard_of

from streams.cli.options import Actor, Json, Reason, Yes
from streams.cli.output import errors, print_json
from streams.clock import monotonic_seconds, now_ms
from streams.errors import EXIT_NO, CallerMistake
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.flags.redis_store import RedisFlagStore

_RESTORE_SECONDS = 10.0
_SOURCES = ("legal", "human", "automated")
Key = Annotated[str, typer.Argument(metavar="KEY", help="Field of the register: 'SURFACE|COUNTRY|SOURCE|HASHTAG'.")]


def repair_flag(key: Key, reason: Reason, actor: Actor, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a register whose version cannot be hushtag's. Publish then writes what the logs say, if anything.

    Publish compares versions and never replaces a greater one, so a register that another program wrote stays for ever.
    Reason and actor are kept in the topic moderation. Readers keep their flags meanwhile. Exits with 3 if there is no
    such register, or if it changed meanwhile.
    """
    parts = key.split("|", 3)
    if len(parts) != 4 or parts[2] not in _SOURCES or not all(parts):
        raise CallerMistake(
            f"KEY {key!r}: not the field of a register", fix="write 'trends|IN|automated|sometag', in quotes"
        )
    if not yes and not typer.confirm(f"Delete the register {key}?", err=True):
        raise typer.Exit(EXIT_NO)
    outcome = asyncio.run(_repair(load_settings(), key, reason, actor))
    if as_json:
        print_json(outcome)
    else:
        errors.print(outcome["result"], markup=False)
    if not outcome["deleted"]:
        raise typer.Exit(EXIT_NO)


async def _repair(settings: Settings, key: str, reason: str, actor: str) -> dict[str, object]:
    from streams.flags.redis_store import RedisFlagStore  # slow imports: not for other commands
    from streams.log.flag_repairs import FlagRepair, encode_repair
    from streams.log.producer import Sender
    from streams.log.topic_specs import MODERATION
    from streams.log.unreadable import sha256_of

    store, sender = RedisFlagStore(settings.redis_url, partitions=settings.shards), Sender(settings)
    try:
        value = await store.stored(key)
        if value is None:
            return {"key": key, "deleted": False, "result": "there is no such register"}
        repair = FlagRepair(
            id=secrets.token_hex(8), field=key, version=_version(value), sha256=sha256_of(value), actor=actor,
            reason=reason, at_ms=now_ms(),
        )  # fmt: skip
        record, record_key = encode_repair(repair)
        await sender.start()
        await sender.acknowledged([await sender.send(settings.topic(MODERATION), 0, record, key=record_key)])
        if not await store.repair(key, value):
            return {"key": key, "deleted": False, "result": "the register changed meanwhile: nothing was deleted"}
        after = await _restored(store, key, _partition_of(key, settings.shards))
        result = f"deleted version {repair.version or '(none)'}; " + (
            f"publish has written version {_version(after)}"
            if after
            else "publish writes it again if the logs require it"
        )
        return {"key": key, "deleted": True, "version": repair.version, "id": repair.id, "result": result}
    finally:
        await sender.stop()
        await store.close()


async def _restored(store: RedisFlagStore, key: str, partition: str) -> bytes | None:
    """Return the register after publish has restored its partition; None if it writes none, or not soon."""
    deadline = monotonic_seconds() + _RESTORE_SECONDS
    while monotonic_seconds() < deadline:
        if not await store.needing_reconcile({partition: 0}):
            break
        await asyncio.sleep(0.2)
    return await store.stored(key)


def _partition_of(key: str, shards: int) -> str:
    _, _, source, hashtag = key.split("|", 3)
    return str(shard_of(hashtag, shards)) if source == "automated" else MODERATION_PARTITION


def _version(value: bytes) -> str:
    try:
        return str(json.loads(value)["version"])[:120]
    except (ValueError, TypeError, KeyError):
        return ""
