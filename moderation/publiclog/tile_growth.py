"""Grow the published tree: leaves of the topic become tiles and entry bundles, from one size to the next."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from moderation.publiclog.faults import AuditBroken, AuditFault
from moderation.publiclog.seeking import number_of_key, seek_number
from moderation.publiclog.tlog.bundles import encode_bundle
from moderation.publiclog.tlog.checkpoint import Checkpoint
from moderation.publiclog.tlog.errors import ProofError
from moderation.publiclog.tlog.hashing import leaf_hash
from moderation.publiclog.tlog.tiles import TILE_WIDTH, Tile, TileBuilder, TileName
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import AUDIT
from streams.settings import Settings

ReadTile = Callable[[TileName], bytes | None]


async def new_tiles(
    settings: Settings, have: Checkpoint, signed: Checkpoint, read: ReadTile
) -> AsyncGenerator[Tile, None]:
    """Yield the tiles and bundles that a folder needs to grow from one checkpoint to the next.

    The leaves are read twice. The first time nothing is yielded, until they have led to the signed root.

    Args:
        settings: addresses and topic names.
        have: checkpoint that the folder has; of size 0 for an empty one.
        signed: the next one, which the log has signed.
        read: reads a tile of the folder.

    Raises:
        AuditBroken: the folder's tiles do not lead to its own root, or the topic's leaves not to the signed one.
        DependencyAway, TopicsError: raised by `LogReader`.
    """
    async with LogReader(connection(settings), settings.topic(AUDIT), committed_only=True) as reader:
        tree = resume(have, read)
        async with aclosing(_leaves(reader, have.size, signed.size)) as leaves:
            async for leaf in leaves:
                tree.append(leaf_hash(leaf))
        if tree.root() != signed.root:
            detail = f"one of the entries {have.size} to {signed.size - 1} was changed: the signed root is another"
            raise AuditBroken(reader.topic, AuditFault(have.size, "changed", detail))
        tree, bundle = resume(have, read), list[bytes]()
        start = have.size - have.size % TILE_WIDTH
        async with aclosing(_leaves(reader, start, signed.size)) as leaves:
            number = start
            async for leaf in leaves:
                bundle.append(leaf)
                if number >= have.size:
                    for tile in tree.append(leaf_hash(leaf)):
                        yield tile
                number += 1
                if len(bundle) == TILE_WIDTH:
                    yield _bundle(number, bundle)
                    bundle.clear()
        for tile in tree.partial_tiles():
            yield tile
        if bundle:
            yield _bundle(number, bundle)


def resume(have: Checkpoint, read: ReadTile) -> TileBuilder:
    """Read the right edge of the folder's tree.

    Raises:
        AuditBroken: a tile is missing, or the edge does not lead to the checkpoint's root.
    """
    try:
        tree = TileBuilder.resume(have.size, read)
    except ProofError as error:
        raise folder_lacks(have.size, str(error)) from None
    if tree.root() != have.root:
        detail = "its tiles do not lead to the root of its checkpoint: one was changed"
        raise AuditBroken("published folder", AuditFault(have.size, "changed", detail), fix=_REBUILD)
    return tree


def folder_lacks(size: int, what: str) -> AuditBroken:
    """Build the error of a folder that lacks a tile."""
    return AuditBroken("published folder", AuditFault(size, "missing", f"the published folder: {what}"), fix=_REBUILD)


async def _leaves(reader: LogReader, first: int, end: int) -> AsyncGenerator[bytes, None]:
    """Yield the leaves of [first, end)."""
    expected = first
    if first >= end:
        return
    async with aclosing(reader.to_end({0: await seek_number(reader, first)})) as batches:
        async for batch in batches:
            for record in batch:
                if number_of_key(record.key) != expected or record.value is None:
                    fault = AuditFault(expected, "missing", f"the record has the key {record.key!r}", record.offset)
                    raise AuditBroken(reader.topic, fault)
                yield record.value
                expected += 1
                if expected == end:
                    return
    raise AuditBroken(reader.topic, AuditFault(expected, "cut off", f"the log was signed with {end} entries"))


def _bundle(number: int, leaves: list[bytes]) -> Tile:
    index = (number - len(leaves)) // TILE_WIDTH
    return Tile(TileName(None, index, len(leaves)), encode_bundle(leaves))


_REBUILD = "keep the folder as evidence, and publish into an empty one: it is rebuilt from the topics"
