"""Known surfaces and countries: a mistyped one hides nothing, so its answers carry a warning.

The heartbeats name the surfaces of the policy in force; countries are those of ISO 3166-1. Each unknown value is logged
once and each answer with it is counted.
"""

from __future__ import annotations

import logging
from collections.abc import Set

from hushtag_client.answer import Warning
from hushtag_client.countries import WRITTEN
from hushtag_client.registers import ACCOUNT, TWEET

_log = logging.getLogger(__name__)
_MOST_LOGGED = 1_000
"""Greatest number of values logged, so that a caller's input cannot fill a disk or the memory."""
_MOST_CACHED = 1_000
"""Greatest number of surfaces that are remembered, before the server names its own."""


class Scopes:
    """Known pairs of surface and country, checked against the surfaces that the server names."""

    def __init__(self) -> None:
        self.passed: dict[object, set[object]] = {}
        """Countries by surface that were asked and have no warning. Replaced as a whole when the surfaces change."""
        self.surfaces: Set[str] = frozenset()
        """Surfaces that heartbeats name; empty: not known, so that every surface passes."""
        self.unknown: dict[Warning, int] = {"unknown_surface": 0, "unknown_country": 0}
        """Number of answers with each warning."""
        self._logged: set[tuple[str, str]] = set()

    def follow(self, surfaces: frozenset[str]) -> None:
        """Set the surfaces that heartbeats name."""
        if surfaces != self.surfaces:
            self.surfaces = surfaces
            self.passed = {}

    def find(self, surface: object, country: object) -> Warning | None:
        """Return the warning for a pair; None for a known pair."""
        if self.surfaces and surface not in self.surfaces and surface not in (ACCOUNT, TWEET):
            return "unknown_surface"
        is_known = country is None or (isinstance(country, str) and country in WRITTEN)
        return None if is_known else "unknown_country"

    def note(self, surface: object, country: object) -> Warning | None:
        """Find the warning for a pair, log its value once and count it; remember a known pair."""
        passed = self.passed  # the surfaces may change meanwhile, which replaces it
        warning = self.find(surface, country)
        if warning is None:
            if surface in passed or len(passed) < _MOST_CACHED:
                passed.setdefault(surface, set()).add(country)
            return None
        self.unknown[warning] += 1
        value = surface if warning == "unknown_surface" else country
        logged = (warning, str(value)[:100])
        if logged not in self._logged and len(self._logged) < _MOST_LOGGED:
            self._logged.add(logged)
            hint = f"; known: {', '.join(sorted(self.surfaces))}" if warning == "unknown_surface" else ""
            _log.warning("%s %.100r: no flag may apply to it%s", warning.replace("_", " "), value, hint)
        return warning
