"""Which tags stand where, under every rule of a policy: each (rule, window) is judged once, as columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from streams.counting.keys import COUNTRY_MASK, country_name, country_of
from streams.judging.curated_terms import CuratedTags
from streams.judging.evidence import EvidenceTable
from streams.judging.key_state import Scope
from streams.judging.levels import NOTHING, OVER, RuleLevels, Standing, combine, levels
from streams.policy import Policy, Rule

_EARLY_MARGIN = 1.5
"""A signal on its threshold now is as likely as not below it when the tick settles."""


class Docket:
    """The evidence of one tick before one policy.

    Args:
        columns: score column by category; the policy's categories that the model does not know are left out.
        tables: evidence by window, in milliseconds.
        curated: the hashtags that the policy's curated terms match.
        early: look before the tick has settled: at the policy's early confidence, and with a margin on what
            corroborates.
        blind: the scorer is not to be believed: every key is below its floors.
    """

    def __init__(
        self,
        policy: Policy,
        columns: Mapping[str, int],
        tables: Mapping[int, EvidenceTable],
        curated: CuratedTags,
        *,
        early: bool = False,
        blind: bool = False,
    ) -> None:
        self._blind = blind
        self._policy = policy
        self._columns = columns
        self._tables = {window_ms: table for window_ms, table in tables.items() if len(table.keys)}
        self._terms = {window_ms: curated.among(table.keys) for window_ms, table in self._tables.items()}
        self._early = early
        self._judged: dict[tuple[int, int, Rule], RuleLevels] = {}
        self._rows: dict[int, dict[int, int]] = {}

    def scopes(self) -> list[Scope]:
        """Every (category, surface) that can be decided."""
        return [
            (category, surface)
            for category in self._policy.category_names
            if category in self._columns
            for surface in self._policy.surfaces
        ]

    def over(self) -> set[int]:
        """Keys that are over under their own rule in some scope."""
        found: set[int] = set()
        if self._blind:
            return found
        for window_ms, table in self._tables.items():
            codes = table.keys & COUNTRY_MASK
            for code in np.unique(codes).tolist():
                of_country = codes == code
                for category, surface in self.scopes():
                    rule = self._policy.rule(category, surface, country_name(code))
                    if window_ms in rule.windows_ms:
                        level = self._levels(window_ms, self._columns[category], rule).level
                        found.update(table.keys[of_country & (level == OVER)].tolist())
        return found

    def rule(self, key: int, scope: Scope) -> Rule:
        """The rule that holds for a key."""
        return self._policy.rule(*scope, country_of(key))

    def gone(self, key: int, scope: Scope) -> bool:
        """Whether a key is below `evidence_floor` in every window of its rule: nothing need be remembered of it."""
        windows_ms = self.rule(key, scope).windows_ms
        return not any(window_ms in windows_ms for window_ms in self._rows_of(key))

    def standing(self, key: int, scope: Scope) -> Standing:
        """Where a key stands, over all windows of its rule."""
        if self._blind:
            return NOTHING
        rule = self.rule(key, scope)
        column = self._columns[scope[0]]
        return combine(
            [
                self._levels(window_ms, column, rule).standing(row)
                for window_ms, row in self._rows_of(key).items()
                if window_ms in rule.windows_ms
            ]
        )

    def _rows_of(self, key: int) -> dict[int, int]:
        """By window, in its table: found once for all scopes."""
        found = self._rows.get(key)
        if found is None:
            rows = {window_ms: table.find(key) for window_ms, table in self._tables.items()}
            found = self._rows[key] = {window_ms: row for window_ms, row in rows.items() if row is not None}
        return found

    def _levels(self, window_ms: int, column: int, rule: Rule) -> RuleLevels:
        found = self._judged.get((window_ms, column, rule))
        if found is None:
            found = self._judged[window_ms, column, rule] = levels(
                self._tables[window_ms],
                rule,
                column,
                self._terms[window_ms],
                self._policy.early_confidence if self._early else rule.confidence,
                _EARLY_MARGIN if self._early else 1.0,
            )
        return found
