"""Oracle of a schedule: compare the topics' records and the registers of Redis with a reference. Pure.

Panes are compared with `tests/support/naive.py`, which shares no code with the cores; decisions with the
single-threaded replay under the activations in the shards' logs. Every record is compared, a zombie's too.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hushtag_client.registers import Register
from msgspec.structs import replace

from streams.actions import FLAGGING
from streams.constants import MINUTE_MS, PANE_MS
from streams.counting.block_counts import Flush
from streams.counting.keys import Tags
from streams.log.decisions import Decision, Progress, ScopeDecision, decode_record
from streams.log.lines import LogRecord
from streams.log.pane_assembly import assemble
from streams.log.pane_rows import rows_of
from streams.log.panes import pane_records
from streams.log.partials import decode_partial
from streams.policy import Policy
from streams.policy.activation import Activation
from streams.replay import Replay, received_sketches
from streams.scoring import TextScorer
from tests.support import naive
from tests.support.naive_retractions import tweets_of
from tests.support.settled_history import history, settled_part

PaneKey = tuple[str, str, int, int]
"""(hashtag, country or `*`, start, length)."""
Key = tuple[str, str]


@dataclass(frozen=True)
class Left:
    """All records after a schedule, read from outside. Partitioned topics: partition → records in order."""

    tweets: list[LogRecord]
    partials: Mapping[int, list[bytes]]
    panes: Mapping[int, list[bytes]]
    decisions: Mapping[int, list[bytes]]
    dead: list[tuple[int, int]]
    """Origin (partition, offset) of every dead letter; may repeat."""
    sources_at_start: int = 4


@dataclass
class Verdict:
    """Findings of the oracle."""

    records: int = 0
    lost: int = 0
    doubled: int = 0
    ticks: int = 0
    decisions: int = 0
    early: int = 0
    discounts: int = 0
    """Settled changes with a discounted hashtag."""
    exempt: int = 0
    """Ticks before the first marker of a new partition that one of its tweets could still have entered."""
    problems: list[str] = field(default_factory=list)

    def complain(self, what: str) -> None:
        self.problems.append(what[:600])


def bad_offsets(records: Sequence[LogRecord]) -> set[tuple[int, int]]:
    """Compute naively the (partition, offset) of all dead letters: unreadable records and tweets from the future.

    A tweet from the future that is sent twice is one dead letter: the second is a duplicate.
    """
    bad: set[tuple[int, int]] = set()
    seen: dict[tuple[int, int], int] = {}
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        at = (record.partition, record.offset)
        try:
            tweet = json.loads(record.value or b"")
            if tweet.get("kind") == "delete":
                int(tweet["id"])
                if tweet.get("created_at_ms", 0) - record.timestamp > naive.AHEAD:
                    bad.add(at)
                continue
            ident, _, _ = int(tweet["id"]), int(tweet["author_id"]), tweet["text"]
            ahead = tweet["created_at_ms"] - record.timestamp > naive.AHEAD
        except (ValueError, TypeError, KeyError, AttributeError):
            bad.add(at)
            continue
        before = seen.get((record.partition, ident), -1 - naive.RANGE)
        seen[record.partition, ident] = record.offset
        if ahead and record.offset - before > naive.RANGE:
            bad.add(at)
    return bad


def judge(left: Left, scorer: TextScorer) -> Verdict:
    """Compare all settled results with the reference."""
    verdict = Verdict(records=len(left.tweets))
    emitted = {shard: [decode_record(value) for value in values] for shard, values in left.decisions.items()}
    progress = {shard: [one for one in of if isinstance(one, Progress)] for shard, of in emitted.items()}
    decided = {shard: [one for one in of if isinstance(one, Decision)] for shard, of in emitted.items()}
    limit_ms = min((max((one.settled_ms for one in of), default=0) for of in progress.values()), default=0)
    exempt = _exempt_ticks(left)
    verdict.exempt = len(exempt)
    _check_panes(left, limit_ms, exempt, verdict)
    _check_decisions(left, decided, limit_ms, exempt, scorer, verdict)
    for shard, decisions in decided.items():
        _check_early(decisions, max((one.settled_ms for one in progress[shard]), default=0), verdict)
    expected = bad_offsets(left.tweets)
    if set(left.dead) != expected:
        missing, wrong = sorted(expected - set(left.dead)), sorted(set(left.dead) - expected)
        verdict.complain(f"dead letters: missing {missing[:5]}, wrong {wrong[:5]}")
    return verdict


# ---- partitions that were added ----


def _exempt_ticks(left: Left) -> set[int]:
    """Find pane starts of new partitions' tweets that settled before the shard received the partition's marker."""
    new = [record for record in left.tweets if record.partition >= left.sources_at_start]
    if not new:
        return set()
    exempt: set[int] = set()
    for values in left.partials.values():
        named: dict[int, int] = {}
        watermarks: dict[int, int] = {}
        count = 0
        for value in values:
            flush = decode_partial(value)
            if not isinstance(flush, Flush) or flush.watermark_ms < 0:
                continue
            for source in range(count, flush.sources):
                named[source] = min(watermarks.values(), default=0) if len(watermarks) >= count else 0
            count = max(count, flush.sources)
            watermarks[flush.source] = max(watermarks.get(flush.source, 0), flush.watermark_ms)
        for record in new:
            start_ms = (record.timestamp - naive.LATE) // PANE_MS * PANE_MS
            while start_ms + PANE_MS <= named.get(record.partition, 0):
                exempt.add(start_ms)
                start_ms += PANE_MS
    return exempt


# ---- panes ----


def _naive_panes(records: Sequence[LogRecord], limit_ms: int) -> dict[PaneKey, tuple[int, int]]:
    lines = [
        {
            "partition": one.partition, "offset": one.offset, "log_time_ms": one.timestamp,
            "value": (one.value or b"").decode("utf-8", "replace"),
        }
        for one in sorted(records, key=lambda one: (one.partition, one.offset))
    ]  # fmt: skip
    rows = defaultdict(list)
    for tag, country, at, tweet in naive.uses(tweets_of(lines)):
        for scope in {country, "*"} - {""}:
            for length in (PANE_MS, MINUTE_MS):
                start = at // length * length
                if start + length <= limit_ms:
                    rows[tag, scope, start, length].append(tweet)
    return {key: (len(tweets), naive.authors(naive.sample(tweets))) for key, tweets in rows.items()}


def _check_panes(left: Left, limit_ms: int, exempt: set[int], verdict: Verdict) -> None:
    expected = {key: value for key, value in _naive_panes(left.tweets, limit_ms).items() if not _in_exempt(key, exempt)}
    verdict.ticks = len({key[2] for key in expected if key[3] == PANE_MS})
    found: dict[PaneKey, tuple[int, int]] = {}
    for shard, values in left.panes.items():
        known: dict[tuple[int, int, int, int], Any] = {}
        for record in pane_records(values):
            if record.start_ms + record.length_ms > limit_ms:
                continue
            if record.key in known:
                if known[record.key] != record:
                    verdict.complain(f"two pane records of shard {shard} differ: {record.key}")
                continue
            known[record.key] = record
        tags = Tags()
        for pane in assemble(known.values(), tags):
            for row in rows_of(pane, tags):
                key = (row.hashtag, row.country, row.start_ms, row.length_ms)
                if not _in_exempt(key, exempt):
                    found[key] = (row.tweets, row.authors)
    wrong = [key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
    for key in wrong:
        (want, _), (have, _) = expected.get(key, (0, 0)), found.get(key, (0, 0))
        if key[1] == "*" and key[3] == PANE_MS:
            verdict.lost += max(0, want - have)
            verdict.doubled += max(0, have - want)
    if wrong:
        first = min(wrong, key=lambda key: key[2])
        verdict.complain(
            f"{len(wrong)} of {len(expected)} pane rows differ, first {first}: (tweets, authors) "
            f"{found.get(first)}, reference {expected.get(first)}"
        )


def _in_exempt(key: PaneKey, exempt: set[int]) -> bool:
    """Compare from the first exempt pane on, since a late tweet counts in the next open pane."""
    return bool(exempt) and key[2] + key[3] > min(exempt)


# ---- decisions ----


def _activations(partials: Sequence[bytes]) -> list[Activation]:
    """Correct the activations of one shard: one that arrived late begins at its first unsettled tick."""
    found: dict[int, Activation] = {}
    watermarks: dict[int, int] = {}
    sources = 1
    for value in partials:
        record = decode_partial(value)
        if isinstance(record, Flush):
            if record.watermark_ms >= 0:
                sources = max(sources, record.sources)
                watermarks[record.source] = max(watermarks.get(record.source, 0), record.watermark_ms)
            continue
        if not isinstance(record, Activation):
            continue
        whole = len(watermarks) >= sources
        settled_ms = min(watermarks.values()) // PANE_MS * PANE_MS if whole else 0
        from_tick_ms = record.from_tick_ms
        if from_tick_ms and from_tick_ms <= settled_ms:
            from_tick_ms = settled_ms + PANE_MS
        if record.sequence not in found:
            found[record.sequence] = replace(record, from_tick_ms=from_tick_ms)
    return [found[sequence] for sequence in sorted(found)]


def reference(left: Left, scorer: TextScorer) -> list[Decision]:
    """Compute settled decisions by a replay of the same tweets."""
    shards = sorted(left.partials)
    by_shard = {shard: _activations(left.partials[shard]) for shard in shards}
    first = Policy.from_canonical(by_shard[shards[0]][0].policy)
    partitions = {record.partition for record in left.tweets}
    sketches = {shard: received_sketches(map(decode_partial, left.partials[shard])) for shard in shards}
    replay = Replay(partitions, first, scorer, shards=len(shards), sketches=sketches)
    for shard, activations in by_shard.items():
        for activation in activations[1:]:
            replay.judges[shard].apply(0, activation)
    ordered = sorted(left.tweets, key=lambda record: (record.timestamp, record.partition, record.offset))
    return [one for one in replay.run(ordered) if isinstance(one, Decision)]


def _check_decisions(
    left: Left,
    decided: Mapping[int, list[Decision]],
    limit_ms: int,
    exempt: set[int],
    scorer: TextScorer,
    verdict: Verdict,
) -> None:
    last_ms = min(exempt) if exempt else limit_ms
    theirs = [one for one in reference(left, scorer) if one.settled_ms <= last_ms]
    ours = [one for of in decided.values() for one in of if one.settled_ms <= last_ms]
    expected = history(theirs)
    verdict.decisions = sum(map(len, expected.values()))
    verdict.discounts = sum(
        any(ruling.action == "discount" for ruling in rulings) for past in expected.values() for _, rulings in past
    )
    end_ms = max((one.settled_ms for one in theirs), default=0)
    found = history([one for one in ours if one.settled_ms <= max(end_ms, _last_tick(left))])
    for key in sorted(expected.keys() | found.keys()):
        want = [one for one in expected.get(key, []) if one[0] <= _last_tick(left)]
        have = [one for one in found.get(key, []) if one[0] <= _last_tick(left)]
        if want != have:
            verdict.complain(f"settled decisions of {key}: {_brief(have)}, reference {_brief(want)}")
    known: dict[tuple[str, str, str], Decision] = {}
    for one in ours:
        if one.settled_ms > _last_tick(left):
            continue
        past = expected.get((one.hashtag, one.country), [])
        standing = ([(0, ())] + [entry for entry in past if entry[0] <= one.settled_ms])[-1][1]
        if settled_part(one.rulings) != standing:
            verdict.complain(
                f"at tick {one.settled_ms} {one.hashtag} {one.country} version {one.version} has "
                f"{_brief([(one.settled_ms, settled_part(one.rulings))])}, reference {_brief([(0, standing)])}"
            )
        other = known.setdefault((one.hashtag, one.country, one.version), one)
        if settled_part(other.rulings) != settled_part(one.rulings):
            verdict.complain(f"one version, two contents: {one.hashtag} {one.country} {one.version}")


def _last_tick(left: Left) -> int:
    """Return the end of the last pane with a tweet, where the reference ends."""
    newest = max((record.timestamp for record in left.tweets), default=0)
    return newest // PANE_MS * PANE_MS


def _brief(past: Sequence[tuple[int, Sequence[ScopeDecision]]]) -> list[tuple[int, list[str]]]:
    return [
        (tick, [f"{r.action}@{r.since_ms}→{r.expires_at_ms} {r.surface}" for r in rulings]) for tick, rulings in past
    ]


def _check_early(decisions: Sequence[Decision], settled_ms: int, verdict: Verdict) -> None:
    """Check that each early ruling is settled at its tick, and that no later record carries it."""
    final: dict[Key, Decision] = {}
    for one in decisions:
        key = (one.hashtag, one.country)
        if key not in final or one.version > final[key].version:
            final[key] = one
        early = [r for r in one.rulings if r.provisional and r.action in FLAGGING]
        verdict.early += bool(early)
        if any(r.since_ms <= one.settled_ms for r in early):
            verdict.complain(f"an early ruling outlives its tick: {one.hashtag} {one.country} {one.version}")
    for (hashtag, country), one in final.items():
        if any(r.provisional and r.action in FLAGGING and r.since_ms <= settled_ms for r in one.rulings):
            verdict.complain(
                f"neither confirmed nor withdrawn: {hashtag} {country} version {one.version}, tick {one.tick_ms}, "
                f"the shard has settled {settled_ms}"
            )


# ---- flags ----


def expected_flags(left: Left) -> dict[str, tuple[str, str, int, float]]:
    """Fold naively to field → (version, action, expiry, weight): the greatest version of each key, not the last."""
    final: dict[Key, Decision] = {}
    surfaces: dict[Key, set[str]] = defaultdict(set)
    for values in left.decisions.values():
        for value in values:
            one = decode_record(value)
            if not isinstance(one, Decision):
                continue
            key = (one.hashtag, one.country)
            surfaces[key] |= {r.surface for r in one.rulings if r.action in FLAGGING or r.action == "clear"}
            if key not in final or one.version > final[key].version:
                final[key] = one
    flags = {}
    for (hashtag, country), one in final.items():
        for surface in surfaces[hashtag, country]:
            made = [r for r in one.rulings if r.surface == surface and r.action in FLAGGING]
            hiding = [r for r in made if r.weight is None]
            best = max(hiding, key=lambda r: (r.action == "suppress", r.expires_at_ms), default=None)
            best = best or min(made, key=lambda r: (r.weight, -r.expires_at_ms), default=None)
            flags[f"{surface}|{country}|automated|{hashtag}"] = (
                one.version,
                best.action if best else "clear",
                best.expires_at_ms if best else 0,
                1.0 if best is None or best.weight is None else best.weight,
            )
    return flags


@dataclass(frozen=True)
class Block:
    """Block of a hashtag for a duration, which a person wrote between two moments of the right clock."""

    hashtag: str
    lasts_ms: int
    from_ms: int
    to_ms: int

    def is_in_force_by(self, register: Register | None) -> bool:
        """Return whether a register hides the hashtag for as long as the person said."""
        if register is None or register.action != "suppress":
            return False
        return self.from_ms <= register.expires_at_ms - self.lasts_ms <= self.to_ms


def wrong_flags(left: Left, stands: Mapping[str, Register]) -> list[str]:
    """List differences between Redis and the fold at the end."""
    expected = expected_flags(left)
    found = {
        name: (one.version, one.action, one.expires_at_ms, one.weight)
        for name, one in stands.items()
        if not one.by_people
    }
    return [
        f"{name}: {found.get(name)}, decided {expected.get(name)}"
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    ]


def wrong_blocks(blocks: Iterable[Block], stands: Mapping[str, Register]) -> list[str]:
    """List blocks by people that Redis does not have with the expiry that they must have."""
    registers = {register.hashtag: register for register in stands.values() if register.by_people}
    return [
        f"{block}: {registers.get(block.hashtag)}"
        for block in blocks
        if not block.is_in_force_by(registers.get(block.hashtag))
    ]


def unfounded_flags(left: Left, written: Mapping[tuple[str, str], Register]) -> list[str]:
    """List registers that were in Redis without a decision of that version and content."""
    emitted: dict[tuple[str, str, str], list[ScopeDecision]] = defaultdict(list)
    for values in left.decisions.values():
        for value in values:
            one = decode_record(value)
            if isinstance(one, Decision):
                emitted[one.hashtag, one.country, one.version] += one.rulings
    found = []
    for (name, version), register in written.items():
        if register.by_people:
            continue
        rulings = emitted.get((register.hashtag, register.country, version))
        if rulings is None:
            found.append(f"{name}: version {version} was never decided")
        elif register.action in FLAGGING and not any(
            r.surface == register.surface and r.action == register.action and r.expires_at_ms == register.expires_at_ms
            for r in rulings
        ):
            found.append(f"{name}: version {version} hides what its decision does not")
    return found
