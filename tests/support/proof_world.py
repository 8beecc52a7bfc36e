"""A small published log with fixed keys and salts: proofs, statements, reports, and their files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import Any

from msgspec import structs

from moderation.domain.restrictions.collection import decision_restrictions, override_restriction
from moderation.domain.restrictions.restriction import Restriction
from moderation.outward.statements.answers import statement_answer
from moderation.publiclog.disclosure import Opening, Value, disclose, leaf_of, make_opening
from moderation.publiclog.entry_facts import decision_facts, override_facts, report_facts
from moderation.publiclog.proofs.proof_file import proof_file
from moderation.publiclog.proofs.published_log import CHECKPOINT
from moderation.publiclog.proofs.verify_proof import read_keys
from moderation.publiclog.tlog.bundles import encode_bundle
from moderation.publiclog.tlog.checkpoint import Checkpoint, sign_checkpoint
from moderation.publiclog.tlog.cosignature import cosign
from moderation.publiclog.tlog.hashing import leaf_hash
from moderation.publiclog.tlog.keys import KeyKind, PrivateKey
from moderation.publiclog.tlog.notes import SignedNote
from moderation.publiclog.tlog.proving import inclusion_proof, tree_root
from moderation.publiclog.tlog.tiles import TileBuilder, names_at
from tests.support.naive_tree import ListTree
from tests.support.statement_builders import decision, override, ruling

NAME = "example.com/hushtag"
SHOWN = ("time", "hashtag", "country", "action", "reason", "policy_revision", "facts")
"""Fields that a statement of reasons opens."""
NOT_IN_LOG = ["dsa", *(f"restriction.{name}" for name in ("actor", "in_force", "also_hidden_in", "shown_in"))]
"""Members of a statement about a hashtag that the log says nothing about."""
AT = 1_796_000_000
"""Time of the cosignatures, POSIX seconds."""
FROM_MS, TO_MS = 1_793_577_600_000, 1_794_096_000_000
"""Period of the reports: 2 to 7 November 2026."""
SIZE, REPORTED, EARLY = 260, 258, 40
PUBLICATION = "transparency-2026-11-02-to-2026-11-07-world"
"""Name of the published report."""
KINDS = (
    ("decision/suppress/IN", "IN"), ("decision/clear/IN", "IN"), ("override/block/IN", "IN"), ("override/undo/*", "*"),
    ("order/received/IN", "IN"), ("order/received/DE", "DE"), ("policy", None), ("note", None),
    ("override/hold/IN", "IN"),
)  # fmt: skip


def seed(text: str) -> bytes:
    return sha256(text.encode()).digest()


LOG = PrivateKey(NAME, KeyKind.log, seed("log"))
NEXT_LOG = PrivateKey(NAME, KeyKind.log, seed("the log's next key"))
OTHER_LOG = PrivateKey("example.org/other", KeyKind.log, seed("other log"))
WITNESSES = (
    PrivateKey("one.example/witness", KeyKind.witness, seed("first witness")),
    PrivateKey("two.example/witness", KeyKind.witness, seed("second witness")),
)
NEXT_WITNESS = PrivateKey("two.example/witness", KeyKind.witness, seed("the second witness's next key"))
LOG_KEY = str(LOG.public_key)
WITNESS_KEYS = tuple(str(one.public_key) for one in WITNESSES)
KEYS = read_keys(LOG_KEY, WITNESS_KEYS)
COSIGNED = {one.name: AT + at for at, one in enumerate(WITNESSES)}


def restriction_of(index: int) -> tuple[Restriction | None, str | None]:
    """Return the restriction that an entry puts in force, and its facts; None for other entries."""
    kind, _ = KINDS[index % len(KINDS)]
    names = {"hashtag": f"tag{index}", "display": f"Tag{index}", "country": "IN"}
    if kind.startswith("decision/suppress"):
        decided = structs.replace(decision(ruling("trends"), ruling("search"), number=index), **names)
        return decision_restrictions(decided)[0], decision_facts(decided)
    if kind.startswith(("override/block", "override/hold")):
        record = override(f"o{index}", action=kind.split("/")[1], **names)
        return override_restriction(record), override_facts(record)
    return None, None


@cache
def published_report() -> str:
    """The text of the report whose publication the last entry is about."""
    return json.dumps(World(REPORTED).report(), indent=1) + "\n"


def values_of(index: int) -> dict[str, Value]:
    """Return the fields of an entry of the world's log."""
    if index == SIZE - 1:
        digest = sha256(published_report().encode()).hexdigest()
        facts = report_facts(PUBLICATION, {"report.json": digest, "report.csv": seed("table").hex()})
        return {"type": "report", "period": "2026-11-09", "country": "*", "action": "published", "facts": facts}
    kind, country = KINDS[index % len(KINDS)]
    day = 1 + index // 30
    values: dict[str, Value] = {
        "type": kind,
        "period": None if kind == "note" else f"2026-11-{day:02d}",
        "time": f"2026-11-{day:02d}T10:00:00.000Z",
        "source": f"suppression-decisions/0/{index}",
        "key": f"key-{index}",
        "record": f'{{"n":{index}}}',
    }
    if country is not None:
        values |= {
            "hashtag": f"tag{index}",
            "country": country,
            "action": kind.split("/")[1],
            "reason": 'harmful share above the threshold "0.5"\nin \u0939\u093f\u0928\u094d\u0926\u0940 \U0001f6ab',
            "policy_revision": 7,
            "facts": restriction_of(index)[1],
        }
    return values


