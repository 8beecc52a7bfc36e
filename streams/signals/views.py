"""Views of tables, rules, policies and conditions: the parts that signals read, without importing these rooms."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


class MeasuredTable(Protocol):
    """Evidence of m tags over one window, as far as signals read it."""

    @property
    def authors(self) -> npt.NDArray[np.int64]:
        """Distinct authors of each tag (m,)."""

    @property
    def signals(self) -> Mapping[str, npt.NDArray[np.float64]]:
        """Values (m,) by the name of a measured signal."""


class AskedSignals(Protocol):
    """The corroboration of a rule: `need` of the `named` signals."""

    @property
    def need(self) -> int:
        """Number of the `named` signals that a rule asks for."""

    @property
    def named(self) -> tuple[str, ...]:
        """Names of the signals to choose from."""


class RuleView(Protocol):
    """A rule, as far as signals read it."""

    @property
    def hides(self) -> bool:
        """Whether the mode of the rule hides hashtags."""

    @property
    def windows_ms(self) -> tuple[int, ...]:
        """Lengths of the windows that the rule reads."""

    @property
    def corroboration(self) -> AskedSignals:
        """Signals that must support the texts."""


class PolicyView(Protocol):
    """A policy, as far as signals read it."""

    @property
    def young_days(self) -> int:
        """Age in days below which an account is young."""

    @property
    def burst_min_past(self) -> int:
        """Earlier tweets from which a tag has a past."""

    @property
    def longest_window_ms(self) -> int:
        """Length of the longest window."""

    @property
    def curated_terms(self) -> Collection[object]:
        """Terms of the curated list; empty without one."""

    @property
    def links_revision(self) -> str:
        """Revision of `link_domains`; "" without any."""

    @property
    def rule_table(self) -> Mapping[Any, RuleView]:
        """Rules by (category, surface, country)."""


class ConditionsView(Protocol):
    """The conditions under which evidence was measured; see `streams.log.evidence.EvidenceConditions`."""

    @property
    def young_days(self) -> int:
        """Age in days below which accounts counted as young."""

    @property
    def burst_min_past(self) -> int:
        """Earlier tweets from which a tag had a past."""

    @property
    def windows_ms(self) -> tuple[int, ...]:
        """Lengths of the measured windows, ascending."""

    @property
    def links(self) -> str:
        """Revision of the domains that links were compared with; "" for none."""
