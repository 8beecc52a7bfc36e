"""Explanation of a hashtag: its report, its evidence and its words together. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from hushtag_client.registers import Register

from streams.explain.changes import would_clear, would_hide
from streams.explain.evidence_report import EvidenceReport
from streams.explain.hashtag_report import HashtagReport
from streams.explain.signal_report import SignalReport
from streams.explain.word_report import WordReport
from streams.log.decisions import ScopeDecision
from streams.policy.places import PolicyLine

TERMS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Explanation:
    """Reports on one hashtag.

    Args:
        words: None where they were not asked for, or there are none.
        note: why the flags in Redis were not read; "" where they were.
    """

    report: HashtagReport
    evidence: EvidenceReport
    words: WordReport | None = None
    note: str = ""

    @property
    def known(self) -> bool:
        """Whether any source has a record of the hashtag."""
        return self.report.known or self.evidence.seen

    def line_of(self, register: Register, signal: str) -> tuple[str, PolicyLine] | None:
        """Return the policy file and line that set the threshold of a register's reason."""
        return self.evidence.policies.line_of(
            register.policy_revision, signal, register.category, register.surface, register.country
        )

    def ends_when(self, register: Register) -> list[str]:
        """Return what would end an automated register by the live policy; empty where no policy is known."""
        evidence = self.evidence
        policy = evidence.policies.policy(evidence.live) or evidence.policies.policy(register.policy_revision)
        if policy is None:
            return []
        scope = register.category, register.surface, register.country
        has_scope = register.category in policy.categories and register.surface in policy.surfaces
        states = (state for state in self._decisions(*scope) if state.action == register.action)
        return would_clear(
            register.action,
            policy.rule(*scope) if has_scope else None,
            next((report for report in evidence.reports if report.scope == scope), None),
            policy.max_automated_ms,
            state=next(states, None),
            protected=evidence.protected,
            fault=evidence.fault,
            at_ms=self.report.now_ms,
        )

    def missing(self, report: SignalReport) -> list[str]:
        """Return what is missing until a rule acts on the hashtag."""
        states = (state for state in self._decisions(*report.scope) if not state.provisional)
        evidence = self.evidence
        return would_hide(report, state=next(states, None), protected=evidence.protected, fault=evidence.fault)

    def _decisions(self, category: str, surface: str, country: str) -> list[ScopeDecision]:
        return [
            scope
            for decision in self.report.latest()
            for scope in decision.rulings
            if (scope.category, scope.surface, decision.country) == (category, surface, country)
        ]
