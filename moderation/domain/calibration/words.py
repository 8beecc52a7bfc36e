"""A calibration in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moderation.wording import counted

if TYPE_CHECKING:
    from models.platform_scale import ColumnScale
    from moderation.domain.calibration.label_book import Labels

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


def _mean(before: float, after: float, error: float, *, is_fitted: bool) -> str:
    return f"{before:.2f} → {after:.2f} ± {error:.2f}" if is_fitted else f"{before:.2f}"
