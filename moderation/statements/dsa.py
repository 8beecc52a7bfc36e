"""A statement of reasons in the form of the EU's DSA Transparency Database. Pure.

Fields, words and rules are those of the database's API documentation and of its open source
(https://transparency.dsa.ec.europa.eu/page/api-documentation, version of July 2025; repository
digital-services-act/transparency-database on GitHub). `DsaStatement` has the fields and values that hushtag uses and
checks the database's rules, so a valid statement can be submitted unchanged.

The database holds decisions with effect in the EU; a decision for another country alone gets no statement. The
hashtag's name is omitted: the reference (`puid`) identifies it here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from moderation.statements.masking import cut, masked
from moderation.statements.restriction import Restriction

EEA = (
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
)  # fmt: skip
"""Countries that `territorial_scope` accepts."""

Category = Literal[
    "STATEMENT_CATEGORY_CYBER_VIOLENCE",
    "STATEMENT_CATEGORY_CYBER_VIOLENCE_AGAINST_WOMEN",
    "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
    "STATEMENT_CATEGORY_NOT_SPECIFIED_NOTICE",
    "STATEMENT_CATEGORY_OTHER_VIOLATION_TC",
]
Keyword = Literal[
    "KEYWORD_HATE_SPEECH", "KEYWORD_CYBER_HARASSMENT", "KEYWORD_CYBER_HARASSMENT_AGAINST_WOMEN", "KEYWORD_OTHER"
]
Visibility = Literal["DECISION_VISIBILITY_CONTENT_DISABLED", "DECISION_VISIBILITY_CONTENT_DEMOTED"]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Text500 = Annotated[str, Field(min_length=1, max_length=500)]
Text2000 = Annotated[str, Field(min_length=1, max_length=2000)]

_CATEGORY_OF: dict[str, tuple[Category, Keyword]] = {
    "hateful_conduct": ("STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH", "KEYWORD_HATE_SPEECH"),
    "abuse": ("STATEMENT_CATEGORY_CYBER_VIOLENCE", "KEYWORD_CYBER_HARASSMENT"),
    "gendered_abuse": ("STATEMENT_CATEGORY_CYBER_VIOLENCE_AGAINST_WOMEN", "KEYWORD_CYBER_HARASSMENT_AGAINST_WOMEN"),
}
_LAST_DAY = "2038-01-01"


class DsaStatement(BaseModel):
    """One statement, with the field names of the database. Fields that are None are not sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision_visibility: Annotated[list[Visibility], Field(min_length=1)] | None = None
    end_date_visibility_restriction: Day | None = None
    decision_account: Literal["DECISION_ACCOUNT_SUSPENDED"] | None = None
    end_date_account_restriction: Day | None = None
    decision_ground: Literal["DECISION_GROUND_ILLEGAL_CONTENT", "DECISION_GROUND_INCOMPATIBLE_CONTENT"]
    illegal_content_legal_ground: Text500 | None = None
    illegal_content_explanation: Text2000 | None = None
    incompatible_content_ground: Text500 | None = None
    incompatible_content_explanation: Text2000 | None = None
    content_type: tuple[Literal["CONTENT_TYPE_TEXT"]] = ("CONTENT_TYPE_TEXT",)
    category: Category
    category_specification: tuple[Keyword] | None = None
    category_specification_other: Text500 | None = None
    territorial_scope: list[Literal[EEA]]  # type: ignore[valid-type]
    content_date: Day
    application_date: Day
    decision_facts: Annotated[str, Field(min_length=1, max_length=5000)]
    source_type: Literal["SOURCE_TYPE_OTHER_NOTIFICATION", "SOURCE_VOLUNTARY"]
    source_identity: Text500 | None = None
    automated_detection: Literal["Yes", "No"]
    automated_decision: Literal["AUTOMATED_DECISION_FULLY", "AUTOMATED_DECISION_NOT_AUTOMATED"]
    puid: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,500}$")]

    @model_validator(mode="after")
    def _rules(self) -> Self:
        """Check the rules between fields."""
        illegal = self.decision_ground == "DECISION_GROUND_ILLEGAL_CONTENT"
        of_illegal = (self.illegal_content_legal_ground, self.illegal_content_explanation)
        of_incompatible = (self.incompatible_content_ground, self.incompatible_content_explanation)
        needed, foreign = (of_illegal, of_incompatible) if illegal else (of_incompatible, of_illegal)
        if None in needed:
            raise ValueError(f"{self.decision_ground} needs a ground and an explanation")
        if foreign != (None, None):
            raise ValueError(f"a field does not belong to {self.decision_ground}")
        if self.decision_visibility is None and self.decision_account is None:
            raise ValueError("decision_visibility or decision_account must be set")
        days = (self.end_date_visibility_restriction, self.end_date_account_restriction, self.application_date)
        if self.application_date < "2020-01-01" or self.content_date < "2000-01-01":
            raise ValueError("application_date must be in 2020 or later, content_date in 2000 or later")
        if max(day for day in (*days, self.content_date) if day) > _LAST_DAY:
            raise ValueError(f"a date is after {_LAST_DAY}")
        return self

    def as_dict(self) -> dict[str, Any]:
        """Convert to the JSON to submit."""
        return self.model_dump(mode="json", exclude_none=True)


def has_effect_in_the_eu(restriction: Restriction) -> bool:
    """Whether the database takes a statement of it."""
    return restriction.country == "*" or restriction.country in EEA


