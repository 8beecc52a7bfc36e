"""Sequences of server states with the answers of a reader that follows them."""

from __future__ import annotations

from typing import Any

T = 1_800_000_000_000
"""Time of the first state."""
STALE_MS = 120_000
ABOUT = (
    "A reader follows the states of a server in order. `server`: all data of it; null while it does not answer. The "
    "reader follows until it is at rest, at `at_ms` of its clock. `after_mark`: the state from the answer to its first "
    "MULTI with XREVRANGE on. `snapshot`: whether it takes a snapshot in this step. A change has a register, or a "
    "field and a value as text. Questions are as in resolution.json and accounts.json, at `at_ms`. max_staleness is "
    "120 s. The fallback of `search` is hide, that of other surfaces show. Registers are as in resolution.json; one "
    "may occur twice, as in HSCAN. With two shards `there` is in shard 0 and `sometag` in shard 1."
)
Plain = dict[str, Any]


def version(number: int) -> str:
    return f"0000.{number:019d}.000000000000000"


def register(hashtag: str = "sometag", number: int = 1, action: str = "suppress", **members: Any) -> Plain:
    source = members.get("source", "automated")
    return {
        "version": version(number),
        "action": action,
        "expires_at_ms": T + 3_600_000 if source == "automated" else 0,
        "keep_until_ms": 0,
        "hashtag": hashtag,
        "surface": "trends",
        "country": "*",
        "source": source,
    } | members


PERSON = register("person", source="human")
WITHHELD = register("7", source="legal", surface="account", country="IN")


def change(seq: int, value: Plain, incarnation: str = "a-1") -> Plain:
    return {"id": f"{seq}-0", "seq": seq, "incarnation": incarnation, "register": value}


def beats(settled_ms: int, at_ms: int | None = None, shards: int = 1) -> Plain:
    beat = {"settled_ms": settled_ms, "at_ms": settled_ms if at_ms is None else at_ms, "partitions": shards}
    return {str(shard): dict(beat) for shard in range(shards)}


def server(*registers: Plain, seq: int = 10, life: str = "a-1", shards: int = 1, **members: Any) -> Plain:
    """Build a state; unless named, all partitions are reconciled, settled at T, and the stream is empty."""
    partitions = [*map(str, range(shards)), "moderation"]
    return {
        "incarnation": life,
        "seq": seq,
        "registers": list(registers),
        "changes": [],
        "heartbeats": beats(T, shards=shards),
        "reconciled": dict.fromkeys(partitions, life),
    } | members


def asked(
    hashtag: str, why: str, by: str | None = None, *, shown: bool | None = None, surface: str = "trends"
) -> Plain:
    by = by or (f"trends|*|automated|{hashtag}" if why == "flagged" else None)
    return {"hashtag": hashtag, "surface": surface, "country": "IN", "why": why, "by": by,
            "shown": why != "flagged" if shown is None else shown}  # fmt: skip


def account(visibility: str) -> Plain:
    return {"account": "7", "country": "IN", "visibility": visibility}


def step(state: Plain | None, *questions: Plain, at_ms: int = T, snapshot: bool = False, **members: Any) -> Plain:
    return {"server": state, **members, "at_ms": at_ms, "snapshot": snapshot, "questions": list(questions)}


BY_PERSON = "trends|*|human|person"
FLAGGED, CLEAR = asked("sometag", "flagged"), asked("sometag", "clear")
STALE = asked("sometag", "stale")
LOST = server(seq=0, life="", heartbeats={}, reconciled={})

