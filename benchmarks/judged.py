"""Decisions of the reference on a log in memory, as `hushtag replay` makes them, and the cases that they open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from moderation.domain.appeals.automated_decisions import AutomatedFold
from streams.counting.times import FLUSH_MS
from streams.log.decisions import Decision
from streams.log.lines import LogRecord
from streams.policy import Policy, parse_policy
from streams.replay import Replay
from streams.scoring import TextScorer, load_text_scorer

POLICY = Path(__file__).resolve().parents[1] / "config" / "policy.yaml"
_CAPS = re.compile(r"^  (new_suppressions_per_hour|suppressed_share_of_top|least_scored|most_harmful):.*\n", re.M)


class PublishedDecision(NamedTuple):
    """A decision, and the log time at which a worker publishes it."""

    at_ms: int
    decision: Decision


class OpenCase(NamedTuple):
    """A case on one country of a hashtag: when it opened, and when what opened it ended."""

    kind: str
    from_ms: int
    to_ms: int


@lru_cache(2)
def shipped_policy(*, capped: bool = True) -> Policy:
    """Return the shipped policy with mode suppress in every category, with or without its circuit breakers."""
    text = POLICY.read_text("utf-8").replace("mode: shadow", "mode: suppress")
    return parse_policy(text if capped else _CAPS.sub("", text), POLICY.name)


@lru_cache(1)
def scorer() -> TextScorer:
    """Return the committed model."""
    return load_text_scorer()


def judged(records: Iterable[LogRecord], policy: Policy, *, flush_ms: int = FLUSH_MS) -> list[PublishedDecision]:
    """Replay a log of one partition in one shard; return all decisions, early ones included."""
    now_ms = 0

    def read() -> Iterator[LogRecord]:
        nonlocal now_ms
        for record in records:
            now_ms = record.timestamp
            yield record

    replay = Replay([0], policy, scorer(), shards=1, early=True, flush_ms=flush_ms)
    return [PublishedDecision(now_ms, emitted) for emitted in replay.run(read()) if isinstance(emitted, Decision)]


def cases_of(decisions: Iterable[PublishedDecision]) -> dict[str, list[OpenCase]]:
    """Return the cases that decisions open for people, by hashtag; second looks are left out."""
    fold, published_ms = AutomatedFold(share=0.0), dict[str, int]()
    for at_ms, decision in decisions:
        fold.apply(decision)
        for item in fold.items_of_tag(decision.hashtag):
            published_ms.setdefault(item.id, at_ms)
    cases: dict[str, list[OpenCase]] = {}
    for item in fold.items.values():
        cases.setdefault(item.hashtag, []).append(OpenCase(item.kind, published_ms[item.id], fold.end_ms(item)))
    return {hashtag: sorted(opened, key=lambda case: case.from_ms) for hashtag, opened in cases.items()}