def dsa_statement(restriction: Restriction) -> DsaStatement | None:
    """Build the statement of one restriction; None where it has no effect in the EU."""
    if not has_effect_in_the_eu(restriction):
        return None
    fields: dict[str, Any] = _measure(restriction) | _ground(restriction)
    category, keyword = _category(restriction)
    window_ms = restriction.evidence.window_ms if restriction.evidence else 0
    if keyword == "KEYWORD_OTHER":
        fields["category_specification_other"] = cut(_category_words(restriction), 500)
    return DsaStatement(
        **fields,
        category=category,
        category_specification=(keyword,) if keyword else None,
        territorial_scope=list(EEA) if restriction.country == "*" else [restriction.country],
        content_date=_day(restriction.began_ms - window_ms),
        application_date=_day(restriction.began_ms),
        decision_facts=cut(facts(restriction), 5000),
        automated_detection="Yes" if restriction.source == "automated" else "No",
        automated_decision="AUTOMATED_DECISION_FULLY"
        if restriction.source == "automated"
        else "AUTOMATED_DECISION_NOT_AUTOMATED",
        puid=restriction.reference,
    )


def facts(restriction: Restriction) -> str:
    """Describe the facts behind the decision, without names."""
    parts = [_done(restriction)]
    evidence = restriction.evidence
    if evidence is not None:
        parts.append(
            f"In the {evidence.window_ms // 60_000} minutes before, {evidence.tweets} posts by about "
            f"{evidence.authors} authors used it. Of a random sample of {evidence.scored} of these authors, a "
            f"classifier estimates that {evidence.share:.0%} wrote harmful text (between {evidence.lower:.0%} and "
            f"{evidence.upper:.0%} with the confidence that the policy asks for)."
        )
        wrote = f"between {evidence.established_lower:.0%} and {evidence.established_upper:.0%} wrote harmful text"
        parts.append(
            f"About {evidence.established} of the authors have established accounts: neither new, nor with copied "
            f"text, nor behind another hashtag that is held back"
            + (f"; of these, {wrote}." if evidence.established else ".")
        )
    if restriction.signals:
        signals = [
            f"{s.signal.replace('_', ' ')} {s.value:.3g} (threshold {s.threshold:.3g})" for s in restriction.signals
        ]
        parts.append(f"Signals over their threshold: {', '.join(signals)}.")
    if restriction.policy_revision:
        parts.append(f"Policy {restriction.policy_revision}, model {restriction.model_revision}.")
    if restriction.reason and not restriction.secret:
        parts.append(f"Reason given by the person who decided: {masked(restriction.reason)}")
    return " ".join(parts)


def _measure(restriction: Restriction) -> dict[str, Any]:
    ends = min(_day(restriction.ends_ms), _LAST_DAY) if restriction.ends_ms else None
    if restriction.measure == "suspended":
        return {"decision_account": "DECISION_ACCOUNT_SUSPENDED", "end_date_account_restriction": ends}
    withheld = restriction.measure == "withheld"
    visibility = "DECISION_VISIBILITY_CONTENT_DISABLED" if withheld else "DECISION_VISIBILITY_CONTENT_DEMOTED"
    return {"decision_visibility": [visibility], "end_date_visibility_restriction": ends}


def _ground(restriction: Restriction) -> dict[str, Any]:
    order = restriction.order
    if restriction.source == "legal":
        known = order if order is not None and not order.confidential else None
        ground = f"{known.legal_basis} (order {known.reference})" if known else "a legal order"
        why = "A legal order asks for it. " + ("" if restriction.secret else masked(restriction.reason))
        return {
            "decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT",
            "illegal_content_legal_ground": cut(masked(ground), 500),
            "illegal_content_explanation": cut(why.strip(), 2000),
            "source_type": "SOURCE_TYPE_OTHER_NOTIFICATION",
            "source_identity": cut(known.authority, 500) if known else None,
        }
    why = facts(restriction) if restriction.source == "automated" else masked(restriction.reason)
    return {
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": cut(f"Rules on {_category_words(restriction)}", 500),
        "incompatible_content_explanation": cut(why, 2000),
        "source_type": "SOURCE_VOLUNTARY",
    }


def _category(restriction: Restriction) -> tuple[Category, Keyword | None]:
    if restriction.source == "legal":
        return "STATEMENT_CATEGORY_NOT_SPECIFIED_NOTICE", None
    return _CATEGORY_OF.get(restriction.category, ("STATEMENT_CATEGORY_OTHER_VIOLATION_TC", "KEYWORD_OTHER"))


def _category_words(restriction: Restriction) -> str:
    return restriction.category.replace("_", " ") or "what may be recommended"


def _done(restriction: Restriction) -> str:
    where = "everywhere" if restriction.country == "*" else f"for viewers in {restriction.country}"
    what = {
        "reduced": f"The hashtag is kept out of {' and '.join(restriction.surfaces)} {where}; posts are not touched.",
        "held": f"The hashtag is kept out of {' and '.join(restriction.surfaces)} {where} until a person has looked at "
        "it; posts are not touched.",
        "discounted": f"The hashtag stays visible on {' and '.join(restriction.surfaces)} {where}. It is ranked there "
        f"by the posts of established accounts: its posts count {restriction.weight:.0%}. Posts are not touched.",
        "withheld": f"The {restriction.kind} is withheld {where} and visible everywhere else.",
        "suspended": "The account is suspended.",
    }
    return what[restriction.measure]


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(max(0, at_ms) / 1000, UTC).strftime("%Y-%m-%d")
