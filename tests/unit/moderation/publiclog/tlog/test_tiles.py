"""Tiles: names, content as a tree grows, and proofs from them, against the definitions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.publiclog.tlog.bundles import decode_bundle, encode_bundle
from moderation.publiclog.tlog.errors import ProofCode, ProofError
from moderation.publiclog.tlog.proving import consistency_proof, inclusion_proof, tree_root
from moderation.publiclog.tlog.tiles import TileBuilder, TileName, TileTree, names_at
from tests.support.naive_tree import consistency_of, numbered, path_of, root_of

LEAVES = numbered(66_000)
sizes = st.integers(1, 800) | st.sampled_from([255, 256, 257, 511, 512, 513])


def tiles_of(size: int, *stops: int) -> dict[str, bytes]:
    """Publish a tree at each stop and at its size, resuming from the tiles each time."""
    files: dict[str, bytes] = {}
    done = 0

    def read(name: TileName) -> bytes | None:
        return files.get(name.path)

    for stop in (*stops, size):
        builder = TileBuilder.resume(done, read)
        for leaf in LEAVES[done:stop]:
            files.update((tile.name.path, tile.data) for tile in builder.append(leaf))
        files.update((tile.name.path, tile.data) for tile in builder.partial_tiles())
        assert builder.root() == root_of(LEAVES[:stop])
        done = stop
    return files


@pytest.mark.parametrize(("index", "width", "path"), [
    (0, 256, "tile/3/000"),
    (999, 1, "tile/3/999.p/1"),
    (1_000, 256, "tile/3/x001/000"),
    (1_234_067, 255, "tile/3/x001/x234/067.p/255"),
])  # fmt: skip
def test_tile_paths_follow_the_specification(index: int, width: int, path: str) -> None:
    assert TileName(3, index, width).path == path
    assert TileName(None, index, width).path == path.replace("tile/3/", "tile/entries/")


def test_tiles_of_70000_leaves_are_those_of_the_specification() -> None:
    count = [len(list(names_at(70_000, level))) for level in range(4)]
    assert count == [274, 2, 1, 0]
    assert [list(names_at(70_000, level))[-1].width for level in range(3)] == [112, 17, 1]


@given(sizes, st.data())
@settings(max_examples=40)
def test_proofs_from_tiles_equal_their_definitions(size: int, data: st.DataObject) -> None:
    stops = sorted(data.draw(st.lists(st.integers(1, size), max_size=3)))
    files = tiles_of(size, *stops)
    tree = TileTree(size, lambda name: files.get(name.path))
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert tree_root(tree, size) == root_of(LEAVES[:size])
    assert inclusion_proof(tree, index, size) == path_of(index, LEAVES[:size])
    assert consistency_proof(tree, old, size) == consistency_of(old, LEAVES[:size])


def test_tiles_of_three_levels_give_proofs() -> None:
    size = len(LEAVES)
    files = tiles_of(size)
    read: list[str] = []

    def logged_read(name: TileName) -> bytes | None:
        read.append(name.path)
        return files.get(name.path)

    tree = TileTree(size, logged_read)
    assert inclusion_proof(tree, 1_000, size) == path_of(1_000, LEAVES)
    assert len(read) <= 6
    assert {name.path for level in range(3) for name in names_at(size, level)} <= set(files)


def test_missing_tile_is_named() -> None:
    files = tiles_of(300)
    del files["tile/0/000"]
    with pytest.raises(ProofError, match="lacks tile/0/000") as error:
        inclusion_proof(TileTree(300, lambda name: files.get(name.path)), 1, 300)
    assert error.value.code is ProofCode.omitted_entry


def test_tile_of_another_length_is_malformed() -> None:
    files = tiles_of(300)
    files["tile/0/000"] += b"x"
    with pytest.raises(ProofError, match="tile/0/000 has 8193 bytes") as error:
        inclusion_proof(TileTree(300, lambda name: files.get(name.path)), 1, 300)
    assert error.value.code is ProofCode.malformed


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=256))
def test_bundle_returns_its_entries(entries: list[bytes]) -> None:
    data = encode_bundle(entries)
    assert decode_bundle(data, len(entries)) == entries
    for changed, width in ((data, len(entries) + 1), (data[:-1], len(entries)), (data + b"\0", len(entries))):
        with pytest.raises(ProofError):
            decode_bundle(changed, width)


def test_bundle_refuses_an_entry_beyond_its_limit() -> None:
    encode_bundle([bytes(65_535)])
    with pytest.raises(ValueError, match="65536"):
        encode_bundle([bytes(65_536)])
