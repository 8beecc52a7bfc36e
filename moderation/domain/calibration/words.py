"""A calibration in words and as JSON. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moderation.wording import counted

if TYPE_CHECKING:
    from models.platform_scale import ColumnScale
    from moderation.domain.calibration.label_book import Labels
    from moderation.domain.calibration.service import Preview

FIT_HEADERS = (
    "language", "category", "clean", "harmful", "mean of clean", "mean of harmful", "coverage", "state",
)  # fmt: skip


def label_lines(labels: Labels) -> list[str]:
    """Describe the labels: how many, by whom, how far people agree, and which ones do not count."""
    texts = labels.texts
    lines = [f"model {labels.live.revision}: {counted(len(texts.texts), 'labelled text')}"]
    if labels.marked:
        lines.append(f"{counted(labels.marked, 'label')} from markings in cases")
    if texts.people:
        lines.append("by " + ", ".join(f"{person} ({count:,})" for person, count in texts.people.items()))
    if texts.shared:
        lines.append(
            f"{counted(texts.shared, 'text')} labelled by several people: they agree on "
            f"{texts.agreed / texts.shared:.0%}; {texts.disputed:,} without a majority are left out"
        )
    for count, why in (
        (labels.other_model, "of texts that another model scored: hand their file in again"),
        (labels.unreadable, "of tweets whose text cannot be read any more"),
        (labels.unread, "of texts in languages that the model does not read"),
    ):
        if count:
            lines.append(
                f"{counted(count, 'label')} do not count: {why}" if count > 1 else f"1 label does not count: {why}"
            )
    return lines


def fit_cells(column: ColumnScale) -> tuple[str, ...]:
    """Build the line of a language and category; the columns are `FIT_HEADERS`."""
    return (
        column.language, column.category or "any", f"{column.clean:,}", f"{column.harmful:,}",
        _mean(column.before[0], column.after[0], column.errors[0], is_fitted=column.is_fitted),
        _mean(column.before[1], column.after[1], column.errors[1], is_fitted=column.is_fitted),
        coverage_words(column), state_words(column),
    )  # fmt: skip


def coverage_words(column: ColumnScale) -> str:
    """Say how many intervals held the true share before and after, in cross-validation; "" where it is not known."""
    if column.coverage_before is None or column.coverage_after is None:
        return ""
    return f"{column.coverage_before:.0%} → {column.coverage_after:.0%}"


def state_words(column: ColumnScale) -> str:
    """Say whether the scale of a language and category is the platform's."""
    if column.is_calibrated:
        return "fitted"
    if column.is_fitted:
        return f"partly fitted: {column.missing_words()}"
    return f"not fitted: {column.missing_words()}"


def preview_as_dict(preview: Preview) -> dict[str, Any]:
    """Build the JSON of the labels and the scale that they give."""
    labels, fit = preview.labels, preview.fit
    texts = labels.texts
    return {
        "model": labels.live.revision,
        "scale": fit.revision,
        "before": labels.live.before or None,
        "texts": len(texts.texts),
        "marked": labels.marked,
        "people": [{"person": person, "labels": count} for person, count in texts.people.items()],
        "one_person": texts.is_one_person,
        "greatest_part": texts.greatest.words if texts.greatest is not None else "",
        "shared": texts.shared,
        "agreed": texts.agreed,
        "disputed": texts.disputed,
        "not_counted": {
            "other_model": labels.other_model, "unreadable": labels.unreadable, "unread": labels.unread,
        },
        "ready": fit.is_ready,
        "live": preview.is_live,
        "missing": "" if fit.is_ready else fit.missing_words(),
        "problems": list(fit.problems),
        "columns": [column_as_dict(column) for column in fit.columns],
    }  # fmt: skip


def column_as_dict(column: ColumnScale) -> dict[str, Any]:
    """Build the JSON of a language and category."""
    return {
        "language": column.language,
        "category": column.category or None,
        "clean": column.clean,
        "harmful": column.harmful,
        "missing_clean": column.missing_clean,
        "missing_harmful": column.missing_harmful,
        "calibrated": column.is_calibrated,
        "means_before": _hundredths(column.before),
        "means_after": _hundredths(column.after),
        "errors": _hundredths(column.errors),
        "coverage_before": column.coverage_before,
        "coverage_after": column.coverage_after,
    }


def _hundredths(values: tuple[float, float]) -> list[float]:
    """Round means; with more digits a marking in an open case would reveal the score of its text."""
    return [round(value, 2) for value in values]


def _mean(before: float, after: float, error: float, *, is_fitted: bool) -> str:
    return f"{before:.2f} → {after:.2f} ± {error:.2f}" if is_fitted else f"{before:.2f}"
