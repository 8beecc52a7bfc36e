"""Distinct hashtags that viewers did not see on a surface at some moment of a period. Pure.

Decisions alone do not tell: a person's `allow` or the stop button may lift a suppression for all its life. So each
hashtag is resolved at every moment at which one of its registers begins or ends, by the function of the surfaces.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hushtag_client.registers import ACCOUNT, ANY_HASHTAG, HIDING, TWEET, WORLD, Register
from hushtag_client.resolution import candidates, winner

from streams.actions import ACTION_OF_VERB
from streams.flags.decision_fold import DecisionFold
from streams.flags.moderation_fold import ModerationFold, Scope, ScopeStack
from streams.log.decisions import Decision

HeldBy = Literal["pipeline_alone", "people_alone", "both"]
_VERSION = "0"
"""Version of registers that only this module reads."""


@dataclass(slots=True)
class HeldBack:
    """Distinct hashtags held back within a period."""

    total: int = 0
    by: dict[str, int] = field(default_factory=dict)
    """Number of hashtags by `HeldBy`; people include legal orders. The counts add up to the total."""
    by_country: dict[str, int] = field(default_factory=dict)
    """Number of hashtags by the country of the decision, `*` for all; a hashtag may count in several."""
    by_category: dict[str, int] = field(default_factory=dict)
    """Number of hashtags that the pipeline held back, by category; a hashtag may count in several."""


@dataclass(frozen=True, slots=True)
class _Span:
    """A register and the moments [from_ms, to_ms) at which it was in force; `to_ms` None: until now."""

    from_ms: int
    to_ms: int | None
    register: Register

    def covers(self, at_ms: int) -> bool:
        return self.from_ms <= at_ms and (self.to_ms is None or at_ms < self.to_ms)


def held_back(
    fold: ModerationFold, decisions: Iterable[Decision], from_ms: int, to_ms: int, country: str | None = None
) -> HeldBack:
    """Count the hashtags that were held back within [from_ms, to_ms).

    Args:
        fold: the decisions of people and orders.
        decisions: automated decisions, those before the period that may last into it too.
        from_ms: start of the period, inclusive.
        to_ms: end of the period, exclusive.
        country: country of the viewers; None: viewers of any country.
    """
    spans: dict[tuple[str, str], list[_Span]] = defaultdict(list)
    for scope, stack in fold.stacks().items():
        if scope[1] not in (ACCOUNT, TWEET):
            spans[scope[0], scope[1]] += _stack_spans(scope, stack)
    for span in _automated_spans(decisions):
        spans[span.register.hashtag, span.register.surface].append(span)
    deciders: dict[str, set[tuple[bool, str, str]]] = defaultdict(set)
    for (hashtag, surface), own in spans.items():
        if hashtag == ANY_HASHTAG or not any(span.register.action in HIDING for span in own):
            continue
        stops = spans.get((ANY_HASHTAG, surface), [])
        for register in _deciding(own, stops, from_ms, to_ms, country):
            deciders[hashtag].add((register.by_people, register.country, register.category))
    return _counted(deciders.values())


def _counted(deciders: Iterable[set[tuple[bool, str, str]]]) -> HeldBack:
    held = HeldBack()
    for decided in deciders:
        held.total += 1
        sources = {by_people for by_people, _, _ in decided}
        by: HeldBy = "both" if len(sources) == 2 else "people_alone" if True in sources else "pipeline_alone"
        held.by[by] = held.by.get(by, 0) + 1
        for where in {country for _, country, _ in decided}:
            held.by_country[where] = held.by_country.get(where, 0) + 1
        for category in {category for by_people, _, category in decided if not by_people}:
            held.by_category[category] = held.by_category.get(category, 0) + 1
    return held


def _deciding(
    own: Sequence[_Span], stops: Sequence[_Span], from_ms: int, to_ms: int, country: str | None
) -> Iterator[Register]:
    """Iterate over the registers that hide the hashtag from a viewer at some moment of the period."""
    viewers = {span.register.country for span in (*own, *stops)} | {WORLD} if country is None else {country}
    moments = {from_ms} | {at_ms for span in (*own, *stops) for at_ms in (span.from_ms, span.to_ms) if at_ms}
    for at_ms in moments:
        if not from_ms <= at_ms < to_ms:
            continue
        registers = [span.register for span in own if span.covers(at_ms)]
        pressed = [span.register for span in stops if span.covers(at_ms)]
        for viewer in viewers if registers else ():
            decides = winner(candidates(registers, viewer), candidates(pressed, viewer), at_ms)
            if decides is not None and decides.action in HIDING:
                yield decides


def _stack_spans(scope: Scope, stack: ScopeStack) -> Iterator[_Span]:
    """Iterate over the overrides of a scope with the moments at which each was the one in force."""
    hashtag, surface, country, source = scope
    ends = [entry.undone.at_ms for entry in stack.entries if entry.undone is not None]
    starts = [entry.record.at_ms for entry in stack.entries]
    expiries = [entry.record.expires_at_ms for entry in stack.entries if entry.record.expires_at_ms]
    moments = sorted({*starts, *ends, *expiries})
    for at_ms, next_ms in zip(moments, [*moments[1:], None], strict=True):
        entry = stack.was_in_force(at_ms)
        if entry is not None:
            record = entry.record
            yield _Span(at_ms, next_ms, Register(
                version=_VERSION, action=ACTION_OF_VERB[record.action], hashtag=hashtag, surface=surface,
                country=country, source="legal" if source == "legal" else "human",
                expires_at_ms=record.expires_at_ms, category=record.category,
            ))  # fmt: skip


def _automated_spans(decisions: Iterable[Decision]) -> Iterator[_Span]:
    """Iterate over the pipeline's flags; renewals of a flag join into one span."""
    fold = DecisionFold(longest_expiry_ms=0, max_broker_skew_ms=0)
    running: dict[str, _Span] = {}
    for decision in sorted(decisions, key=lambda decision: decision.decided_at_ms):
        at_ms = decision.decided_at_ms
        for register in fold.apply(decision):
            begun = running.pop(register.field, None)
            if begun is not None and _continues(begun.register, register, at_ms):
                running[register.field] = _Span(begun.from_ms, register.expires_at_ms, register)
                continue
            if begun is not None:
                yield _Span(begun.from_ms, min(at_ms, begun.register.expires_at_ms), begun.register)
            if register.action != "clear":
                running[register.field] = _Span(at_ms, register.expires_at_ms, register)
    yield from running.values()


def _continues(before: Register, after: Register, at_ms: int) -> bool:
    same = (before.action, before.category) == (after.action, after.category)
    return same and at_ms <= before.expires_at_ms
