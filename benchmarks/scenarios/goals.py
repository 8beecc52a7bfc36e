"""Goals of the scenarios, each met or missed by the outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from benchmarks.scenarios.sources import KNOWN, SIMULATOR
from benchmarks.scenarios.verdicts import HashtagOutcome, Verdict

PROTECTED = ("protest", "counter_speech", "news", "sports")
"""Kinds that no settled decision may suppress."""
UNREAD = "unread"
OPEN = "open"
LEAST_FOUND = {1.0: 0.9, 0.8: 0.7}
"""Least recall of open campaigns by their harmful share, on texts of known annotators."""
MOST_WITHDRAWN = 0.05


class ScenarioGoal(NamedTuple):
    """One goal, its figure, and the hashtags that miss it."""

    text: str
    met: bool
    figure: str
    reasons: tuple[str, ...] = ()


def outcomes(verdicts: Iterable[Verdict]) -> list[HashtagOutcome]:
    """List the outcomes of all runs."""
    return [tag for verdict in verdicts for tag in verdict.tags]


def goals(verdicts: Sequence[Verdict]) -> list[ScenarioGoal]:
    """Compare all outcomes with the goals that the room's docstring states."""
    tags = outcomes(verdicts)
    unread = [tag for tag in tags if tag.kind == UNREAD]
    protected = [tag for tag in tags if tag.kind in PROTECTED]
    checked = [
        _no_one("no unread hashtag is suppressed", unread, [tag for tag in unread if tag.seconds is not None]),
        _no_one("each unread hashtag has a case", unread, [tag for tag in unread if not tag.not_assessed]),
        _no_one(
            f"no settled suppression of {', '.join(PROTECTED).replace('_', '-')}",
            protected,
            [tag for tag in protected if tag.silenced],
        ),
    ]
    known_campaigns = [tag for tag in tags if tag.source in (KNOWN, SIMULATOR) and tag.variant == OPEN]
    for share, least in LEAST_FOUND.items() if known_campaigns else ():
        of_share = [tag for tag in known_campaigns if tag.share == share]
        missed = [tag for tag in of_share if not tag.found]
        rate = 1 - len(missed) / len(of_share) if of_share else 0.0
        text = f"{least:.0%} of open campaigns with {share:.0%} harmful authors are found"
        met = rate >= least
        figure = f"{len(of_share) - len(missed)} of {len(of_share)}"
        checked.append(ScenarioGoal(text, met, figure, () if met else tuple(map(_named, missed))))
    early, withdrawn = sum(verdict.early_flags for verdict in verdicts), sum(verdict.withdrawn for verdict in verdicts)
    text = f"at most {MOST_WITHDRAWN:.0%} of early flags are withdrawn"
    met = withdrawn <= MOST_WITHDRAWN * early
    reasons = () if met else tuple(_withdrawn(verdict) for verdict in verdicts if verdict.withdrawn and verdict.tags)
    checked.append(ScenarioGoal(text, met, f"{withdrawn} of {early}", reasons))
    return checked


def precision(tags: Iterable[HashtagOutcome]) -> float | None:
    """Return the part of the flagged hashtags that are campaigns; None: none is flagged."""
    tags = list(tags)
    right, wrong = sum(tag.harmful and tag.found for tag in tags), sum(tag.silenced for tag in tags)
    return right / (right + wrong) if right + wrong else None


def _no_one(text: str, of: Sequence[HashtagOutcome], missing: Sequence[HashtagOutcome]) -> ScenarioGoal:
    return ScenarioGoal(
        text, bool(of) and not missing, f"{len(missing)} of {len(of)} miss it", tuple(map(_named, missing))
    )


def _withdrawn(verdict: Verdict) -> str:
    return f"{_run(verdict.tags[0])}: {verdict.withdrawn} of {verdict.early_flags}"


def _run(tag: HashtagOutcome) -> str:
    return f"{tag.source} {tag.preset} seed {tag.seed}, {tag.labels} labels"


def _named(tag: HashtagOutcome) -> str:
    kind = f"{tag.kind} {tag.variant}".strip()
    return f"{_run(tag)}: {kind} {tag.hashtag} ({tag.language})"
