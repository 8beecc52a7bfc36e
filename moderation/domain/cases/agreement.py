"""Agreement of reviewers, and how often automated suppressions are wrong, by second looks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from moderation.domain.appeals.fold import appeal_fold_of
from moderation.domain.cases.answers import AgreementAnswer
from moderation.domain.cases.fold import CaseFold, case_fold_of, look_result
from moderation.domain.cases.quality import ReviewQuality
from moderation.domain.cases.records import CaseLook, LookVerdict
from streams.flags.overrides import OverrideHistory

_VERDICTS: tuple[LookVerdict, ...] = ("hide", "show")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of the first two verdicts on the same hashtag."""

    pairs: int
    """Number of decided looks: both reviewers have judged, and a third one where they differ."""
    observed: float | None
    """Share of pairs that agree, in [0, 1]; None without pairs."""
    kappa: float | None
    """Cohen's kappa (Cohen 1960), in [-1, 1]; 0 is the agreement expected by chance.

    None where kappa is undefined: without pairs, and where all verdicts are the same.
    """


@dataclass(frozen=True, slots=True)
class LookOutcomes:
    """Outcomes of decided second looks: of suppressed hashtags, and of controls, which were never suppressed."""

    suppressed: int
    wrong: int
    """Suppressed hashtags that reviewers would show."""
    controls: int
    missed: int
    """Controls that reviewers would hide."""
    disputed: int
    """Looks of both kinds that a third person decided."""

    @property
    def false_positive_rate(self) -> float | None:
        """Share of the suppressed hashtags that are wrong, in [0, 1]; None without any. Controls do not count."""
        return self.wrong / self.suppressed if self.suppressed else None


def agreement(looks: Iterable[Sequence[CaseLook]]) -> Agreement:
    """Compute Cohen's kappa over the decided looks, controls included.

    Without controls nearly all verdicts would be `hide`, and kappa would measure little.
    """
    from sklearn.metrics import cohen_kappa_score  # a slow import: not for other commands

    pairs = [(verdicts[0].verdict, verdicts[1].verdict) for verdicts in looks if look_result(verdicts) is not None]
    if not pairs:
        return Agreement(0, None, None)
    first, second = zip(*pairs, strict=True)
    observed = sum(a == b for a, b in pairs) / len(pairs)
    if len({*first, *second}) == 1:
        return Agreement(len(pairs), observed, None)
    return Agreement(len(pairs), observed, round(float(cohen_kappa_score(first, second, labels=list(_VERDICTS))), 6))


def look_outcomes(looks: Iterable[Sequence[CaseLook]]) -> LookOutcomes:
    """Count the outcomes of the decided looks."""
    results = [(result, verdicts) for verdicts in looks if (result := look_result(verdicts)) is not None]
    suppressed = [result for result, verdicts in results if verdicts[0].suppressed]
    controls = [result for result, verdicts in results if not verdicts[0].suppressed]
    return LookOutcomes(
        suppressed=len(suppressed),
        wrong=suppressed.count("show"),
        controls=len(controls),
        missed=controls.count("hide"),
        disputed=sum(verdicts[0].verdict != verdicts[1].verdict for _, verdicts in results),
    )


def quality_of(history: OverrideHistory, from_ms: int, to_ms: int) -> ReviewQuality:
    """Compute the report's quality numbers for [from_ms, to_ms).

    A second look counts in the period of its last verdict, an appeal in that of its outcome.
    """
    looks = [verdicts for verdicts in case_fold_of(history).looks() if from_ms <= verdicts[-1].at_ms < to_ms]
    agreed, outcomes = agreement(looks), look_outcomes(looks)
    appeals = appeal_fold_of(history).appeals.values()
    ended = [appeal.outcome for appeal in appeals if appeal.outcome and from_ms <= appeal.outcome.at_ms < to_ms]
    return ReviewQuality(
        looked_at=outcomes.suppressed,
        overturned=outcomes.wrong,
        pairs=agreed.pairs,
        kappa=agreed.kappa,
        appeals=len(ended),
        appeals_reversed=sum(outcome.verdict == "overturn" for outcome in ended),
    )


def agreement_view(fold: CaseFold) -> AgreementAnswer:
    """Describe reviewers' agreement and the false-positive rate over all decided second looks."""
    looks = fold.looks()
    agreed, outcomes = agreement(looks), look_outcomes(looks)
    return AgreementAnswer(
        pairs=agreed.pairs,
        observed_agreement=agreed.observed,
        kappa=agreed.kappa,
        suppressed=outcomes.suppressed,
        wrong=outcomes.wrong,
        false_positive_rate=outcomes.false_positive_rate,
        controls=outcomes.controls,
        missed=outcomes.missed,
        disputed=outcomes.disputed,
    )
