"""Tiles of height 8 and entry bundles (C2SP tlog-tiles): names, and their content as a tree grows.

A tile of level L holds up to 256 roots of complete subtrees of 256^L leaves each. A full tile never changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from moderation.publiclog.tlog.errors import ProofCode, ProofError, malformed
from moderation.publiclog.tlog.hashing import HASH_BYTES, complete_root, fold_edge

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
MAX_ENTRY_BYTES = 65_535


@dataclass(frozen=True, slots=True)
class TileName:
    """Place of a tile, or of an entry bundle."""

    level: int | None
    """None for an entry bundle."""
    index: int
    width: int
    """Hashes or entries in it, 1 to 256; a partial tile has fewer than 256."""

    @property
    def path(self) -> str:
        """Path below the log's prefix, such as `tile/0/x001/234.p/8`."""
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        number = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
        level = "entries" if self.level is None else str(self.level)
        return f"tile/{level}/{number}" + (f".p/{self.width}" if self.width < TILE_WIDTH else "")


@dataclass(frozen=True, slots=True)
class Tile:
    """Tile or entry bundle with its content."""

    name: TileName
    data: bytes


def names_at(size: int, level: int | None) -> Iterator[TileName]:
    """List the tiles of one level of a tree of `size` leaves, the partial one last."""
    count = size >> (TILE_HEIGHT * (level or 0))
    for index in range(count // TILE_WIDTH):
        yield TileName(level, index, TILE_WIDTH)
    if count % TILE_WIDTH:
        yield TileName(level, count // TILE_WIDTH, count % TILE_WIDTH)


class TileBuilder:
    """Tiles of a growing tree; it keeps the hashes of the partial tile of each level only."""

    def __init__(self, size: int = 0, rows: Sequence[Sequence[bytes]] = ()) -> None:
        """Resume a tree of `size` leaves.

        Args:
            size: number of leaves.
            rows: hashes of the partial tile of each level, the lowest first; levels without one may be absent.

        Raises:
            ValueError: A row does not have as many hashes as the size demands.
        """
        self.size = size
        self._rows = [list(row) for row in rows]
        while size >> (TILE_HEIGHT * len(self._rows)):
            self._rows.append([])
        for level, row in enumerate(self._rows):
            if len(row) != (size >> (TILE_HEIGHT * level)) % TILE_WIDTH:
                raise ValueError(f"the partial tile of level {level} of {size} leaves does not have {len(row)} hashes")

    @classmethod
    def resume(cls, size: int, read: Callable[[TileName], bytes | None]) -> TileBuilder:
        """Resume a tree of `size` leaves from its published partial tiles.

        Raises:
            ProofError: A tile is missing or has another length.
        """
        rows: list[list[bytes]] = []
        while count := size >> (TILE_HEIGHT * len(rows)):
            width = count % TILE_WIDTH
            name = TileName(len(rows), count // TILE_WIDTH, width)
            rows.append(hashes_of(checked_tile(name, read(name))) if width else [])
        return cls(size, rows)

    def append(self, leaf_hash: bytes) -> list[Tile]:
        """Append one leaf by its hash; return the tiles that it completes."""
        completed = []
        level, root = 0, leaf_hash
        while True:
            if level == len(self._rows):
                self._rows.append([])
            row = self._rows[level]
            row.append(root)
            if len(row) < TILE_WIDTH:
                break
            index = self.size >> (TILE_HEIGHT * (level + 1))
            completed.append(Tile(TileName(level, index, TILE_WIDTH), b"".join(row)))
            root = complete_root(row)
            row.clear()
            level += 1
        self.size += 1
        return completed

    def partial_tiles(self) -> list[Tile]:
        """Return the partial tiles of the tree as it is now."""
        return [
            Tile(TileName(level, self.size >> (TILE_HEIGHT * (level + 1)), len(row)), b"".join(row))
            for level, row in enumerate(self._rows)
            if row
        ]

    def root(self) -> bytes:
        """Compute the root of the tree as it is now."""
        edge: list[bytes] = []
        for row in reversed(self._rows):
            at = 0
            for height in reversed(range(TILE_HEIGHT)):
                if len(row) >> height & 1:
                    edge.append(complete_root(row[at : at + (1 << height)]))
                    at += 1 << height
        return fold_edge(edge)


class TileTree:
    """Roots of complete subtrees, read from tiles; `proving` makes proofs from it in two reads a level."""

    def __init__(self, size: int, read: Callable[[TileName], bytes | None]) -> None:
        """Read tiles of a tree of `size` leaves by `read`, which returns None for a missing one."""
        self.size = size
        self._read = read
        self._tiles: dict[TileName, bytes] = {}

    def subtree(self, height: int, index: int) -> bytes:
        """Return the root of a complete subtree.

        Raises:
            ProofError: A tile is missing or has another length.
        """
        level, rest = divmod(height, TILE_HEIGHT)
        first = index << rest
        tile, at = divmod(first, TILE_WIDTH)
        count = self.size >> (TILE_HEIGHT * level)
        assert first + (1 << rest) <= count, "the subtree is complete"
        data = self._tile(TileName(level, tile, min(TILE_WIDTH, count - tile * TILE_WIDTH)))
        return complete_root(hashes_of(data[at * HASH_BYTES : (at + (1 << rest)) * HASH_BYTES]))

    def _tile(self, name: TileName) -> bytes:
        if name not in self._tiles:
            self._tiles[name] = checked_tile(name, self._read(name))
        return self._tiles[name]


def checked_tile(name: TileName, data: bytes | None) -> bytes:
    """Return the content of a tile.

    Raises:
        ProofError: The tile is missing or has another length.
    """
    if data is None:
        raise ProofError(
            ProofCode.omitted_entry,
            f"the published log lacks {name.path}",
            "ask the publisher to restore the file; do not rely on the log until then",
        )
    if len(data) != name.width * HASH_BYTES:
        raise malformed(f"{name.path} has {len(data)} bytes, not {name.width * HASH_BYTES}")
    return data


def hashes_of(data: bytes) -> list[bytes]:
    """Split the content of a tile into its hashes."""
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
