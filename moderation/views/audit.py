"""Entries of the audit log as a person may read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import Path, Query, Request
from pydantic import Field

from moderation.access.access import may
from moderation.access.blinding import refuse_while_blind
from moderation.access.numbers import hidden_numbers_for, refuse_hidden_numbers
from moderation.access.problems import RefusedCall
from moderation.access.services import services_of
from moderation.domain.cases.first_answer import HiddenNumbers
from moderation.publiclog.entries import AuditEntry
from moderation.publiclog.proving import prove_entry
from moderation.publiclog.reading import CheckpointState, LogState
from moderation.publiclog.rows import AuditFilter, AuditRow, row_of
from streams.answers import AnswerModel, JsonObject, Millis
from streams.errors import CallerMistake

FieldName = Literal[
    "type", "period", "time", "source", "key", "record", "note", "hashtag", "country", "action", "reason",
    "policy_revision", "facts",
]  # fmt: skip
EntryNumber = Annotated[int, Path(ge=0, lt=2**53, description="Number of the entry.")]
FieldsQuery = Annotated[
    list[FieldName] | None, Query(description="Field to open, repeated for several; by default those of a statement.")
]
_AFTER = "shown after your first answer"
_AFTER_LOOK = "shown once its second look is decided"


class CheckpointAnswer(AnswerModel):
    """Checkpoint of the log."""

    size: int = Field(description="Entries that it covers.")
    root: str = Field(description="Root of the tree, in hexadecimal.")
    at_ms: Millis
    cosigned_by: list[str] = Field(description="Configured witnesses whose cosignature verifies.")
    missing: list[str] = Field(description="Configured witnesses that lack one.")
    checkpoint: str = Field(description="Signed note, as published.")


class LogStateAnswer(AnswerModel):
    """State of the log."""

    entries: int
    signed: CheckpointAnswer | None = Field(description="Last signed checkpoint; null: none yet.")
    published: CheckpointAnswer | None = Field(description="Last published checkpoint; null: none yet.")


class AuditProofAnswer(AnswerModel):
    """Proof of an entry."""

    entry: dict[str, str | int | None] | None = Field(description="Opened fields.")
    proof: JsonObject | None = Field(description="Proof file for `hushtag proof verify`; null: not yet.")
    proof_note: str | None = Field(None, description="Time of the checkpoint that will cover the entry.")


async def proof_for(request: Request, number: int, fields: Sequence[str]) -> AuditProofAnswer:
    """Prove an entry with some fields open.

    Raises:
        RefusedCall: there is no such entry, its record was erased, or the caller reviews a hashtag blind.
        FirstAnswerDue: the caller owes a first answer on its hashtag.
    """
    row, entry = await find_entry(request, number)
    if row.reason in (_AFTER, _AFTER_LOOK):
        await refuse_hidden_numbers(request, row.target)
        raise RefusedCall("blinded", f"entry {number} is {row.reason}", "give your verdict first")
    if entry.is_erased:
        raise RefusedCall("not_found", f"the record of entry {number} was erased", "the tree still has its leaf")
    return AuditProofAnswer(**(await prove_entry(services_of(request).public_log, entry, fields)).members())


async def find_entry(request: Request, number: int) -> tuple[AuditRow, AuditEntry]:
    """Return an entry as the caller may read it, and as the log has it.

    Raises:
        RefusedCall: there is no such entry, or the caller reviews a hashtag blind.
    """
    await refuse_while_blind(request)
    try:
        entry = await services_of(request).public_log.entry(number)
    except CallerMistake as missing:
        raise RefusedCall("not_found", str(missing), "GET /v1/audit/state has its size") from None
    return _for_reader(row_of(entry), await hidden_numbers_for(request), await _open_looks(request)), entry


async def rows_for(request: Request, filters: AuditFilter, first: int, most: int) -> tuple[list[AuditRow], int | None]:
    """List matching entries as the caller may read them, and the number of the next page's first entry."""
    rows, following = await services_of(request).audit_page(filters, first, most)
    hidden_numbers, looks = await hidden_numbers_for(request), await _open_looks(request)
    return [_for_reader(row, hidden_numbers, looks) for row in rows], following


def state_view(state: LogState) -> LogStateAnswer:
    """Build the answer about the state of the log."""
    return LogStateAnswer(
        entries=state.entries, signed=_checkpoint(state.signed), published=_checkpoint(state.published)
    )


def _checkpoint(checkpoint: CheckpointState | None) -> CheckpointAnswer | None:
    if checkpoint is None:
        return None
    return CheckpointAnswer(
        size=checkpoint.size,
        root=checkpoint.root,
        at_ms=checkpoint.at_ms,
        cosigned_by=list(checkpoint.cosigned_by),
        missing=list(checkpoint.missing),
        checkpoint=checkpoint.text,
    )


async def _open_looks(request: Request) -> frozenset[str]:
    """Return the hashtags with an open second look, of which each person who may decide may be the next reviewer."""
    if not may(request, "decide"):
        return frozenset()
    cases = await services_of(request).cases.log.refresh()
    return frozenset(case.hashtag for case in cases.values() if case.look is not None and case.look.is_open)


def _for_reader(row: AuditRow, hidden_numbers: HiddenNumbers, looks: frozenset[str]) -> AuditRow:
    """Leave out what pulls a person who has not answered: numbers, first answers, markings and verdicts of others."""
    if row.kind == "case_look" and row.target in looks:
        return replace(row, action=_AFTER_LOOK, reason=_AFTER_LOOK)
    if row.target in hidden_numbers and row.kind == "decision":
        return replace(row, reason=_AFTER)
    if row.target in hidden_numbers and row.kind in ("case_answer", "text_marking"):
        return replace(row, action=_AFTER, reason=_AFTER)
    return row
