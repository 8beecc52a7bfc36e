"""Records that put a decision on a case into effect, or take it back. Pure, given the state of the log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from moderation.domain.appeals.appeals import A_WEEK, undo_in_force
from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.records import CaseVerdict, CoveredItem
from moderation.log.drafts import End, OverrideDraft
from moderation.log.service import ModerationService
from streams.errors import CallerMistake
from streams.log.moderation import Override, TagRecord, Undo
from streams.naming import TypedHashtag, tag_of, unseen_character


def overrides_of(
    case: HashtagCase,
    verdict: CaseVerdict,
    covers: Iterable[CoveredItem],
    service: ModerationService,
    *,
    actor: str,
    reason: str,
    end: End = A_WEEK,
) -> list[Override]:
    """Build an override for each country that a decision covers, on exactly the surfaces that it covers.

    Raises:
        CallerMistake: the decision would leave a held hashtag without an answer.
    """
    if verdict == "leave":
        held = {part.item.id for part in case.open_items if part.item.kind == "hold"}
        if any(covered.item in held for covered in covers):
            raise CallerMistake(f"a hold of #{case.display} needs an answer", fix="decide hide or show")
        return []
    surfaces: dict[str, set[str]] = {}
    for covered in covers:
        surfaces.setdefault(covered.country, set()).update(covered.surfaces)
    return [
        service.record_of(
            OverrideDraft(
                tag=_tag(case),
                action="block" if verdict == "hide" else "allow",
                country=country,
                surfaces=tuple(sorted(names)),
                actor=actor,
                reason=reason,
                expires_at_ms=end.expires_at_ms,
                lasts_ms=end.lasts_ms,
            )
        )
        for country, names in sorted(surfaces.items())
    ]


def undos_of(effects: Sequence[str], service: ModerationService, *, actor: str, reason: str, at_ms: int) -> list[Undo]:
    """Build the records that undo those overrides of a decision that are still in force."""
    history = service.view
    undone = (
        undo_in_force(record, history, actor=actor, reason=reason, at_ms=at_ms)
        for offset, record in history.history
        if isinstance(record, Override) and record.id in effects and offset not in history.fold.stale
    )
    return [undo for undo in undone if undo is not None]


def ids_of(effects: Iterable[TagRecord]) -> tuple[str, ...]:
    """List the ids of records."""
    return tuple(record.id for record in effects)


def _tag(case: HashtagCase) -> TypedHashtag:
    """Return the hashtag in its spelling in tweets, unless that cannot be recorded."""
    shown = tag_of(case.display)
    if shown.hashtag != case.hashtag or unseen_character(shown.display):
        return tag_of(case.hashtag)
    return shown