def salts(name: str) -> Any:
    """Return a source of salts that depends on the name alone."""

    def source(count: int) -> bytes:
        return b"".join(seed(f"{name} {part}") for part in range(count // 32 + 1))[:count]

    return source


class World:
    """Log with all its openings; `changed` replaces the values of entries."""

    def __init__(self, size: int = SIZE, changed: Mapping[int, Mapping[str, Value]] | None = None) -> None:
        changed = changed or {}
        self.openings: list[Opening] = [
            make_opening(values_of(index) | dict(changed.get(index, {})), salts(f"salt {index}"))
            for index in range(size)
        ]
        self.leaves = [leaf_of(one) for one in self.openings]
        self.tree = ListTree([leaf_hash(leaf) for leaf in self.leaves])

    def checkpoint(
        self,
        size: int | None = None,
        keys: Sequence[PrivateKey] = (LOG,),
        witnesses: Sequence[PrivateKey] = WITNESSES,
        origin: str = NAME,
        at_seconds: int = AT,
    ) -> SignedNote:
        """Sign and cosign the checkpoint at a size."""
        size = len(self.leaves) if size is None else size
        note = sign_checkpoint(Checkpoint(origin, size, tree_root(self.tree, size)), keys)
        return note.with_signatures([cosign(note.text, one, at_seconds + at) for at, one in enumerate(witnesses)])

    def proof(
        self, index: int, names: Sequence[str] = SHOWN, note: SignedNote | None = None, size: int | None = None
    ) -> dict[str, Any]:
        """Make the proof file of an entry."""
        size = len(self.leaves) if size is None else size
        note = note or self.checkpoint(size)
        path = inclusion_proof(self.tree, index, size)
        return proof_file(self.leaves[index], disclose(self.openings[index], names), index, path, note.encode())

    def statement(self, index: int, restriction: Restriction | None = None) -> dict[str, Any]:
        """Make a statement of reasons about an entry; `restriction` None: the one that the entry puts in force."""
        restriction = restriction or restriction_of(index)[0]
        assert restriction is not None
        entry = {name: self.openings[index].value(name) for name in SHOWN}
        plain: dict[str, Any] = json.loads(json.dumps(statement_answer(restriction).members()))
        return plain | {"entry": entry, "proof": self.proof(index)}

    def files(self, size: int | None = None, note: SignedNote | None = None) -> dict[str, bytes]:
        """Publish the log at a size: checkpoint, tiles and entry bundles."""
        size = len(self.leaves) if size is None else size
        builder = TileBuilder()
        files: dict[str, bytes] = {}
        for leaf in self.tree.leaves[:size]:
            files |= {tile.name.path: tile.data for tile in builder.append(leaf)}
        files |= {tile.name.path: tile.data for tile in builder.partial_tiles()}
        for name in names_at(size, None):
            first = name.index * 256
            files[name.path] = encode_bundle(self.leaves[first : first + name.width])
        return files | {CHECKPOINT: (note or self.checkpoint(size)).encode().encode()}

    def opening_lines(self, size: int = REPORTED) -> list[str]:
        """Write the openings of a report."""
        return [
            json.dumps([index, one.salts[0], one.values[0], one.salts[1], one.values[1]])
            for index, one in enumerate(self.openings[:size])
        ]

    def report(self, country: str = "*", size: int = REPORTED) -> dict[str, Any]:
        """Make a report of 2 to 7 November, counted the obvious way."""
        first, last = "2026-11-02", "2026-11-07"
        entries = Counter(
            str(one.value("type"))
            for one in self.openings[:size]
            if first <= str(one.value("period") or "") <= last
            and (country == "*" or str(one.value("type")).endswith(f"/{country}"))
        )
        orders = sum(count for kind, count in entries.items() if kind.startswith("order/"))
        return {
            "from_ms": FROM_MS,
            "to_ms": TO_MS,
            "country": country,
            "orders": orders + 2,
            "confidential_orders": 2,
            "orders_by_country": {"IN": entries["order/received/IN"], "DE": entries["order/received/DE"]},
            "decisions_by_people": {
                verb: sum(count for kind, count in entries.items() if kind.startswith(f"override/{verb}/"))
                for verb in ("block", "hold", "undo")
            },
            "targets": {"account": 120, "hashtag": "<5"},
            "states": {
                "account": {"suspended": 96, "withheld": "20 to 23", "declined": "<5"},
                "hashtag": {"reduced": "<5"},
            },
            "hashtags_held_back": {"total": 7, "by": {"pipeline_alone": 7}},
            "log": {
                "checkpoint": self.checkpoint(size).encode(),
                "size": size,
                "first_day": first,
                "last_day": last,
                "entries": dict(sorted(entries.items())),
            },
        }


@cache
def world() -> World:
    """The world's log; it is never changed."""
    return World()


@cache
def split_world() -> World:
    """Another history under the same keys: entry 257 differs."""
    return World(changed={257: {"action": "clear"}})


def renamed(key: PrivateKey, name: str) -> PrivateKey:
    return replace(key, name=name)
