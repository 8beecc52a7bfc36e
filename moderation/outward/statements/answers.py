"""Answer on a statement of reasons: what the API answers, commands print and webhooks send."""

from __future__ import annotations

from pydantic import Field

from moderation.domain.restrictions.answers import RestrictionAnswer, restriction_answer
from moderation.domain.restrictions.restriction import Restriction
from moderation.outward.statements.dsa import dsa_statement
from moderation.outward.statements.text import LANGUAGES, user_text
from moderation.publiclog.proving import DocumentProof
from streams.answers import AnswerModel, JsonObject


class StatementAnswer(AnswerModel):
    """Statement of reasons in all its forms."""

    reference: str = Field(description="Reference that an appeal names.")
    restriction: RestrictionAnswer
    dsa: JsonObject | None = Field(description="For the DSA Transparency Database; null: none is due.")
    text: dict[str, str] = Field(description="Text for users, by language; empty before your first answer.")
    entry: dict[str, str | None] | None = Field(
        default=None, description="Opened fields of the decision's entry in the public log; null: there is none yet."
    )
    proof: JsonObject | None = Field(
        default=None, description="Proof for `hushtag proof verify`; null: not yet, or before your first answer."
    )
    proof_note: str | None = Field(default=None, description="Reason why there is no proof.")


def statement_answer(
    restriction: Restriction, *, account_rules: str = "", proof: DocumentProof | None = None
) -> StatementAnswer:
    """Render a restriction in all forms. `dsa` is null where the EU's database takes no statement.

    Args:
        restriction: restriction to state.
        account_rules: clause of the platform's rules on suspended accounts.
        proof: proof of the decision in the public log; None leaves it out.
    """
    dsa = dsa_statement(restriction, account_rules=account_rules)
    answer = StatementAnswer(
        reference=restriction.reference,
        restriction=restriction_answer(restriction),
        dsa=None if dsa is None else dsa.submission(),
        text={language: user_text(restriction, language) for language in LANGUAGES},
    )
    return answer if proof is None else answer.model_copy(update=proof.members())
