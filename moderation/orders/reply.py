"""The letter to the authority: what was done, what was not, and why. Pure: a rendering of the order's own records.

It names targets only where something was done, by id, in an annex; of what was declined it says how many, and on which
grounds, so that a letter that leaks does not point at the people who were protected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from textwrap import wrap

from moderation.orders.view import in_force
from moderation.times import day_words, time_words
from moderation.wording import counted, country_words, listed
from streams.orders.fold import Case, Row
from streams.orders.records import TARGET_KINDS, Ground, Outcome
from streams.orders.states import ACTED

GROUND_WORDS: Mapping[Ground, str] = {
    "protected_speech": "protected speech",
    "not_unlawful": "what was said does not break the law that the order names",
    "overbroad": "the order is not specific, or asks for more than its aim needs",
    "no_legal_basis": "the law that the order names does not allow it",
    "not_found": "there is no such account or content",
    "other": "other grounds",
    "local_law": "the law of the country",
    "own_rules": "the platform's own rules",
}
"""Grounds as they are published."""
_DONE: Mapping[Outcome, str] = {
    "reduced": "no longer shown in trends and search suggestions to viewers in {country}",
    "withheld": "withheld from viewers in {country}",
    "suspended": "suspended for breaking our own rules",
}


def letter(case: Case, now_ms: int, *, sender: str) -> str:
    """The letter as plain text, in lines of at most 100 characters."""
    order = case.order
    done = list(_done(case, now_ms))
    kept = list(_declined(case))
    parts = [
        f"To: {order.authority}",
        f"Your reference: {order.reference}",
        f"Our reference: {case.id}",
        f"Date: {day_words(now_ms)}",
        "",
        f"Your order of {day_words(order.issued_ms)} under {order.legal_basis}, received "
        f"{time_words(order.received_ms)} with a deadline of {time_words(order.deadline_ms)}, names {_kinds(case)}.",
        "",
        _standing(case, now_ms),
    ]
    if done:
        parts += ["", "What we did:", *(f"  - {line}" for line in done)]
    if kept:
        parts += ["", "What we did not do, and why:", *(f"  - {line}" for line in kept)]
    if undecided := sum(case.outcome(row) is None for row in case.rows):
        parts += ["", f"Still under review: {counted(undecided, 'target')}."]
    parts += [
        "",
        "What is withheld is withheld in your country only; it remains visible elsewhere. Each of these decisions can "
        "be appealed against. Declining to act on protected speech is not a comment on what was said.",
        "",
        sender,
    ]
    holds = in_force(case, now_ms)
    annex = [
        _line(row, case) for row in case.rows if (done_to := _acted(row, case)) and (holds or done_to == "suspended")
    ]
    if annex:
        parts += ["", "Annex: targets acted on", *annex]
    return "\n".join(line for part in parts for line in _wrapped(part)) + "\n"


def _wrapped(paragraph: str) -> list[str]:
    """Lines of a mail; what belongs to a point of a list stands under its first word."""
    indent = "    " if paragraph.startswith("  - ") else "  "
    return wrap(
        paragraph,
        100,
        subsequent_indent=indent if paragraph.startswith(" ") else "",
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


def _standing(case: Case, now_ms: int) -> str:
    if case.state == "revoked":
        return "The order is revoked; what it had put in force has ended."
    if case.state == "declined":
        return "We decline to act on this order."
    if case.state == "interim" and in_force(case, now_ms):
        return (
            f"This is an interim decision; it ends {time_words(case.expires_at_ms)} unless a final one takes its place."
        )
    if case.state == "interim":
        return f"Our interim decision ended {time_words(case.expires_at_ms)}."
    if case.state == "final":
        until = f" until {time_words(case.expires_at_ms)}" if case.expires_at_ms else " until the order is revoked"
        return f"This is our final decision; what is withheld stays so{until}."
    return "The order is under review; nothing has been put in force yet but what is said below."


def _done(case: Case, now_ms: int) -> Iterator[str]:
    found = Counter((ruled.outcome, row.target.kind) for row in case.rows if (ruled := case.outcome(row)))
    for outcome, words in _DONE.items():
        if outcome != "suspended" and not in_force(case, now_ms):
            continue
        for kind in TARGET_KINDS:
            if many := found[outcome, kind]:
                yield f"{counted(many, kind)} {words.format(country=country_words(case.order.country))}"


def _declined(case: Case) -> Iterator[str]:
    found = Counter(
        (row.target.kind, ruled.ground, ruled.reason)
        for row in case.rows
        if (ruled := case.outcome(row)) and ruled.outcome == "declined"
    )
    for (kind, ground, reason), many in found.most_common():
        yield f"{counted(many, kind)}: {GROUND_WORDS[ground]}; {reason}"


def _kinds(case: Case) -> str:
    found = Counter(row.target.kind for row in case.rows)
    return listed([counted(found[kind], kind) for kind in TARGET_KINDS if found[kind]])


def _acted(row: Row, case: Case) -> str:
    ruled = case.outcome(row)
    return ruled.outcome if ruled and ruled.outcome in ACTED else ""


def _line(row: Row, case: Case) -> str:
    value = f"#{row.target.display}" if row.target.kind == "hashtag" else row.target.value
    return f"  {row.target.kind} {value}: {_acted(row, case)}"
