"""Survey of thresholds: hashtags by rule, each counted once."""

from __future__ import annotations

from collections.abc import Iterable

from streams.backtest.histogram import BINS
from streams.backtest.survey import SurveyReport, ThresholdSurvey, places_of_rules
from streams.log.evidence import EvidenceRecord
from tests.support.backtest_cases import LIVE, EvidenceWorld, steady


def survey(records: Iterable[EvidenceRecord]) -> SurveyReport:
    found = ThresholdSurvey(LIVE)
    for record in records:
        found.add(record)
    return found.finish()


def test_rules_are_listed_with_their_places() -> None:
    places = [where for (category, _), where in places_of_rules(LIVE).items() if category == "hateful_conduct"]
    assert sorted(map(tuple, places)) == [
        (("search", ""),), (("search", "IN"),), (("trends", ""),), (("trends", "IN"),),
    ]  # fmt: skip


def test_survey_counts_each_hashtag_once_by_its_peak() -> None:
    report = survey(steady(LIVE, {"calm": 0.02, "harsh": 0.9}))
    india = next(one for one in report.rules if ("trends", "IN") in one.places and one.category == "hateful_conduct")
    assert (india.judged, india.above, india.over) == (2, 1, 1)
    assert len(india.bins) == BINS and sum(india.bins[: BINS // 4]) == 1
    elsewhere = next(one for one in report.rules if ("trends", "") in one.places)
    assert elsewhere.judged == 0, "India has its own rule"
    assert (report.revision, report.uncovered) == (LIVE.revision, [])


def test_survey_of_nothing_is_empty() -> None:
    report = survey([])
    assert (report.from_ms, report.to_ms) == (0, 0)
    assert all(one.judged == 0 for one in report.rules)


def test_survey_of_random_evidence_counts_hashtags_at_most_once() -> None:
    report = survey(EvidenceWorld(3).records(60))
    assert report.to_ms == 60 * 10_000
    for one in report.rules:
        assert one.over <= one.above <= one.judged <= 12
