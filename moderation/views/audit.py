"""Entries of the audit log as a person may read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request

from moderation.access.access import may
from moderation.access.blinding import refuse_while_blind
from moderation.access.numbers import refuse_numbers, withheld_for
from moderation.access.problems import RefusedCall
from moderation.access.services import services_of
from moderation.domain.cases.first_answer import WithheldHashtags
from moderation.publiclog.entries import AuditEntry
from moderation.publiclog.proving import prove_entry
from moderation.publiclog.reading import CheckpointState, LogState
from moderation.publiclog.rows import AuditFilter, AuditRow, row_of
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


async def proof_for(request: Request, number: int, fields: Sequence[str]) -> dict[str, Any]:
    """Prove an entry with some fields open, as JSON.

    Raises:
        RefusedCall: there is no such entry, its record was erased, or the caller reviews a hashtag blind.
        FirstAnswerDue: the caller owes a first answer on its hashtag.
    """
    row, entry = await find_entry(request, number)
    if row["reason"] in (_AFTER, _AFTER_LOOK):
        await refuse_numbers(request, row["target"])
        raise RefusedCall("blinded", f"entry {number} is {row['reason']}", "give your verdict first")
    if entry.is_erased:
        raise RefusedCall("not_found", f"the record of entry {number} was erased", "the tree still has its leaf")
    return (await prove_entry(services_of(request).public_log, entry, fields)).as_dict()


async def find_entry(request: Request, number: int) -> tuple[dict[str, Any], AuditEntry]:
    """Return an entry as JSON for the caller, and as the log has it.

    Raises:
        RefusedCall: there is no such entry, or the caller reviews a hashtag blind.
    """
    await refuse_while_blind(request)
    try:
        entry = await services_of(request).public_log.entry(number)
    except CallerMistake as missing:
        raise RefusedCall("not_found", str(missing), "GET /v1/audit/state has its size") from None
    return _row(row_of(entry), await withheld_for(request), await _open_looks(request)), entry


async def rows_for(
    request: Request, filters: AuditFilter, first: int, most: int
) -> tuple[list[dict[str, Any]], int | None]:
    """List matching entries as JSON for the caller, and the number of the next page's first entry."""
    rows, following = await services_of(request).audit_page(filters, first, most)
    withheld, looks = await withheld_for(request), await _open_looks(request)
    return [_row(row, withheld, looks) for row in rows], following


def state_as_dict(state: LogState) -> dict[str, Any]:
    """Convert the state of the log to plain JSON."""
    return {
        "entries": state.entries,
        "signed": _checkpoint(state.signed),
        "published": _checkpoint(state.published),
    }


def _checkpoint(checkpoint: CheckpointState | None) -> dict[str, Any] | None:
    if checkpoint is None:
        return None
    return {
        "size": checkpoint.size,
        "root": checkpoint.root,
        "at_ms": checkpoint.at_ms,
        "cosigned_by": list(checkpoint.cosigned_by),
        "missing": list(checkpoint.missing),
        "checkpoint": checkpoint.text,
    }


async def _open_looks(request: Request) -> frozenset[str]:
    """Return the hashtags with an open second look, of which each person who may decide may be the next reviewer."""
    if not may(request, "decide"):
        return frozenset()
    cases = await services_of(request).cases.refresh()
    return frozenset(case.hashtag for case in cases.values() if case.look is not None and case.look.is_open)


def _row(row: AuditRow, withheld: WithheldHashtags, looks: frozenset[str]) -> dict[str, Any]:
    """Build the JSON of a row.

    An automated decision's reason has numbers; first answers, markings and verdicts of others pull, too.
    """
    answer = row.as_dict()
    if row.kind == "case_look" and row.target in looks:
        return answer | {"action": _AFTER_LOOK, "reason": _AFTER_LOOK}
    if row.target not in withheld:
        return answer
    match row.kind:
        case "decision":
            return answer | {"reason": _AFTER}
        case "case_answer" | "text_marking":
            return answer | {"action": _AFTER, "reason": _AFTER}
    return answer
