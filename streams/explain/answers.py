"""Answers on one hashtag: what the API answers and `hushtag explain --json` prints. Pure."""

from __future__ import annotations

from dataclasses import asdict

import msgspec
from hushtag_client.registers import Reason, Register
from pydantic import Field

from models.explain import masked
from streams.answers import AnswerModel, DecisionJson, JsonObject, Millis
from streams.explain.explanation import TERMS_SHOWN, Explanation
from streams.explain.hashtag_report import HashtagReport, Outcome
from streams.flags.override_answers import OverrideAnswer, override_answer
from streams.log.decisions import HARM_FIELDS, NOT_ASSESSED, Decision, DecisionReason


class SignalAnswer(AnswerModel):
    """Signal behind an action, and the threshold that it passed."""

    signal: str
    value: float
    threshold: float
    margin: float


class RegisterAnswer(AnswerModel):
    """Decision of one source as surfaces read it; docs/flags-contract.md has the meaning of its members."""

    version: str
    action: str
    expires_at_ms: int
    keep_until_ms: int
    hashtag: str
    display: str
    surface: str
    country: str
    source: str
    category: str
    weight: float | None = Field(description="null before your first answer.")
    reasons: list[SignalAnswer] = Field(description="Empty before your first answer.")
    evidence: JsonObject | None = Field(description="null before your first answer.")
    actor: str
    policy_revision: str
    model_revision: str
    provisional: bool
    decided_at_ms: int
    outcome: Outcome | None = None


class PlaceAnswer(AnswerModel):
    """State of a hashtag on a surface for viewers in a country."""

    surface: str
    country: str
    shown: bool
    weight: float | None = Field(
        description="Factor on its tweets in rankings; below 1 by a discount; null before your first answer."
    )
    decided_by: str | None = Field(description="Register that decides; null: none.")
    registers: list[RegisterAnswer] = Field(description="All registers that apply, the strongest first.")


class TimelineAnswer(AnswerModel):
    """Change in the history of a hashtag."""

    at_ms: Millis
    source: str
    country: str
    version: str
    what: str
    actor: str
    reason: str
    repeats: int = Field(description="Later decisions that only renewed it.")


class ReportAnswer(AnswerModel):
    """Decisions, overrides and flags of one hashtag."""

    hashtag: str
    display: str
    known: bool
    at_ms: Millis
    redis: bool = Field(description="Whether Redis answered; otherwise the logs replace it.")
    places: list[PlaceAnswer]
    unpublished: list[RegisterAnswer] = Field(description="Registers that Redis does not have yet.")
    decisions: list[DecisionJson]
    people: list[OverrideAnswer]
    timeline: list[TimelineAnswer]


def report_answer(report: HashtagReport) -> ReportAnswer:
    """Build the answer about a hashtag."""
    places = [
        PlaceAnswer(
            surface=state.surface,
            country=state.country,
            shown=state.shown,
            weight=state.weight,
            decided_by=state.decided_by.field if state.decided_by else None,
            registers=[register_answer(register, outcome) for register, outcome in state.registers],
        )
        for state in report.states()
    ]
    return ReportAnswer(
        hashtag=report.hashtag,
        display=report.display,
        known=report.known,
        at_ms=report.now_ms,
        redis=report.has_redis,
        places=places,
        unpublished=[register_answer(register) for register in report.unpublished()],
        decisions=[decision_json(decision) for decision in report.latest()],
        people=[override_answer(override, report.now_ms) for override in report.overrides],
        timeline=[TimelineAnswer(**asdict(event)) for event in report.timeline()],
    )


def explanation_json(explanation: Explanation, *, in_full: bool) -> JsonObject:
    """Build the JSON of an explanation: the answer about the hashtag, completed by policy lines and evidence.

    Args:
        explanation: explanation of a hashtag that is known.
        in_full: show words unmasked.
    """
    fields = report_answer(explanation.report).members()
    for state, place in zip(explanation.report.states(), fields["places"], strict=True):
        for (register, outcome), row in zip(state.registers, place["registers"], strict=True):
            for reason in row["reasons"]:
                at = explanation.line_of(register, reason["signal"])
                reason |= {"file": at[0], "line": at[1].line, "source": at[1].source} if at else {}
            if register.source == "automated" and outcome != "cleared":
                row["ends_when"] = explanation.ends_when(register)
    evidence, words = explanation.evidence, explanation.words
    fields |= {
        "known": True,
        "policy_revision": evidence.revision,
        "protected": evidence.protected,
        "scorer_fault": msgspec.to_builtins(evidence.fault),
        "standings": [msgspec.to_builtins(rule) | {"missing": explanation.missing(rule)} for rule in evidence.reports],
        "below_the_evidence_floor": msgspec.to_builtins(evidence.below),
        "volume": msgspec.to_builtins(evidence.volume),
    }
    if words is not None:
        fields["terms"] = {
            "texts": words.texts,
            "mean": round(words.mean, 4),
            "terms": [
                [word if in_full else masked(word), round(added, 4)] for word, added in words.terms[:TERMS_SHOWN]
            ],
            "model": words.model,
            "unlike": words.unlike,
        }
    return fields


def register_answer(register: Register, outcome: Outcome | None = None) -> RegisterAnswer:
    """Build the answer about a register; each reason has the margin between its value and its threshold."""
    members = register.as_dict() | {"reasons": [_signal(reason) for reason in register.reasons]}
    return RegisterAnswer.model_validate(members | ({"outcome": outcome} if outcome else {}))


def decision_json(decision: Decision) -> JsonObject:
    """Return a decision as the topic has it; each reason has the margin between its value and its threshold.

    Evidence of a review that was not assessed has no shares of harm.
    """
    fields: JsonObject = msgspec.to_builtins(decision)
    for scope, row in zip(decision.rulings, fields["rulings"], strict=True):
        row["reasons"] = [_signal(reason).members() for reason in scope.reasons]
        if scope.valve == NOT_ASSESSED and row["evidence"]:
            row["evidence"] = {name: value for name, value in row["evidence"].items() if name not in HARM_FIELDS}
    return fields


def _signal(reason: Reason | DecisionReason) -> SignalAnswer:
    value, threshold = reason.value, reason.threshold
    return SignalAnswer(signal=reason.signal, value=value, threshold=threshold, margin=value - threshold)
