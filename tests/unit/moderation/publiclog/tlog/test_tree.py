"""The Merkle tree against the published vectors of RFC 6962's authors, and against the definitions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.publiclog.tlog.compact_range import CompactRange
from moderation.publiclog.tlog.errors import ProofCode, ProofError
from moderation.publiclog.tlog.hashing import EMPTY_ROOT, leaf_hash
from moderation.publiclog.tlog.proof_checks import check_consistency, check_inclusion
from moderation.publiclog.tlog.proving import consistency_proof, inclusion_proof, tree_root
from tests.support.naive_tree import ListTree, consistency_of, numbered, path_of, root_of

ENTRIES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = [bytes.fromhex(text) for text in (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)]  # fmt: skip
"""Roots of the first 0 to 8 entries, from the certificate-transparency project's tests."""
PATHS = {
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
}
CONSISTENCY = {
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
}
LEAVES = list(map(leaf_hash, ENTRIES))
sizes = st.integers(1, 70) | st.sampled_from([127, 128, 129, 255, 256, 257, 300])


@pytest.mark.parametrize("size", range(9))
def test_roots_equal_published_vectors(size: int) -> None:
    edge = CompactRange()
    for leaf in LEAVES[:size]:
        edge.append(leaf)
    assert edge.root() == tree_root(ListTree(LEAVES), size) == ROOTS[size]
    assert ROOTS[0] == EMPTY_ROOT


@pytest.mark.parametrize(("index", "size"), PATHS)
def test_inclusion_proof_equals_published_vectors(index: int, size: int) -> None:
    path = inclusion_proof(ListTree(LEAVES), index, size)
    assert [one.hex() for one in path] == list(PATHS[index, size])
    check_inclusion(LEAVES[index], index, size, path, ROOTS[size])


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_consistency_proof_equals_published_vectors(old: int, new: int) -> None:
    path = consistency_proof(ListTree(LEAVES), old, new)
    assert [one.hex() for one in path] == list(CONSISTENCY[old, new])
    check_consistency(old, ROOTS[old], new, ROOTS[new], path)


@given(sizes, st.data())
def test_inclusion_proof_equals_its_definition(size: int, data: st.DataObject) -> None:
    leaves = numbered(size)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(ListTree(leaves), index, size)
    assert path == path_of(index, leaves)
    check_inclusion(leaves[index], index, size, path, root_of(leaves))


@given(sizes, st.data())
def test_consistency_proof_equals_its_definition(size: int, data: st.DataObject) -> None:
    leaves = numbered(size)
    old = data.draw(st.integers(1, size))
    path = consistency_proof(ListTree(leaves), old, size)
    assert path == consistency_of(old, leaves)
    check_consistency(old, root_of(leaves[:old]), size, root_of(leaves), path)


@given(st.integers(1, 40), st.data())
def test_inclusion_of_another_index_leaf_or_path_fails(size: int, data: st.DataObject) -> None:
    leaves = numbered(size)
    index = data.draw(st.integers(0, size - 1))
    path, root = path_of(index, leaves), root_of(leaves)
    for other in (*range(index), *range(index + 1, size + 2), -1):
        assert _code(leaves[index], other, size, path, root) in (ProofCode.wrong_index, ProofCode.wrong_path)
    assert _code(numbered(99)[98], index, size, path, root) is ProofCode.wrong_path
    assert _code(leaves[index], index, size, [*path, root], root) is ProofCode.wrong_index
    for at in range(len(path)):
        changed = [*path[:at], leaf_hash(b"other"), *path[at + 1 :]]
        assert _code(leaves[index], index, size, changed, root) is ProofCode.wrong_path
        shorter = path[:at] + path[at + 1 :]
        assert _code(leaves[index], index, size, shorter, root) in (ProofCode.wrong_index, ProofCode.wrong_path)


def _code(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> ProofCode:
    with pytest.raises(ProofError) as error:
        check_inclusion(leaf, index, size, path, root)
    return error.value.code


@given(st.integers(1, 40), st.data())
def test_consistency_with_another_history_is_split_view(size: int, data: st.DataObject) -> None:
    leaves = numbered(size)
    old = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, old - 1))
    other = [*leaves[:changed], leaf_hash(b"other"), *leaves[changed + 1 :]]
    for path in (consistency_of(old, leaves), consistency_of(old, other), []):
        with pytest.raises(ProofError) as error:
            check_consistency(old, root_of(other[:old]), size, root_of(leaves), path)
        assert error.value.code is ProofCode.split_view


@given(st.integers(2, 40), st.data())
def test_consistency_with_a_changed_path_fails(size: int, data: st.DataObject) -> None:
    leaves = numbered(size)
    old = data.draw(st.integers(1, size - 1))
    path = consistency_of(old, leaves)
    at = data.draw(st.integers(0, len(path) - 1))
    for changed in ([*path[:at], leaf_hash(b"other"), *path[at + 1 :]], [*path, path[at]], path[:at] + path[at + 1 :]):
        with pytest.raises(ProofError):
            check_consistency(old, root_of(leaves[:old]), size, root_of(leaves), changed)


def test_smaller_tree_is_rolled_back() -> None:
    with pytest.raises(ProofError) as error:
        check_consistency(8, ROOTS[8], 5, ROOTS[5], [])
    assert error.value.code is ProofCode.rolled_back


def test_empty_tree_precedes_every_tree_without_path() -> None:
    check_consistency(0, EMPTY_ROOT, 8, ROOTS[8], [])
    with pytest.raises(ProofError):
        check_consistency(0, EMPTY_ROOT, 8, ROOTS[8], [ROOTS[1]])
    check_consistency(0, b"", 0, EMPTY_ROOT, [])
    with pytest.raises(ProofError):
        check_consistency(0, b"", 0, ROOTS[8], [])


@given(st.lists(st.integers(0, 600), min_size=1, max_size=4))
def test_compact_range_resumes_from_its_edge(steps: list[int]) -> None:
    leaves = numbered(sum(steps))
    edge = CompactRange()
    for step in steps:
        edge = CompactRange(edge.size, edge.edge)
        edge.extend(leaves[edge.size : edge.size + step])
    assert edge.size == len(leaves)
    assert edge.root() == root_of(leaves)


def test_compact_range_refuses_an_edge_of_another_size() -> None:
    with pytest.raises(ValueError, match="3 leaves has 2 hashes"):
        CompactRange(3, [EMPTY_ROOT])
