"""The restriction: the one form of a decision from which all statements of reasons are rendered. Pure.

A restriction begins when it is first decided; a renewal is the same restriction with a later end. Its reference is
derived from fields that never change. It is therefore the same in every rendering, and an appeal can name it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from streams.actions import FORM_OF_MEASURE
from streams.log.decisions import DecisionReason, Evidence

TargetKind = Literal["hashtag", "account", "tweet"]
MEASURES = (*FORM_OF_MEASURE, "withheld", "suspended")
"""Measures: those of actions, `withheld` (invisible in one country) and `suspended` (the account is switched off)."""
Source = Literal["automated", "human", "legal"]


@dataclass(frozen=True, slots=True)
class LegalOrder:
    """The legal order behind a restriction."""

    authority: str
    legal_basis: str
    reference: str
    confidential: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """One decision that hides a hashtag, an account or a tweet, or that lowers the rank of a hashtag."""

    kind: TargetKind = "hashtag"
    target: str
    """Normalised hashtag, account id or tweet id."""
    display: str
    measure: str
    """Measure, one of `MEASURES`."""
    surfaces: tuple[str, ...]
    country: str
    """ISO 3166-1, or `*` for everywhere."""
    source: Source
    actor: str
    began_ms: int
    ends_ms: int
    """End in ms; 0: until revoked."""
    decision: str
    """Id of the record, or version of the decision, behind it."""
    identity: str
    """Unique key that a renewal does not change."""
    category: str = ""
    """Category of harm; "" unless the decision is automated."""
    weight: float = 1.0
    """Factor on the tweets of a contested hashtag in rankings."""
    reason: str = ""
    """Reason in the words of the person who decided."""
    signals: tuple[DecisionReason, ...] = ()
    evidence: Evidence | None = None
    policy_revision: str = ""
    model_revision: str = ""
    order: LegalOrder | None = None
    author: str = ""
    """Account id of a tweet's author, where the order names it; no statement shows it."""
    in_force: bool = True
    """Whether it restricts its target at the moment of the statement."""
    also_hidden_in: tuple[str, ...] | None = None
    """Other countries whose viewers do not see the account or tweet at that moment, by any decision; `*`: all.

    None: not resolved, or a hashtag; the statement then leaves other countries out."""
    shown_in: tuple[str, ...] = ()
    """Countries where other decisions show a hashtag that is hidden in the world."""

    @property
    def reference(self) -> str:
        """Public reference, unique and stable across renewals."""
        return "hushtag-" + hashlib.sha256(self.identity.encode()).hexdigest()[:24]

    @property
    def established_part(self) -> float:
        """Established part of the authors, in [0, 1]; the weight where there is no evidence."""
        evidence = self.evidence
        return evidence.established / evidence.authors if evidence is not None and evidence.authors else self.weight

    @property
    def secret(self) -> bool:
        """Whether a confidential order is behind it: authority, law and reason must not be published."""
        return self.order is not None and self.order.confidential
