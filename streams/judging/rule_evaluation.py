"""Evaluation of the rules of a policy at one tick: each (rule, window) is judged once, as columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from streams.counting.keys import COUNTRY_MASK, country_name
from streams.judging.curated import CuratedTags
from streams.judging.evidence import EvidenceTable
from streams.judging.key_state import Scope
from streams.judging.levels import NOTHING, OVER_ALONE, RuleLevels, RuleResult, combine, levels
from streams.policy import Policy, Rule
from streams.signals.base import Ints

_EARLY_MARGIN = 1.5
"""Factor on thresholds of early decisions: a signal just at its threshold often falls below it by settlement."""
JudgedBy = tuple[int, int, Rule]
"""Window, score column and rule by which a table was judged."""


class RuleEvaluation:
    """Evaluation of a tick's evidence under one policy.

    Args:
        columns: score column by category; categories of the policy that the model does not know are left out.
        tables: evidence by window, in milliseconds.
        curated: the hashtags that the policy's curated terms match.
        early: whether the tick has not settled: the policy's early confidence, and a margin on signals, apply.
        blind: whether the scorer is not trusted: every key counts as below its floors.
        known: levels of an earlier tick under the same policy; those of its tables that are in `tables` again hold.
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
        judged_before: Mapping[JudgedBy, RuleLevels] | None = None,
    ) -> None:
        self.scopes = scopes_of(policy, columns)
        self._policy = policy
        self._columns = columns
        self._shortest = tables.get(policy.windows_ms[0])
        self._tables = {window_ms: table for window_ms, table in tables.items() if len(table.keys)}
        self._listed = {window_ms: curated.among(table.keys) for window_ms, table in self._tables.items()}
        self._early = early
        self._blind = blind
        self.judged: dict[JudgedBy, RuleLevels] = {
            by: rule_levels
            for by, rule_levels in (judged_before or {}).items()
            if self._tables.get(by[0]) is rule_levels.table
        }
        self._rules: dict[tuple[Scope, int], tuple[Rule, dict[int, RuleLevels]]] = {}
        """Rule by scope and country code, with its levels by window; so no rule is hashed for each key."""
        self._rows: dict[int, dict[int, int]] = {}

    def over(self) -> set[int]:
        """Return the keys that are over (also uncorroborated), contested or unread under their rule in some scope."""
        keys: set[int] = set()
        if self._blind:
            return keys
        for window_ms, table in self._tables.items():
            of_countries = table.keys[np.unique(table.keys & COUNTRY_MASK, return_index=True)[1]].tolist()
            for scope in self.scopes:
                judged = [self._rule_and_levels(key, scope) for key in of_countries]
                different = {id(rule): (rule, by_window) for rule, by_window in judged}  # most countries have the same
                for rule, by_window in different.values():
                    if window_ms in by_window:
                        over = table.keys[by_window[window_ms].level >= OVER_ALONE].tolist()
                        keys.update(key for key in over if self.rule(key, scope) is rule)
        return keys

    def rule(self, key: int, scope: Scope) -> Rule:
        """Return the rule of a scope in the key's country."""
        return self._rule_and_levels(key, scope)[0]

    def _rule_and_levels(self, key: int, scope: Scope) -> tuple[Rule, dict[int, RuleLevels]]:
        code = key & COUNTRY_MASK
        entry = self._rules.get((scope, code))
        if entry is None:
            rule, column = self._policy.rule(*scope, country_name(code)), self._columns[scope[0]]
            windows_ms = [window_ms for window_ms in self._tables if window_ms in rule.windows_ms]
            entry = rule, {window_ms: self._levels(window_ms, column, rule) for window_ms in windows_ms}
            self._rules[scope, code] = entry
        return entry

    def is_gone(self, key: int, scope: Scope) -> bool:
        """Check whether a key is below `evidence_floor` in every window of its rule, so that it may be forgotten."""
        windows_ms = self.rule(key, scope).windows_ms
        return not any(window_ms in windows_ms for window_ms in self._rows_of(key))

    def result(self, key: int, scope: Scope) -> RuleResult:
        """Return the result of a key over all windows of its rule."""
        if self._blind:
            return NOTHING
        rows, (_, by_window) = self._rows_of(key), self._rule_and_levels(key, scope)
        return combine([levels.result(rows[window_ms]) for window_ms, levels in by_window.items() if window_ms in rows])

    def sizes(self) -> tuple[Ints, Ints]:
        """Return the keys of the shortest window and their tweets, both (n,)."""
        if self._shortest is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        return self._shortest.keys, self._shortest.tweets

    def _rows_of(self, key: int) -> dict[int, int]:
        """Return the row of a key by window, found once for all scopes."""
        row_of_window = self._rows.get(key)
        if row_of_window is None:
            rows = {window_ms: table.find(key) for window_ms, table in self._tables.items()}
            row_of_window = self._rows[key] = {window_ms: row for window_ms, row in rows.items() if row is not None}
        return row_of_window

    def _levels(self, window_ms: int, column: int, rule: Rule) -> RuleLevels:
        rule_levels = self.judged.get((window_ms, column, rule))
        if rule_levels is None:
            rule_levels = self.judged[window_ms, column, rule] = levels(
                self._tables[window_ms],
                rule,
                column,
                self._listed[window_ms],
                self._policy.early_confidence if self._early else rule.confidence,
                _EARLY_MARGIN if self._early else 1.0,
            )
        return rule_levels


def scopes_of(policy: Policy, columns: Mapping[str, int]) -> list[Scope]:
    """List every (category, surface) of a policy that a model with these score columns can decide."""
    return [
        (category, surface) for category in policy.category_names if category in columns for surface in policy.surfaces
    ]
