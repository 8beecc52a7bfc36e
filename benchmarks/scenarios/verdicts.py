"""Compare decisions with the ground truth: the outcome of each hashtag of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.actions import HIDING
from streams.constants import MINUTE_MS
from streams.log.decisions import WORLD, Decision, ScopeDecision

LEAST_WEIGHT = 0.1
"""Weight up to which a discount finds a campaign: it keeps at most a tenth of its tweets in the rankings."""
GRACE_MS = 2 * MINUTE_MS
"""Time from its own start on for which an attacked hashtag may be hidden: its own people are few."""
NOT_ASSESSED = "not_assessed"
"""Valve of a review that asks people to read what the model cannot."""
ONE_USE = "one_use"
"""Kind of a hashtag that the ground truth does not list."""

TagTruth = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class HashtagOutcome:
    """Outcome of one hashtag. Seconds are event time since its story's start; None: never."""

    source: str
    preset: str
    seed: int
    labels: int
    """Labels of the source to which the model's scale was fitted."""
    hashtag: str
    kind: str
    variant: str
    language: str
    harmful: bool
    share: float
    """Harmful share that its story plans."""
    settled_seconds: float | None = None
    """Time to the first settled suppression; a campaign's counts in its own countries or everywhere."""
    early_seconds: float | None = None
    weight: float | None = None
    """Least weight of a settled discount."""
    hidden_seconds: float = 0.0
    """Time for which settled decisions hide it; of an attacked one, after its grace."""
    reviewed: bool = False
    """Whether a settled decision asks people to look at it."""
    not_assessed: bool = False
    """Whether one does so because too few of its texts were read."""

    @property
    def found(self) -> bool:
        """Whether a settled decision hides it, or takes nine tenths of its tweets from its rank."""
        return self.settled_seconds is not None or (self.weight is not None and self.weight <= LEAST_WEIGHT)

    @property
    def seconds(self) -> float | None:
        """Time to the first suppression of either kind."""
        return min(
            (seconds for seconds in (self.settled_seconds, self.early_seconds) if seconds is not None), default=None
        )

    @property
    def silenced(self) -> bool:
        """Whether it is innocent and a settled decision hides it."""
        return not self.harmful and self.hidden_seconds > 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcomes of one run. Early flags are counted per (hashtag, country, category, surface)."""

    tags: list[HashtagOutcome] = field(default_factory=list)
    early_flags: int = 0
    withdrawn: int = 0


def judge(truth: Iterable[TagTruth], decisions: Sequence[Decision], end_ms: int, run: Mapping[str, Any]) -> Verdict:
    """Compare what was decided with what should have been.

    Args:
        truth: the `tags` of a ground truth. An organic one has an outcome only if a decision names it.
        decisions: decisions of the run in order.
        end_ms: end of the run.
        run: `source`, `preset`, `seed` and `labels` of the run.
    """
    by_tag: dict[str, list[Decision]] = {}
    for decision in decisions:
        by_tag.setdefault(decision.hashtag, []).append(decision)
    tags = [
        _outcome(tag, by_tag.pop(tag["hashtag"], []), end_ms, run)
        for tag in truth
        if tag["kind"] != "organic" or tag["hashtag"] in by_tag
    ]
    tags += [_outcome(_unlisted(own[0]), own, end_ms, run) for own in by_tag.values()]
    return Verdict(tags, *_early_flags(decisions))


def _unlisted(decision: Decision) -> TagTruth:
    return {
        "hashtag": decision.hashtag, "kind": ONE_USE, "language": "", "harmful": False, "countries": [],
        "from_ms": 0, "harmful_share": 0.0,
    }  # fmt: skip


def _outcome(tag: TagTruth, decisions: Sequence[Decision], end_ms: int, run: Mapping[str, Any]) -> HashtagOutcome:
    places = {WORLD, *tag["countries"]} if tag["harmful"] else {decision.country for decision in decisions}
    own = [decision for decision in decisions if decision.country in places]
    settled = [(decision.tick_ms, each) for decision in own for each in _settled(decision)]
    early = [
        decision.decided_at_ms
        for decision in own
        for each in decision.rulings
        if each.provisional and each.action == "suppress"
    ]
    from_ms = tag["from_ms"]
    spared_ms = from_ms + GRACE_MS if "attacked_from_ms" in tag else 0

    def since(moments: Iterable[int]) -> float | None:
        first = min(moments, default=None)
        return None if first is None else (first - from_ms) / 1000

    return HashtagOutcome(
        **run,
        hashtag=tag["hashtag"],
        kind=tag["kind"],
        variant=tag.get("variant", ""),
        language=tag["language"],
        harmful=tag["harmful"],
        share=tag["harmful_share"],
        settled_seconds=since(at for at, each in settled if each.action == "suppress"),
        early_seconds=since(early),
        weight=min((each.weight for _, each in settled if each.weight is not None), default=None),
        hidden_seconds=max((_hidden_ms(own, place, spared_ms, end_ms) for place in places), default=0) / 1000,
        reviewed=any(each.action == "review" for _, each in settled),
        not_assessed=any(each.valve == NOT_ASSESSED for _, each in settled),
    )


def _settled(decision: Decision) -> Iterator[ScopeDecision]:
    if not decision.provisional:
        yield from (ruling for ruling in decision.rulings if not ruling.provisional)


def _hidden_ms(decisions: Iterable[Decision], country: str, since_ms: int, end_ms: int) -> int:
    """Sum the time from a moment on for which settled decisions of a country hide the hashtag."""
    own = [decision for decision in decisions if decision.country == country and not decision.provisional]
    ends_ms = [*(decision.tick_ms for decision in own), end_ms][1:]
    total = 0
    for decision, before_ms in zip(own, ends_ms, strict=True):
        expires_ms = max((each.expires_at_ms for each in _settled(decision) if each.action in HIDING), default=0)
        total += max(0, min(before_ms, expires_ms) - max(decision.tick_ms, since_ms))
    return total


def _early_flags(decisions: Iterable[Decision]) -> tuple[int, int]:
    """Count the early suppressions, and those of them that were withdrawn."""
    begun: set[tuple[object, ...]] = set()
    withdrawn: set[tuple[object, ...]] = set()
    for decision in decisions:
        for ruling in decision.rulings:
            if ruling.provisional and ruling.action in ("suppress", "clear"):
                scope = (decision.hashtag, decision.country, ruling.category, ruling.surface, ruling.since_ms)
                (begun if ruling.action == "suppress" else withdrawn).add(scope)
    return len(begun), len(withdrawn)
