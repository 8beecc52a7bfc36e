"""The letter to the authority: actions taken, actions declined, and the reasons. Pure.

The letter is a rendering of the order's own records. Apart from what the order got, it counts the present states of its
targets over all orders: an account of a revoked order is not visible while another order withholds it.

The annex names by id only the targets that were acted on. For declined targets it gives numbers and grounds, so that a
leaked letter does not point at the people it protected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from moderation.domain.orders.public_outcomes import PublicOutcome, published_outcomes
from moderation.domain.orders.shown_outcomes import counts, shown_outcome
from moderation.domain.orders.target_states import TargetState, TargetStates
from moderation.wording import counted, day_words, listed, time_words
from streams.countries import country_name
from streams.orders.order import Order, TargetRow
from streams.orders.records import TARGET_KINDS, Ground
from streams.orders.states import RESTRICTING

SENDER = "The legal response team"
"""Signature where no other is given."""
GROUND_WORDS: Mapping[Ground, str] = {
    "protected_speech": "protected speech",
    "not_unlawful": "the content does not break the law that the order names",
    "overbroad": "the order is not specific, or asks for more than its aim needs",
    "no_legal_basis": "the law that the order names does not allow it",
    "not_found": "there is no such account or content",
    "other": "other grounds",
    "local_law": "the law of the country",
    "own_rules": "the platform's own rules",
}
"""Published wording of each ground."""
_ACTIONS: Mapping[PublicOutcome, str] = {
    "reduced": "no longer shown in trends and search suggestions to viewers in {country}",
    "withheld": "withheld from viewers in {country}",
    "suspended": "suspended for breaking our own rules",
    "ended": "held back in {country} until the order on them or our interim decision ended",
}


def letter(order: Order, states: TargetStates, *, sender: str) -> str:
    """Write the letter as plain text, in lines of at most 100 characters.

    Args:
        order: the order.
        states: states of all targets at the moment of the letter.
        sender: signature.
    """
    received, now_ms = order.received, states.at_ms
    outcomes = published_outcomes(order, now_ms)
    acted = list(_acted_on(order, outcomes))
    declined = list(_declined(order, outcomes, "declined"))
    released = list(_declined(order, outcomes, "released"))
    parts = [
        f"To: {received.authority}",
        f"Your reference: {received.reference}",
        f"Our reference: {order.id}",
        f"Date: {day_words(now_ms)}",
        "",
        f"Your order of {day_words(received.issued_ms)} under {received.legal_basis}, received "
        f"{time_words(received.received_ms)} with a deadline of {time_words(received.deadline_ms)}, "
        f"names {_kinds(order)}.",
        "",
        _status(order, now_ms),
    ]
    if acted:
        parts += ["", "What we did:", *(f"  - {line}" for line in acted)]
    if declined:
        parts += ["", "What we did not do, and why:", *(f"  - {line}" for line in declined)]
    if released:
        parts += ["", "What we did at first and took back, and why:", *(f"  - {line}" for line in released)]
    if undecided := counts(order)["undecided"]:
        parts += ["", f"Still under review: {counted(undecided, 'target')}."]
    parts += [
        "",
        f"As of {time_words(now_ms)}, over all orders and our own decisions:",
        *(f"  - {line}" for line in _states(order, states)),
        "",
        "An order withholds in its own country only. Each of these decisions can be appealed against. Declining to act "
        "on protected speech is not a comment on what it expresses.",
        "",
        sender,
    ]
    annex = [
        _annex_line(row, outcome)
        for row in order.rows
        if (outcome := _restriction(row, order)) and (order.in_force(now_ms) or outcome == "suspended")
    ]
    if annex:
        parts += ["", "Annex: targets acted on", *annex]
    return "\n".join(line for part in parts for line in _wrapped(part)) + "\n"


def _wrapped(paragraph: str) -> list[str]:
    """Wrap a paragraph to lines of a mail; list items continue under their first word."""
    indent = "    " if paragraph.startswith("  - ") else "  "
    return wrap(
        paragraph,
        100,
        subsequent_indent=indent if paragraph.startswith(" ") else "",
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


def _status(order: Order, now_ms: int) -> str:
    if order.state == "revoked":
        return "The order is revoked; what it had put in force has ended."
    if order.state == "declined":
        return "We decline to act on this order."
    if order.state == "interim" and order.in_force(now_ms):
        ends = time_words(order.expires_at_ms)
        return f"This is an interim decision; it ends {ends} unless a final one takes its place."
    if order.state == "interim":
        return f"Our interim decision ended {time_words(order.expires_at_ms)}."
    if order.state == "final" and not order.in_force(now_ms):
        return f"Our final decision ended {time_words(order.expires_at_ms)}."
    if order.state == "final":
        until = f" until {time_words(order.expires_at_ms)}" if order.expires_at_ms else " until the order is revoked"
        return f"This is our final decision; what is withheld stays so{until}."
    return "The order is under review; nothing is in force yet except what is listed below."


def _acted_on(order: Order, outcomes: Sequence[PublicOutcome]) -> Iterator[str]:
    counts = Counter((outcome, row.target.kind) for row, outcome in zip(order.rows, outcomes, strict=True))
    for outcome, words in _ACTIONS.items():
        for kind in TARGET_KINDS:
            if many := counts[outcome, kind]:
                yield f"{counted(many, kind)} {words.format(country=country_name(order.received.country))}"


def _states(order: Order, states: TargetStates) -> Iterator[str]:
    country = order.received.country
    counts = Counter(
        (row.target.kind, _state(states.of(row.target.kind, row.target.value), country)) for row in order.rows
    )
    where = country_name(country)
    for kind in TARGET_KINDS:
        held = "reduced" if kind == "hashtag" else "withheld"
        words = {
            "suspended": "suspended in all countries",
            "here": f"{held} in {where} only",
            "here_too": f"{held} in {where} and in other countries",
            "visible": f"not {held} in {where}",
        }
        for state, phrase in words.items():
            if many := counts[kind, state]:
                yield f"{counted(many, kind)} {phrase}"


def _state(state: TargetState, country: str) -> str:
    if state.suspended:
        return "suspended"
    if country not in state.countries:
        return "visible"
    return "here" if len(state.countries) == 1 else "here_too"


def _declined(order: Order, outcomes: Sequence[PublicOutcome], outcome: PublicOutcome) -> Iterator[str]:
    """List the grounds and reasons of declined targets, or of those that were released."""
    counts = Counter(
        (row.target.kind, ruled.ground, ruled.reason)
        for row, got in zip(order.rows, outcomes, strict=True)
        if got == outcome and (ruled := order.outcome(row)) is not None
    )
    for (kind, ground, reason), many in counts.most_common():
        yield f"{counted(many, kind)}: {GROUND_WORDS[ground]}; {reason}"


def _kinds(order: Order) -> str:
    counts = Counter(row.target.kind for row in order.rows)
    return listed([counted(counts[kind], kind) for kind in TARGET_KINDS if counts[kind]])


def _restriction(row: TargetRow, order: Order) -> str:
    outcome = shown_outcome(order, row)
    return outcome if outcome in RESTRICTING else ""


def _annex_line(row: TargetRow, outcome: str) -> str:
    value = f"#{row.target.display}" if row.target.kind == "hashtag" else row.target.value
    return f"  {row.target.kind} {value}: {outcome}"
