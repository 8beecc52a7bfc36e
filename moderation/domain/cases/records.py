"""Records of cases in the `moderation` topic; each write has an id, which is part of its key.

A record names the items that its case had. So a case keeps its id when its first items have left the decisions' topic.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, get_args

import msgspec

from streams.log.moderation import Id, Ms, RecordCodec, Surface, Tag, Text, Version

CaseId = Annotated[str, msgspec.Meta(pattern=r"^case-[0-9a-f]{16}\Z")]
ItemId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}\Z")]
"""Name of a label or a team."""
CaseVerdict = Literal["hide", "show", "leave"]
"""`hide` blocks the hashtag, `show` allows it, `leave` changes nothing."""
CASE_VERDICTS: tuple[CaseVerdict, ...] = get_args(CaseVerdict)
LookVerdict = Literal["hide", "show"]
FirstWord = Literal["hide", "show", "unsure"]
SkipCause = Literal["language", "context", "distress", "other"]
SKIP_CAUSES: tuple[SkipCause, ...] = get_args(SkipCause)
MOST_COVERED = 1000
"""Greatest number of items in a record."""
COMMON_TEAM = "moderators"
"""Team whose list is the common one."""


class _CaseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Fields of every record of a case."""

    id: Id
    case: CaseId
    hashtag: Tag
    began_ms: Ms
    """Beginning of the case."""
    items: Annotated[tuple[ItemId, ...], msgspec.Meta(max_length=MOST_COVERED)] = ()
    """Items that the case had at this moment."""
    actor: Text
    reason: Text
    at_ms: Ms


class CaseClaim(_CaseRecord, frozen=True, kw_only=True, tag_field="kind", tag="case_claim"):
    """Deliberate claim of a case by one person."""

    after: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Id of the claim that this one replaces; "" for none."""
    blind: bool = False
    """Whether the person claims a second look, and has not seen numbers."""
    take_over: bool = False
    """Whether a lead takes the case from the person who has claimed it."""


class CaseSkip(_CaseRecord, frozen=True, kw_only=True, tag_field="kind", tag="case_skip"):
    """End of a claim without a decision; the case does not come back to this person."""

    why: SkipCause


class FirstAnswerRecord(_CaseRecord, frozen=True, kw_only=True, tag_field="kind", tag="case_answer"):
    """First answer of a person, before the numbers are seen."""

    answer: FirstWord


class CoveredItem(msgspec.Struct, frozen=True):
    """Part of a case that a decision covers."""

    item: ItemId
    country: str
    surfaces: tuple[Surface, ...]


class CaseDecision(_CaseRecord, frozen=True, kw_only=True, tag_field="kind", tag="case_decision"):
    """Decision on some items of a case; the others stay open."""

    verdict: CaseVerdict
    covers: Annotated[tuple[CoveredItem, ...], msgspec.Meta(min_length=1, max_length=MOST_COVERED)]
    effects: tuple[Id, ...] = ()
    """Ids of the overrides that put it into effect."""
    edits: Version = ""
    """Version of the case that the person had seen."""


class CaseLook(_CaseRecord, frozen=True, kw_only=True, tag_field="kind", tag="case_look"):
    """Verdict of one reviewer in a second look."""

    item: ItemId
    verdict: LookVerdict
    suppressed: bool
    """Whether the pipeline hid the hashtag; false for a control."""
    effects: tuple[Id, ...] = ()


class CaseUndo(_CaseRecord, frozen=True, kw_only=True, tag_field="kind", tag="case_undo"):
    """Undo of the newest decision of a case; what it covered is open again."""

    undoes: Id
    edits: Version = ""


class CaseNote(_CaseRecord, frozen=True, kw_only=True, tag_field="kind", tag="case_note"):
    """Note on a case (its reason is the text), with labels that it adds or removes."""

    add: Annotated[tuple[Slug, ...], msgspec.Meta(max_length=20)] = ()
    remove: Annotated[tuple[Slug, ...], msgspec.Meta(max_length=20)] = ()


class CaseEscalation(_CaseRecord, frozen=True, kw_only=True, tag_field="kind", tag="case_escalation"):
    """Handing of a case to another team."""

    team: Slug


CaseRecord = CaseClaim | CaseSkip | FirstAnswerRecord | CaseDecision | CaseLook | CaseUndo | CaseNote | CaseEscalation
_codec: RecordCodec[CaseRecord] = RecordCodec(
    CaseRecord, lambda record: f"case:{record.case}|review|{record.id}|*".encode()
)
encode_case_record = _codec.encode
decode_case_record = _codec.decode


def case_id(hashtag: str, began_ms: int) -> str:
    """Compute the id of the case of a hashtag that began at a time.

    >>> case_id("tag", 1)
    'case-1db40772b580a095'
    """
    return "case-" + hashlib.sha256(f"{hashtag}|{began_ms}".encode()).hexdigest()[:16]
