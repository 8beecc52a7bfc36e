"""Fold of the records of labels: the last of each person and text counts. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from moderation.domain.calibration.records import TextLabel, decode_label
from streams.errors import ContractError
from streams.log.moderation import OtherRecord


class LabelFold:
    """Labels by text and person. Records must come in the order of the log."""

    def __init__(self) -> None:
        self._labels: dict[str, TextLabel] = {}

    def apply(self, record: TextLabel) -> None:
        """Apply a label; one without a verdict withdraws the person's label of the text."""
        self._labels.pop(record.id, None)
        if record.harmful is not None:
            self._labels[record.id] = record

    def decode_and_apply(self, offset: int, other: OtherRecord) -> None:
        """Apply a record if it is a label; a malformed one is ignored."""
        with suppress(ContractError):
            if (record := decode_label(other)) is not None:
                self.apply(record)

    def find(self, label: str) -> TextLabel | None:
        """Return a label by its id."""
        return self._labels.get(label)

    def __iter__(self) -> Iterator[TextLabel]:
        """Yield the labels, oldest first."""
        return iter(self._labels.values())

    def __len__(self) -> int:
        return len(self._labels)
