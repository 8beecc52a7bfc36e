"""Answers on calibration: what the API answers and the command prints."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from pydantic import Field

from streams.answers import AnswerModel, Millis

if TYPE_CHECKING:  # they load scikit-learn and numba
    from models.platform_scale import ColumnScale
    from moderation.domain.calibration.label_book import AddedLabels
    from moderation.domain.calibration.service import Preview


class LabelProblemAnswer(AnswerModel):
    """Label that was not taken."""

    where: str = Field(description="Number of the label, from 1.")
    field: str
    value: str
    problem: str
    fix: str


class LabelsAddedAnswer(AnswerModel):
    """Result of handing in labels."""

    added: int
    unchanged: int = Field(description="Labels that you had given already.")
    problems: list[LabelProblemAnswer]


class LabellerAnswer(AnswerModel):
    """Person who labelled texts."""

    person: str
    labels: int


class UncountedAnswer(AnswerModel):
    """Labels that do not count for the live model."""

    other_model: int = Field(description="Of texts that another model scored.")
    unreadable: int = Field(description="Of tweets whose text cannot be read any more.")
    unread: int = Field(description="Of texts in languages that the model does not read.")


class ScaleColumnAnswer(AnswerModel):
    """Scale of one language and category, before and after."""

    language: str
    category: str | None = Field(description="null: harm of any category.")
    clean: int = Field(description="Texts labelled clean.")
    harmful: int
    missing_clean: int = Field(description="Labels that are missing until the scale is the platform's.")
    missing_harmful: int
    calibrated: bool
    means_before: list[float] = Field(description="Mean probability of clean and of harmful texts.")
    means_after: list[float]
    errors: list[float] = Field(description="Standard errors of the two means after it.")
    coverage_before: float | None = Field(description="Part of the 90% intervals that held the true share.")
    coverage_after: float | None


class CalibrationAnswer(AnswerModel):
    """Labels, and the scale that they give."""

    model: str = Field(description="Revision of the live model.")
    scale: str = Field(description="Digest of the fitted scale: `if_scale` of `POST /v1/calibration/apply`.")
    before: str | None = Field(description="Revision that a rollback returns to.")
    texts: int = Field(description="Labelled texts.")
    marked: int = Field(description="Labels that come from markings in cases.")
    people: list[LabellerAnswer]
    one_person: bool = Field(description="Whether one person gave most of the labels of a mean.")
    greatest_part: str = Field(description="Who gave the greatest part of which labels, in words.")
    shared: int = Field(description="Texts that several people labelled.")
    agreed: int = Field(description="Texts of these that all labelled alike.")
    disputed: int = Field(description="Texts without a majority, which are left out.")
    not_counted: UncountedAnswer
    ready: bool = Field(description="Whether a language has enough labels to fit anything.")
    live: bool = Field(description="Whether the live model has this scale already.")
    missing: str = Field(description="Labels that are missing, in words.")
    problems: list[str]
    columns: list[ScaleColumnAnswer]


class ModelWrittenAnswer(AnswerModel):
    """Model that was written to the topics; workers activate it within seconds."""

    model: str
    before: str = Field(description="Revision that was live.")
    policy: str
    from_tick_ms: Millis


def calibration_answer(preview: Preview) -> CalibrationAnswer:
    """Build the answer about the labels and the scale that they give."""
    labels, fit = preview.labels, preview.fit
    texts = labels.texts
    return CalibrationAnswer(
        model=labels.live.revision,
        scale=fit.revision,
        before=labels.live.before or None,
        texts=len(texts.texts),
        marked=labels.marked,
        people=[LabellerAnswer(person=person, labels=count) for person, count in texts.people.items()],
        one_person=texts.is_one_person,
        greatest_part=texts.greatest.words if texts.greatest is not None else "",
        shared=texts.shared,
        agreed=texts.agreed,
        disputed=texts.disputed,
        not_counted=UncountedAnswer(other_model=labels.other_model, unreadable=labels.unreadable, unread=labels.unread),
        ready=fit.is_ready,
        live=preview.is_live,
        missing="" if fit.is_ready else fit.missing_words(),
        problems=list(fit.problems),
        columns=[_column(column) for column in fit.columns],
    )


def labels_answer(added: AddedLabels) -> LabelsAddedAnswer:
    """Build the answer to labels that were handed in."""
    problems = [LabelProblemAnswer(**asdict(problem)) for problem in added.problems]
    return LabelsAddedAnswer(added=added.added, unchanged=added.unchanged, problems=problems)


def _column(column: ColumnScale) -> ScaleColumnAnswer:
    return ScaleColumnAnswer(
        language=column.language,
        category=column.category or None,
        clean=column.clean,
        harmful=column.harmful,
        missing_clean=column.missing_clean,
        missing_harmful=column.missing_harmful,
        calibrated=column.is_calibrated,
        means_before=_hundredths(column.before),
        means_after=_hundredths(column.after),
        errors=_hundredths(column.errors),
        coverage_before=column.coverage_before,
        coverage_after=column.coverage_after,
    )


def _hundredths(values: tuple[float, float]) -> list[float]:
    """Round means; with more digits a marking in an open case would reveal the score of its text."""
    return [round(value, 2) for value in values]
