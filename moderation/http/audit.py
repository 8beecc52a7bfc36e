"""Routes of the audit log: its entries, the proof of one, and the state of the log and its witnesses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from moderation.access.access import GuardedRoute, may, needs
from moderation.access.answers import AnswerModel, JsonReply, Millis, NextCursor
from moderation.access.blinding import refuse_while_blind
from moderation.access.bodies import CountryQuery, HashtagQuery, MomentQuery
from moderation.access.numbers import refuse_numbers, withheld_for
from moderation.access.paging import CursorQuery, PageSize, page_answer, position_of, write_cursor
from moderation.access.problems import RefusedCall
from moderation.access.services import services_of
from moderation.domain.cases.first_answer import WithheldHashtags
from moderation.outward.statements.proofs import OPENED
from moderation.publiclog.entries import AuditEntry
from moderation.publiclog.proving import prove_entry
from moderation.publiclog.reading import CheckpointState, LogState
from moderation.publiclog.rows import AuditFilter, AuditRow, row_of
from streams.errors import CallerMistake

router = APIRouter(prefix="/v1", route_class=GuardedRoute, default_response_class=JsonReply, tags=["audit"])

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


class AuditRowAnswer(AnswerModel):
    """Entry of the audit log."""

    seq: int
    at: str
    kind: str
    action: str
    target: str
    country: str
    actor: str
    reason: str
    source: str
    hash: str


class AuditAnswer(AnswerModel):
    """Page of the audit log, oldest first."""

    items: list[AuditRowAnswer]
    next: NextCursor


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
    proof: dict[str, Any] | None = Field(description="Proof file for `hushtag proof verify`; null: not yet.")
    proof_note: str | None = Field(None, description="Time of the checkpoint that will cover the entry.")


@router.get("/audit", openapi_extra=needs("audit"), response_model=AuditAnswer)
async def audit(
    request: Request,
    kind: Annotated[str | None, Query(max_length=100)] = None,
    hashtag: HashtagQuery = None,
    actor: Annotated[str | None, Query(max_length=2000)] = None,
    country: CountryQuery = None,
    since: MomentQuery = None,
    until: MomentQuery = None,
    cursor: CursorQuery = None,
    limit: PageSize = 100,
) -> Response:
    """List entries of the audit log without verification; `hushtag audit verify` verifies it."""
    await refuse_while_blind(request)
    wanted = AuditFilter(kind=kind, target=hashtag, actor=actor, country=country, from_ms=since, to_ms=until)
    rows, following = await rows_for(request, wanted, position_of("audit", cursor), limit)
    after = None if following is None else write_cursor("audit", (following,))
    return JsonReply(page_answer(rows, after))


@router.get("/audit/state", openapi_extra=needs("audit"), response_model=LogStateAnswer)
async def state(request: Request) -> Response:
    """Return how far the log is signed and published, and which witnesses have cosigned."""
    return JsonReply(state_as_dict(await services_of(request).public_log.state()))


@router.get("/audit/{number}", openapi_extra=needs("audit"), response_model=AuditRowAnswer)
async def entry(request: Request, number: EntryNumber) -> Response:
    """Return one entry of the audit log."""
    row, _ = await find_entry(request, number)
    return JsonReply(row)


@router.get("/audit/{number}/proof", openapi_extra=needs("audit"), response_model=AuditProofAnswer)
async def proof(request: Request, number: EntryNumber, fields: FieldsQuery = None) -> Response:
    """Return the proof that an entry is in the public log, with some of its fields open; see docs/audit.md.

    Until a published checkpoint covers the entry, `proof` is null and `proof_note` says when one will. Every
    holder of the file can read the opened fields.
    """
    return JsonReply(await proof_for(request, number, fields or OPENED))


async def proof_for(request: Request, number: int, fields: Sequence[str]) -> dict[str, Any]:
    """Prove an entry with some fields open, as JSON.

    Raises:
        RefusedCall: there is no such entry, its record was erased, or the caller reviews a hashtag blind.
        FirstAnswerDue: the caller owes a first answer on its hashtag.
    """
    row, found = await find_entry(request, number)
    if row["reason"] in (_AFTER, _AFTER_LOOK):
        await refuse_numbers(request, row["target"])
        raise RefusedCall("blinded", f"entry {number} is {row['reason']}", "give your verdict first")
    if found.is_erased:
        raise RefusedCall("not_found", f"the record of entry {number} was erased", "the tree still has its leaf")
    return (await prove_entry(services_of(request).public_log, found, fields)).as_dict()


async def find_entry(request: Request, number: int) -> tuple[dict[str, Any], AuditEntry]:
    """Return an entry as JSON for the caller, and as the log has it.

    Raises:
        RefusedCall: there is no such entry, or the caller reviews a hashtag blind.
    """
    await refuse_while_blind(request)
    try:
        found = await services_of(request).public_log.entry(number)
    except CallerMistake as missing:
        raise RefusedCall("not_found", str(missing), "GET /v1/audit/state has its size") from None
    return _row(row_of(found), await withheld_for(request), await _open_looks(request)), found


async def rows_for(
    request: Request, wanted: AuditFilter, first: int, most: int
) -> tuple[list[dict[str, Any]], int | None]:
    """List matching entries as JSON for the caller, and the number of the next page's first entry."""
    rows, following = await services_of(request).audit_page(wanted, first, most)
    withheld, looks = await withheld_for(request), await _open_looks(request)
    return [_row(one, withheld, looks) for one in rows], following


def state_as_dict(found: LogState) -> dict[str, Any]:
    """Convert the state of the log to plain JSON."""
    return {
        "entries": found.entries,
        "signed": _checkpoint(found.signed),
        "published": _checkpoint(found.published),
    }


def _checkpoint(found: CheckpointState | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "size": found.size,
        "root": found.root,
        "at_ms": found.at_ms,
        "cosigned_by": list(found.cosigned_by),
        "missing": list(found.missing),
        "checkpoint": found.text,
    }


async def _open_looks(request: Request) -> frozenset[str]:
    """Return the hashtags with an open second look, of which each person who may decide may be the next reviewer."""
    if not may(request, "decide"):
        return frozenset()
    cases = await services_of(request).cases.refresh()
    return frozenset(one.hashtag for one in cases.values() if one.look is not None and one.look.is_open)


def _row(row: AuditRow, withheld: WithheldHashtags, looks: frozenset[str]) -> dict[str, Any]:
    """Build the JSON of a row.

    An automated decision's reason has numbers; first answers, markings and verdicts of others pull, too.
    """
    plain = row.as_dict()
    if row.kind == "case_look" and row.target in looks:
        return plain | {"action": _AFTER_LOOK, "reason": _AFTER_LOOK}
    if row.target not in withheld:
        return plain
    match row.kind:
        case "decision":
            return plain | {"reason": _AFTER}
        case "case_answer" | "text_marking":
            return plain | {"action": _AFTER, "reason": _AFTER}
    return plain
