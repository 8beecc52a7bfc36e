"""The report's numbers, counted exactly from the records; what may be published of them is `publish`'s affair. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from moderation.published import HELD_BACK, published_outcomes
from moderation.report.automated import Hole
from moderation.report.episodes import Episode, episodes
from streams.flags.overrides import PeopleView
from streams.log.decisions import Decision
from streams.log.moderation import Override, TagRecord, Undo
from streams.orders.fold import Case
from streams.orders.records import OrderRuling, OrderStep, numbers_of
from streams.orders.states import ACTED, GROUNDS_OF, WAITING


@dataclass(frozen=True, slots=True)
class Facts:
    """The orders received in [from_ms, to_ms), as they stand now, and what was hidden or decided on in that time.

    Durations in ms; None where there is nothing.
    """

    from_ms: int
    to_ms: int
    country: str | None
    orders: int
    orders_by_country: dict[str, int]
    orders_by_state: dict[str, int]
    confidential: int
    """Orders that may not be published one by one; they are in the counts."""
    targets: dict[str, int]
    """By kind."""
    outcomes: dict[str, dict[str, int]]
    """By kind, then by `PublicOutcome`."""
    declined: dict[str, dict[str, int]]
    """By kind, then by ground; one that is not of declining counts as `other`."""
    protected: dict[str, int]
    """Accounts declined as protected speech, by the registry's category."""
    protected_acted: int
    """Accounts of protected speakers that were acted against, by two people each."""
    protected_later: int
    """Accounts that one person acted against, and that came into the registry only after that."""
    time_to_act_ms: int | None
    """Median from receipt to the first interim or final decision, or refusal of the whole."""
    on_time: int
    """Orders acted on before their deadline."""
    acted: int
    suppressed: dict[str, int]
    """Hashtags hidden by the pipeline, by category; a hashtag in two countries counts twice."""
    suppressed_for_ms: dict[str, int]
    """Median by category."""
    overruled: int
    """Of those, how many a person allowed while they were hidden."""
    by_people: dict[str, int]
    """Hashtags decided on by people: block, allow, hold, pause, undo."""
    reversed: int
    """Targets that were acted against and no longer are, by another ruling."""
    lacking: tuple[Hole, ...] = ()
    """Times of which neither the topic nor the audit log has all automated decisions."""
    durations_ms: tuple[int, ...] = field(default=(), repr=False)
    """Of all suppressions, for the plot."""


def gather(
    people: PeopleView,
    decisions: Iterable[Decision],
    from_ms: int,
    to_ms: int,
    country: str | None = None,
    *,
    now_ms: int,
    lacking: Iterable[Hole] = (),
) -> Facts:
    """Count.

    Args:
        people: the moderation topic, folded.
        decisions: all that the logs have; see `automated.Gathered`.
        country: only orders of this country, and decisions for it.
        now_ms: the moment at which the orders' outcomes are told as in force or not.
    """
    registry = people.fold.cases
    cases = [
        case
        for case in registry.cases.values()
        if from_ms <= case.order.received_ms < to_ms and country in (None, case.order.country)
    ]
    told = [
        (case, row, outcome)
        for case in cases
        for row, outcome in zip(case.rows, published_outcomes(case, now_ms), strict=True)
    ]
    acted = [(case, at_ms) for case in cases if (at_ms := first_act_ms(case)) is not None]
    said = [one for one in decisions if country in (None, one.country) and one.decided_at_ms < to_ms]
    hidden = episodes(said, from_ms, to_ms)
    records = [
        record
        for offset, record in people.history
        if offset not in people.fold.stale and from_ms <= record.at_ms < to_ms and country in (None, record.country)
    ]
    protected: Counter[str] = Counter()
    protected_acted = protected_later = 0
    outcomes: dict[str, Counter[str]] = {}
    declined: dict[str, Counter[str]] = {}
    for case, row, outcome in told:
        kind, ruling = row.target.kind, case.outcome(row)
        outcomes.setdefault(kind, Counter())[outcome] += 1
        if ruling is None:
            continue
        speaker = registry.protected(row.target)
        if outcome == "declined":
            ground = ruling.ground if ruling.ground in GROUNDS_OF["declined"] else "other"
            declined.setdefault(kind, Counter())[ground] += 1
            if speaker is not None and kind == "account" and ground == "protected_speech":
                protected[speaker.category] += 1
        elif kind == "account" and outcome in HELD_BACK:
            by_two = len(ruling.actors) > 1
            protected_acted += by_two
            protected_later += speaker is not None and not by_two
    return Facts(
        from_ms=from_ms,
        to_ms=to_ms,
        country=country,
        orders=len(cases),
        orders_by_country=dict(Counter(case.order.country for case in cases)),
        orders_by_state=dict(Counter(case.state for case in cases)),
        confidential=sum(case.order.confidential for case in cases),
        targets=dict(Counter(row.target.kind for _, row, _ in told)),
        outcomes={kind: dict(counts) for kind, counts in outcomes.items()},
        declined={kind: dict(counts) for kind, counts in declined.items()},
        protected=dict(protected),
        protected_acted=protected_acted,
        protected_later=protected_later,
        time_to_act_ms=_median([at_ms - case.order.received_ms for case, at_ms in acted]),
        on_time=sum(at_ms <= case.order.deadline_ms for case, at_ms in acted),
        acted=len(acted),
        suppressed=dict(Counter(one.category for one in hidden)),
        suppressed_for_ms={
            category: _median([one.lasted_ms for one in hidden if one.category == category]) or 0
            for category in {one.category for one in hidden}
        },
        overruled=_overruled(hidden, records),
        by_people=dict(Counter(map(_verb, records))),
        reversed=sum(_reversed(case) for case in cases),
        lacking=tuple(lacking),
        durations_ms=tuple(one.lasted_ms for one in hidden),
    )


def first_act_ms(case: Case) -> int | None:
    """When an order was first answered by a decision; None where it was not."""
    steps = (record for _, record in case.history if isinstance(record, OrderStep))
    return next((step.at_ms for step in steps if step.to not in WAITING and step.to != "revoked"), None)


def _overruled(hidden: Sequence[Episode], records: Sequence[TagRecord]) -> int:
    allowed = [record for record in records if isinstance(record, Override) and record.action == "allow"]
    return sum(
        any(
            record.hashtag == one.hashtag
            and record.country in (one.country, "*")
            and one.from_ms <= record.at_ms <= one.to_ms
            for record in allowed
        )
        for one in hidden
    )


def _reversed(case: Case) -> int:
    """Targets whose last ruling took back an earlier one that acted, once that one was in force."""
    acted_on: set[int] = set()
    back: set[int] = set()
    in_force = False
    for _, record in case.history:
        if isinstance(record, OrderStep):
            in_force = in_force or record.to in ("interim", "final")
        if not isinstance(record, OrderRuling):
            continue
        named = set(numbers_of(record.targets))
        if record.outcome in ACTED:
            acted_on |= named
            back -= named
        elif in_force:
            back |= named & acted_on
    return len(back)


def _verb(record: TagRecord) -> str:
    if isinstance(record, Undo):
        return "undo"
    return "pause" if record.hashtag == "*" else record.action


def _median(values: Sequence[int]) -> int | None:
    return round(median(values)) if values else None
