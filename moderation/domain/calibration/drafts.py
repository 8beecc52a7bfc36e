"""Labels as people hand them in: lines of JSON or bodies of the API, checked before anything is scored. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec

from moderation.domain.tables import RowProblem
from streams.errors import CallerMistake

MOST_LABELS = 20_000
"""Greatest number of labels in a file."""
LINE_FIX = (
    '{"text" or "tweet_id", "harmful": true or false, "categories"?: {"abuse": true}, "lang"?}; '
    "each counts as the sender's"
)


class LabelDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Label that was not scored yet: of a text, or of a tweet that a case has sampled."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)] | None = None
    tweet_id: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}$")] | None = None
    harmful: bool | None
    """None withdraws the sender's label."""
    categories: dict[str, bool] = {}
    lang: Annotated[str, msgspec.Meta(max_length=35)] = "und"

    def problem(self, categories: Sequence[str]) -> tuple[str, str, str] | None:
        """Return field, problem and fix of a label that contradicts itself; None for a good one."""
        if (self.text is None) == (self.tweet_id is None):
            return "text", "either a text or a tweet_id is needed", "give one of them"
        if self.text is not None and not self.text.strip():
            return "text", "the text is empty", "leave the line out"
        if unknown := [name for name in self.categories if name not in categories]:
            return "categories", f"unknown category {unknown[0][:40]!r}", f"use one of {', '.join(categories)}"
        if self.harmful is False and any(self.categories.values()):
            return "categories", "a text that is not harmful has a harmful category", "correct one of the two"
        return None


_decoder = msgspec.json.Decoder(LabelDraft)


def parse_labels(
    data: bytes, name: str, categories: Sequence[str]
) -> tuple[list[tuple[str, LabelDraft]], list[RowProblem]]:
    """Parse lines of JSON to labels, each with its place; a bad line gives a problem and does not stop the others.

    Args:
        data: content of the file, in UTF-8.
        name: name of the file, for errors.
        categories: categories of the live model.

    Raises:
        CallerMistake: the file has no label, or too many.
    """
    drafts: list[tuple[str, LabelDraft]] = []
    problems: list[RowProblem] = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        if not line.strip():
            continue
        try:
            draft = _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            problems.append(RowProblem(f"line {number}", "line", "", str(error)[:200], f"write {LINE_FIX}"))
            continue
        if (problem := draft.problem(categories)) is not None:
            field, what, fix = problem
            problems.append(RowProblem(f"line {number}", field, "", what, fix))
            continue
        drafts.append((f"line {number}", draft))
        if len(drafts) > MOST_LABELS:
            raise CallerMistake(f"{name} has more than {MOST_LABELS:,} labels", fix="split the file")
    if not drafts and not problems:
        raise CallerMistake(f"{name} has no label", fix=f"one line for each: {LINE_FIX}")
    return drafts, problems


def in_parts(
    drafts: Sequence[tuple[str, LabelDraft]], size: int
) -> Iterator[tuple[tuple[str, ...], tuple[LabelDraft, ...]]]:
    """Yield the places and the labels of a file in parts of a size, at least 1.

    >>> [places for places, _ in in_parts([(f"line {n}", LabelDraft(text="a", harmful=True)) for n in (1, 2, 3)], 2)]
    [('line 1', 'line 2'), ('line 3',)]
    """
    for begin in range(0, len(drafts), size):
        part = drafts[begin : begin + size]
        yield tuple(place for place, _ in part), tuple(draft for _, draft in part)


def line_number(problem: RowProblem) -> int:
    """Return the number in the place of a problem, to sort by.

    >>> line_number(RowProblem("line 12", "text", "", "it is empty", "leave it out"))
    12
    """
    return int(problem.where.rpartition(" ")[2])