CASES: dict[str, list[Plain]] = {
    "unavailable before the first snapshot": [
        step(
            None,
            asked("sometag", "unavailable"),
            asked("sometag", "unavailable", surface="search", shown=False),
            account("visible"),
        ),
        step(server(register(), WITHHELD), FLAGGED, account("withheld"), at_ms=T + 1_000, snapshot=True),
    ],
    "unavailable on a server without an answer, clear shows on one without registers": [
        step(server(seq=0), CLEAR, snapshot=True),
    ],
    "a server without any key is stale, and not clear": [
        step(LOST, STALE, asked("sometag", "stale", surface="search", shown=False), snapshot=True),
    ],
    "Redis is away: stale begins max_staleness after the last answered poll": [
        step(server(register(), PERSON, WITHHELD), FLAGGED, snapshot=True),
        step(None, FLAGGED, asked("person", "flagged", BY_PERSON), asked("tag", "clear"), at_ms=T + STALE_MS - 1),
        step(
            None,
            STALE,
            asked("person", "stale"),
            asked("tag", "stale", surface="search", shown=False),
            account("withheld"),
            at_ms=T + STALE_MS,
        ),
        step(server(register(), PERSON, heartbeats=beats(T + STALE_MS)), FLAGGED, at_ms=T + STALE_MS),
    ],
    "Redis is away: the watermark grows old too, so automated flags end before people's": [
        step(
            server(register(), PERSON, heartbeats=beats(T - 20_000, T)),
            FLAGGED,
            asked("tag", "clear"),
            snapshot=True,
        ),
        step(None, FLAGGED, asked("tag", "clear"), at_ms=T + STALE_MS - 20_001),
        step(None, STALE, asked("tag", "stale"), asked("person", "flagged", BY_PERSON), at_ms=T + STALE_MS - 20_000),
        step(None, STALE, asked("person", "flagged", BY_PERSON), at_ms=T + STALE_MS - 1),
        step(None, STALE, asked("person", "stale"), at_ms=T + STALE_MS),
    ],
    "Redis answers and the watermark does not move": [
        step(server(register(), PERSON), FLAGGED, snapshot=True),
        step(server(register(), PERSON), FLAGGED, asked("tag", "clear"), at_ms=T + STALE_MS - 1),
        step(
            server(register(), PERSON), STALE, asked("tag", "stale"), asked("person", "flagged", BY_PERSON),
            at_ms=T + STALE_MS,
        ),
    ],
    "the stream continues without a snapshot": [
        step(server(), CLEAR, snapshot=True),
        step(server(register(), seq=11, changes=[change(11, register())]), FLAGGED),
        step(
            server(seq=12, changes=[change(11, register()), change(12, register(number=2, action="clear"))]),
            CLEAR,
        ),
    ],
    "a cut stream that still has the next entry needs no snapshot": [
        step(server(seq=11, changes=[change(11, register("other"))]), CLEAR, snapshot=True),
        step(server(register(), seq=12, changes=[change(12, register())]), FLAGGED),
    ],
    "a missing number is a gap": [
        step(server(), CLEAR, snapshot=True),
        step(
            server(register(), register("there"), seq=12, changes=[change(12, register("there"))]),
            FLAGGED, asked("there", "flagged"), snapshot=True,
        ),
    ],
    "a gap in the middle of the entries": [
        step(server(), CLEAR, snapshot=True),
        step(
            server(
                register(), register("there"), register("third"), seq=13,
                changes=[change(11, register("there")), change(13, register("third"))],
            ),
            FLAGGED, asked("there", "flagged"), asked("third", "flagged"), snapshot=True,
        ),
    ],
    "an empty stream behind a greater seq is a gap": [
        step(server(), CLEAR, snapshot=True),
        step(server(register(), seq=11), FLAGGED, snapshot=True),
    ],
    "an entry of another incarnation is a gap": [
        step(server(), CLEAR, snapshot=True),
        step(server(register(), seq=11, changes=[change(11, register(), "b-2")]), FLAGGED, snapshot=True),
    ],
    "an older or equal version in the stream has no effect": [
        step(server(register(number=5)), FLAGGED, snapshot=True),
        step(
            server(
                register(number=5), seq=12,
                changes=[
                    change(11, register(number=4, action="clear")), change(12, register(number=5, action="clear")),
                ],
            ),
            FLAGGED,
        ),
    ],
    "unreadable values are skipped, and the stream continues": [
        step(server(), CLEAR, snapshot=True),
        step(
            server(
                register(), seq=14,
                changes=[
                    {"id": "11-0", "seq": 11, "incarnation": "a-1", "field": "trends|*|automated|x", "value": "{"},
                    {"id": "12-0", "seq": 12, "incarnation": "a-1", "field": "trends|*|automated|y", "value": "[]"},
                    change(13, register("z", weight=2, action="discount")),
                    change(14, register()),
                ],
            ),
            FLAGGED, asked("x", "clear"), asked("z", "clear"),
        ),
    ],
    "members that decide nothing may have any type": [
        step(
            server(
                register(evidence="many", provisional="yes", reasons=[{"signal": "share", "value": None}], display=7),
                register("there", evidence=[1], reasons={"signal": 3}, actor=None, decided_at_ms="now"),
                register("x", weight="half"), register("y", category=3), register("z", expires_at_ms=str(T + 1)),
            ),
            FLAGGED, asked("there", "flagged"), asked("x", "clear"), asked("y", "clear"), asked("z", "clear"),
            snapshot=True,
        ),
    ],
    "an action of a later version shows the hashtag": [
        step(server(register(action="blur"), register("there")), CLEAR | {"by": "trends|*|automated|sometag"},
             asked("there", "flagged"), snapshot=True),
    ],
    "a value under another field is skipped": [
        step(server(), CLEAR, snapshot=True),
        step(
            server(seq=11, changes=[change(11, register()) | {"field": "trends|*|automated|there"}]),
            CLEAR, asked("there", "clear"),
        ),
    ],
    "a field that occurs twice in a scan has the greater version": [
        step(server(register(number=2), register(number=1, action="clear")), FLAGGED, snapshot=True),
    ],
    "a change during the snapshot is repeated by the stream": [
        step(
            server(), FLAGGED, snapshot=True,
            after_mark=server(register(), seq=11, changes=[change(11, register())]),
        ),
    ],
    "a loss during the snapshot starts it again": [
        step(
            server(register("there")), FLAGGED, asked("there", "clear"), snapshot=True,
            after_mark=server(register(), seq=1, life="b-2"),
        ),
    ],
    "a loss is no change of flags: each partition ends its own": [
        step(
            server(register(), register("there"), PERSON, shards=2),
            FLAGGED, asked("there", "flagged"), asked("person", "flagged", BY_PERSON), snapshot=True,
        ),
        step(LOST, FLAGGED, asked("there", "flagged"), asked("person", "flagged", BY_PERSON),
             at_ms=T + 1_000, snapshot=True),
        step(
            server(seq=1, life="b-2", heartbeats={}, reconciled={}),
            FLAGGED, asked("there", "flagged"), asked("person", "flagged", BY_PERSON), at_ms=T + 2_000, snapshot=True,
        ),
        step(
            server(seq=1, life="b-2", heartbeats=beats(T + 3_000, shards=2), reconciled={"moderation": "b-2"}),
            FLAGGED, asked("there", "flagged"), asked("person", "clear"), at_ms=T + 3_000,
        ),
        step(
            server(
                seq=1, life="b-2", heartbeats=beats(T + 4_000, shards=2),
                reconciled={"moderation": "b-2", "0": "b-2", "1": "a-1"},
            ),
            FLAGGED, asked("there", "clear"), at_ms=T + 4_000,
        ),
        step(server(seq=1, life="b-2", shards=2, heartbeats=beats(T + 5_000, shards=2)), CLEAR, at_ms=T + 5_000),
    ],
    "a lesser seq of the same incarnation is a loss too": [
        step(server(register()), FLAGGED, snapshot=True),
        step(server(seq=9, reconciled={}), FLAGGED, at_ms=T + 1_000, snapshot=True),
        step(server(seq=9), CLEAR, at_ms=T + 2_000),
    ],
    "carried registers end after max_staleness": [
        step(server(PERSON), asked("person", "flagged", BY_PERSON), snapshot=True),
        step(
            server(seq=1, life="b-2", reconciled={"0": "b-2"}), asked("person", "flagged", BY_PERSON),
            at_ms=T + 1_000, snapshot=True,
        ),
        step(
            server(seq=1, life="b-2", reconciled={"0": "b-2"}, heartbeats=beats(T + STALE_MS)),
            asked("person", "flagged", BY_PERSON), at_ms=T + STALE_MS + 999,
        ),
        step(
            server(seq=1, life="b-2", reconciled={"0": "b-2"}, heartbeats=beats(T + STALE_MS)),
            asked("person", "clear"), at_ms=T + STALE_MS + 1_000,
        ),
    ],
    "next to carried registers the greater version wins": [
        step(server(register(number=5), register("there", 5)), FLAGGED, asked("there", "flagged"), snapshot=True),
        step(
            server(
                register(number=4, action="clear"), register("there", 6, "clear"), seq=2, life="b-2", reconciled={},
            ),
            FLAGGED, asked("there", "clear"), at_ms=T + 1_000, snapshot=True,
        ),
        step(
            server(register(number=4, action="clear"), register("there", 6, "clear"), seq=2, life="b-2"),
            CLEAR, asked("there", "clear"), at_ms=T + 2_000,
        ),
    ],
    "a heartbeat counts once its shard is reconciled; until then the last one applies": [
        step(server(register()), FLAGGED, snapshot=True),
        step(
            server(register(), life="b-2", reconciled={"0": "a-1"}, heartbeats=beats(T + STALE_MS)),
            STALE, at_ms=T + STALE_MS, snapshot=True,
        ),
        step(server(register(), life="b-2", heartbeats=beats(T + STALE_MS)), FLAGGED, at_ms=T + STALE_MS),
    ],
    "heartbeats of another number of shards do not count": [
        step(server(register(), register("there")), FLAGGED, asked("there", "flagged"), snapshot=True),
        step(
            server(
                register(), register("there"),
                heartbeats=beats(T) | {"1": {"settled_ms": T, "at_ms": T + 1, "partitions": 2}},
                reconciled={"0": "a-1", "1": "a-1", "moderation": "a-1"},
            ),
            FLAGGED, asked("there", "stale"), at_ms=T + 1_000,
        ),
    ],
}  # fmt: skip


def following() -> Plain:
    """Return the content of `following.json`."""
    return {"about": ABOUT, "cases": [{"name": name, "steps": steps} for name, steps in CASES.items()]}
