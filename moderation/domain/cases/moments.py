"""The next moment at which the cases of a hashtag change although no record comes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from moderation.domain.appeals.automated_decisions import KEPT_MS
from moderation.domain.appeals.items import BLIND_KINDS
from moderation.domain.cases.board import CaseInputs, CaseSources
from moderation.domain.restrictions.collection import decision_restrictions
from streams.log.moderation import Override, TagRecord


def next_moment_ms(inputs: CaseInputs, sources: CaseSources, records: Sequence[tuple[int, TagRecord]]) -> int | None:
    """Return the first moment after the present one at which `derive_cases` may yield something else; None: never.

    Stop buttons are left out: any change of them concerns all hashtags.

    Args:
        inputs: inputs of the hashtag.
        sources: state of the logs at the present moment.
        records: the hashtag's overrides and undos.
    """
    return min(
        (moment_ms for moment_ms in _moments(inputs, sources, records) if moment_ms > sources.at_ms), default=None
    )


def _moments(inputs: CaseInputs, sources: CaseSources, records: Iterable[tuple[int, TagRecord]]) -> Iterator[int]:
    for item in inputs.items:
        yield sources.automated.end_ms(item)
        if item.kind in BLIND_KINDS:
            yield item.ends_ms + KEPT_MS
    for progress in inputs.recorded:
        yield from (decision.at_ms for decision in progress.decisions)  # of a clock that is ahead
        yield from (verdicts[-1].at_ms + KEPT_MS for verdicts in progress.looks.values())
    for _, record in records:
        yield record.at_ms
        if isinstance(record, Override):
            yield record.expires_at_ms
            yield record.expires_at_ms + KEPT_MS + 1
    for status in inputs.appeals:
        if status.outcome is not None:
            yield status.outcome.at_ms + KEPT_MS + 1
    for decision in inputs.decisions if sources.stops else ():
        yield from (restriction.ends_ms for restriction in decision_restrictions(decision))
