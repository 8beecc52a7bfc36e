"""A statement of reasons in the form of the EU's DSA Transparency Database. Pure.

The source is the public repository digital-services-act/transparency-database, read in November 2026. Its files
`StatementStoreRequest` and `GroupedSubmissionsService` have the rules, its API documentation explains the fields.
`DsaStatement` has the fields and values that hushtag uses and checks these rules, so a valid statement can be submitted
unchanged.

- The database holds decisions with effect in the EU. A decision for another country alone gets no statement.
- Article 17(5) of the DSA exempts orders of courts and authorities (Article 9): what a legal order restricts gets none.
- Statements must be free of personal data (Article 24(5)). No name, id or text written by a person is part of one: the
  reference (`puid`) identifies the restriction here, and the reason in words goes to the affected user alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from moderation.domain.restrictions.restriction import Restriction, TargetKind
from moderation.domain.texts.masking import cut
from streams.actions import FORM_OF_MEASURE, Visibility
from streams.answers import JsonObject
from streams.languages import authors_words
from streams.log.decisions import unread_of

EEA = (
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
)  # fmt: skip
"""Countries that `territorial_scope` accepts."""

Category = Literal[
    "STATEMENT_CATEGORY_CYBER_VIOLENCE",
    "STATEMENT_CATEGORY_CYBER_VIOLENCE_AGAINST_WOMEN",
    "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
    "STATEMENT_CATEGORY_OTHER_VIOLATION_TC",
]
Keyword = Literal[
    "KEYWORD_HATE_SPEECH", "KEYWORD_CYBER_HARASSMENT", "KEYWORD_CYBER_HARASSMENT_AGAINST_WOMEN", "KEYWORD_OTHER"
]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Text500 = Annotated[str, Field(min_length=1, max_length=500)]
Text2000 = Annotated[str, Field(min_length=1, max_length=2000)]

_CATEGORY_OF: dict[str, tuple[Category, Keyword]] = {
    "hateful_conduct": ("STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH", "KEYWORD_HATE_SPEECH"),
    "abuse": ("STATEMENT_CATEGORY_CYBER_VIOLENCE", "KEYWORD_CYBER_HARASSMENT"),
    "gendered_abuse": ("STATEMENT_CATEGORY_CYBER_VIOLENCE_AGAINST_WOMEN", "KEYWORD_CYBER_HARASSMENT_AGAINST_WOMEN"),
}
_LAST_DAY = "2038-01-01"
_KIND_NAMES: dict[TargetKind, str] = {"hashtag": "Hashtag", "account": "Account", "tweet": "Post"}
MOST_IN_BATCH = 100
"""Maximum number of statements in one request to the database."""


class DsaStatement(BaseModel):
    """One statement, with the field names of the database. Fields that are None are not sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision_visibility: Annotated[list[Visibility], Field(min_length=1)] | None = None
    end_date_visibility_restriction: Day | None = None
    decision_account: Literal["DECISION_ACCOUNT_SUSPENDED"] | None = None
    end_date_account_restriction: Day | None = None
    decision_ground: Literal["DECISION_GROUND_INCOMPATIBLE_CONTENT"] = "DECISION_GROUND_INCOMPATIBLE_CONTENT"
    incompatible_content_ground: Text500
    incompatible_content_explanation: Text2000
    content_type: tuple[Literal["CONTENT_TYPE_OTHER"]] = ("CONTENT_TYPE_OTHER",)
    content_type_other: Text500
    category: Category
    category_specification: tuple[Keyword] | None = None
    category_specification_other: Text500 | None = None
    territorial_scope: list[Literal[EEA]]  # type: ignore[valid-type]
    content_date: Day
    application_date: Day
    decision_facts: Annotated[str, Field(min_length=1, max_length=5000)]
    source_type: Literal["SOURCE_VOLUNTARY"] = "SOURCE_VOLUNTARY"
    automated_detection: Literal["Yes", "No"]
    automated_decision: Literal["AUTOMATED_DECISION_FULLY", "AUTOMATED_DECISION_NOT_AUTOMATED"]
    puid: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,500}$")]

    @model_validator(mode="after")
    def _rules(self) -> Self:
        """Check the rules between fields."""
        if self.decision_visibility is None and self.decision_account is None:
            raise ValueError("decision_visibility or decision_account must be set")
        for decision, end in (
            (self.decision_visibility, self.end_date_visibility_restriction),
            (self.decision_account, self.end_date_account_restriction),
        ):
            if end is not None and decision is None:
                raise ValueError("an end date belongs to a decision that the statement does not have")
            if end is not None and end < self.application_date:
                raise ValueError("an end date is before application_date")
        days = (self.end_date_visibility_restriction, self.end_date_account_restriction, self.application_date)
        if self.application_date < "2020-01-01" or self.content_date < "2000-01-01":
            raise ValueError("application_date must be in 2020 or later, content_date in 2000 or later")
        if max(day for day in (*days, self.content_date) if day) > _LAST_DAY:
            raise ValueError(f"a date is after {_LAST_DAY}")
        return self

    def submission(self) -> JsonObject:
        """Convert to the JSON to submit."""
        return self.model_dump(mode="json", exclude_none=True)


