"""Appeals: the list by age, and one appeal with the contested decision, its statement, and the outcome."""

from __future__ import annotations

from typing import Literal

from fastapi import Request
from starlette.responses import Response

from moderation.access.access import may, needs
from moderation.access.blinding import hidden_hashtags_for, reader_of
from moderation.access.problems import RefusedCall
from moderation.access.rights import Caller
from moderation.access.services import Services, services_of
from moderation.console.appeals_view import (
    OLD_MS,
    AppealRow,
    Outcome,
    restriction_words,
    restrictions_in_force,
    reversal_words,
    uphold_words,
)
from moderation.console.hashtag_limits import limit_words
from moderation.console.hashtag_numbers import case_due
from moderation.console.hashtag_view import statement_view
from moderation.console.hashtag_words import hashtag_path
from moderation.console.render import page
from moderation.console.route import page_router
from moderation.domain.appeals.appeals import AppealSubject, also_lifted, resolve_appeal, reversal
from moderation.domain.appeals.fold import AppealStatus, appeal_place, visible_appeals
from moderation.domain.appeals.records import Verdict

router = page_router()
MOST = 200
"""Rows of the list."""
REASONS: dict[Verdict, tuple[tuple[str, str], ...]] = {
    "uphold": (
        ("Breaks the rule", "The tweets under the hashtag break the rule that the statement names."),
        ("No new facts", "The appeal names no fact that changes the decision."),
    ),
    "overturn": (
        ("Not under the rule", "The tweets under the hashtag do not fall under the rule."),
        ("Counter-speech or news", "The hashtag is used to answer the attack, or to report on it."),
        ("New facts", "The appeal names facts that change the decision."),
    ),
}
ORDER_REASONS: dict[Verdict, tuple[tuple[str, str], ...]] = {
    "uphold": (
        ("Order stands", "The order is valid, and the target falls under it."),
        ("No new facts", "The appeal names no fact that changes the decision."),
    ),
    "overturn": (
        ("Not covered", "The order does not cover this target."),
        ("Protected speech", "The target is protected speech."),
        ("New facts", "The appeal names facts that change the decision."),
    ),
}


@router.get("/appeals", openapi_extra=needs("read"))
async def show_appeals(request: Request, state: Literal["open", "decided"] = "open", against: str = "") -> Response:
    """List the appeals, the oldest open one first; decided ones the newest first."""
    services, hidden_tags = services_of(request), await hidden_hashtags_for(request)
    await services.reviews.refresh()
    legal = may(request, "orders")
    matches = [
        status
        for status in visible_appeals(services.reviews.fold, hidden_tags, show_orders=legal)
        if (status.outcome is None) == (state == "open")
        and against in ("", "order" if status.appeal.order else "other")
    ]
    matches.sort(key=appeal_place)
    return page(
        request,
        "appeals.html",
        rows=[_row(services, status, reader_of(request)) for status in matches[:MOST]],
        total=len(matches),
        state=state,
        against=against,
        legal=legal,
        left_out=len(hidden_tags),
    )


@router.get("/appeals/{appeal}", openapi_extra=needs("read"))
async def show_appeal(request: Request, appeal: str) -> Response:
    """Show an appeal with its decision and outcomes."""
    services, hidden_tags, legal = services_of(request), await hidden_hashtags_for(request), may(request, "orders")
    await services.reviews.refresh()
    shown = visible_appeals(services.reviews.fold, hidden_tags, show_orders=legal)
    status = next((shown_status for shown_status in shown if shown_status.appeal.id == appeal), None)
    if status is None:
        raise RefusedCall(
            "not_found", f"there is no appeal {appeal[:40]!r} that you may see", "see the list of appeals"
        )
    subject = _subject(services, status)
    restriction = None if subject.contested is None else subject.contested.restriction
    automated = restriction is not None and restriction.source == "automated"
    due = await case_due(request, status.appeal.hashtag) if automated else ""
    return page(
        request,
        "appeals_one.html",
        appeal=status.appeal,
        outcome=status.outcome,
        display=restriction.display if restriction is not None else status.appeal.hashtag,
        is_tag=restriction is None or restriction.kind == "hashtag",
        path_of_tag=hashtag_path(status.appeal.hashtag),
        old=status.outcome is None and status.appeal.at_ms < services.moderation.now_ms() - OLD_MS,
        ended=subject.ended,
        decision="" if restriction is None else restriction_words(restriction),
        restriction=restriction,
        statement=restriction and statement_view(restriction, hide_numbers=bool(due), show_legal=legal),
        due=due,
        barred=_barred(request, status, subject),
        limits=limit_words(request.state.caller, "orders" if status.appeal.order else "decide"),
        outcomes=_outcomes(services, status, subject) if status.outcome is None else {},
        reasons=ORDER_REASONS if status.appeal.order else REASONS,
    )


def badge(services: Services, caller: Caller, person: str) -> dict[str, str]:
    """Return the number of open appeals as a live text: the length of the list."""
    hidden_tags = services.cases.log.hidden_hashtags(person)
    shown = visible_appeals(services.reviews.fold, hidden_tags, show_orders=caller.may("orders"))
    number = sum(status.outcome is None for status in shown)
    return {"appeals-count": f"{number:,}" if number else ""}


def _subject(services: Services, status: AppealStatus) -> AppealSubject:
    return resolve_appeal(
        status.appeal, services.reviews.automated, services.moderation.view, services.moderation.now_ms()
    )


def _row(services: Services, status: AppealStatus, person: str) -> AppealRow:
    subject = _subject(services, status)
    restriction = None if subject.contested is None else subject.contested.restriction
    return AppealRow(
        id=status.appeal.id,
        display=restriction.display if restriction is not None else status.appeal.hashtag,
        is_tag=restriction is None or restriction.kind == "hashtag",
        at_ms=status.appeal.at_ms,
        old=status.outcome is None and status.appeal.at_ms < services.moderation.now_ms() - OLD_MS,
        order=bool(status.appeal.order),
        decision=restriction_words(restriction) if restriction is not None else subject.ended,
        ends_ms=restriction.ends_ms if restriction is not None else 0,
        own=subject.decided_by(person),
        outcome=status.outcome,
    )


def _barred(request: Request, status: AppealStatus, subject: AppealSubject) -> str:
    """Return the reason why the reader may not judge an appeal; "" where the reader may."""
    if status.outcome is not None:
        return ""
    if not may(request, "appeals") or not may(request, "orders" if status.appeal.order else "decide"):
        return f"Only {'the legal team' if status.appeal.order else 'moderators'} may decide this appeal."
    if subject.decided_by(reader_of(request)):
        return "You took the contested decision, so another person must judge the appeal."
    return ""


def _outcomes(services: Services, status: AppealStatus, subject: AppealSubject) -> dict[Verdict, Outcome]:
    moderation, automated = services.moderation, services.reviews.automated
    at_ms = moderation.now_ms()
    contested = subject.contested
    effect = None if contested is None else reversal(contested, moderation, actor="x", reason="x", at_ms=at_ms)
    lifted = () if contested is None else also_lifted(effect, contested.restriction, automated, at_ms)
    kind = "hashtag" if contested is None else contested.restriction.kind
    every = restrictions_in_force(kind, status.appeal.hashtag, automated, moderation.view, at_ms)
    return {
        "uphold": Outcome("Uphold the decision", "Uphold: it stays", uphold_words(subject)),
        "overturn": Outcome(
            "Reverse the decision",
            "Reverse: lift it" if effect is not None else "Reverse: it was wrong",
            reversal_words(subject, effect, lifted, every),
        ),
    }