class DsaBatch(BaseModel):
    """Body of one request to the database's endpoint for several statements."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    statements: Annotated[list[DsaStatement], Field(min_length=1, max_length=MOST_IN_BATCH)]

    @model_validator(mode="after")
    def _unique(self) -> Self:
        """Check that no statement is submitted twice: the database would refuse the whole request."""
        if len({statement.puid for statement in self.statements}) < len(self.statements):
            raise ValueError("two statements have the same puid")
        return self

    def submission(self) -> JsonObject:
        """Convert to the JSON to submit."""
        return self.model_dump(mode="json", exclude_none=True)


def is_reported(restriction: Restriction) -> bool:
    """Whether the database takes a statement of it: it has effect in the EU, and no legal order is behind it."""
    return restriction.source != "legal" and (restriction.country == "*" or restriction.country in EEA)


def dsa_statement(restriction: Restriction, *, account_rules: str = "") -> DsaStatement | None:
    """Build the statement of one restriction; None where the database takes none.

    Args:
        restriction: restriction to state.
        account_rules: clause of the platform's rules on suspended accounts. A suspension without it gives None, since
            a statement must name the clause.
    """
    suspended = restriction.measure == "suspended"
    if not is_reported(restriction) or (suspended and not account_rules):
        return None
    began, ended = _day(restriction.began_ms), None
    if restriction.ends_ms:
        ended = min(_day(restriction.ends_ms), _LAST_DAY)
    category, keyword = _CATEGORY_OF.get(
        restriction.category, ("STATEMENT_CATEGORY_OTHER_VIOLATION_TC", "KEYWORD_OTHER")
    )
    window_ms = restriction.evidence.window_ms if restriction.evidence else 0
    rules = account_rules if suspended else f"Rules on {_category_words(restriction)}"
    automated = restriction.source == "automated"
    return DsaStatement(
        decision_visibility=None if suspended else [FORM_OF_MEASURE[restriction.measure].visibility],
        end_date_visibility_restriction=None if suspended else ended,
        decision_account="DECISION_ACCOUNT_SUSPENDED" if suspended else None,
        end_date_account_restriction=ended if suspended else None,
        incompatible_content_ground=cut(rules, 500),
        incompatible_content_explanation=cut(facts(restriction), 2000),
        content_type_other=_KIND_NAMES[restriction.kind],
        category=category,
        category_specification=(keyword,),
        category_specification_other=cut(_category_words(restriction), 500) if keyword == "KEYWORD_OTHER" else None,
        territorial_scope=list(EEA) if restriction.country == "*" else [restriction.country],
        content_date=_day(restriction.began_ms - window_ms),
        application_date=began,
        decision_facts=cut(facts(restriction), 5000),
        automated_detection="Yes" if automated else "No",
        automated_decision="AUTOMATED_DECISION_FULLY" if automated else "AUTOMATED_DECISION_NOT_AUTOMATED",
        puid=restriction.reference,
    )


def dsa_batches(statements: Iterable[DsaStatement]) -> Iterator[DsaBatch]:
    """Group statements into requests of at most MOST_IN_BATCH, each statement once."""
    distinct = list({statement.puid: statement for statement in statements}.values())
    for at in range(0, len(distinct), MOST_IN_BATCH):
        yield DsaBatch(statements=distinct[at : at + MOST_IN_BATCH])


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
        if unread := unread_of(evidence):
            parts.append(
                f"The classifier does not read the languages of {sum(unread.values())} more sampled authors "
                f"({authors_words(unread)}), and did not assess their texts."
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
    if restriction.source == "human":
        parts.append("A person decided it after a review, and gave the affected user the reason in words.")
    return " ".join(parts)


def _category_words(restriction: Restriction) -> str:
    if restriction.measure == "suspended":
        return "accounts"
    return restriction.category.replace("_", " ") or "what may be recommended"


def _done(restriction: Restriction) -> str:
    if restriction.measure == "suspended":
        return "The account is suspended."
    where = "everywhere" if restriction.country == "*" else f"for viewers in {restriction.country}"
    return FORM_OF_MEASURE[restriction.measure].facts.format(
        surfaces=" and ".join(restriction.surfaces), where=where, weight=restriction.weight
    )


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(max(0, at_ms) / 1000, UTC).strftime("%Y-%m-%d")
