"""The line of a policy file that a threshold comes from, so that who asks "why 0.35?" knows where to look."""

from __future__ import annotations

from dataclasses import dataclass

from streams.policy.model import Policy
from streams.policy.resolve import providers
from streams.policy.source import Loc, read

_RULE_KEY = {"dwell": "dwell_ms", "expiry": "expiry_ms", "windows": "windows_ms"}
_CORROBORATION = ("burst", "copies", "young", "authors", "term", "links", "successor")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the file, counted from 1, as it stands there."""

    line: int
    source: str


class Places:
    """Where the keys of a policy stand in the text that it was read from.

    Args:
        text: the file, a good policy; "" where it was not kept: then no place is known.
    """

    def __init__(self, policy: Policy, text: str) -> None:
        self._policy = policy
        self._document = read(text)

    def of_signal(self, signal: str, category: str, surface: str, country: str) -> Place | None:
        """Where the threshold of a signal was set, as a decision names it; None where it is a default, or not known."""
        if signal == "harmful_share_lower":
            return self.of("suppress_at", category, surface, country)
        if signal in ("min_tweets", "min_authors"):
            return self.of(signal, category, surface, country)
        if signal in _CORROBORATION:
            return self.of("corroborate", category, surface, country, signal)
        return self._at(("valves", signal))

    def of(self, key: str, category: str, surface: str, country: str, *inner: str) -> Place | None:
        """Where a key of the rule that holds for a scope was set."""
        if category not in self._policy.categories:
            return None
        layers = self._policy.layers(self._policy.categories[category])
        rule_key = "corroboration" if key == "corroborate" else _RULE_KEY.get(key, key)
        layer = providers(layers, surface, country).get(rule_key)
        if layer is None:
            return None
        at = next(number for number, one in enumerate(layers) if one is layer)
        return self._at(("categories", category, *(("overrides", at - 1) if at else ()), key, *inner))

    def _at(self, loc: Loc) -> Place | None:
        if self._document.root is None:
            return None
        entry, steps = self._document.root.find(loc)
        if steps < len(loc):
            return None
        line = entry.node.span.line
        return Place(line, self._document.lines[line - 1].strip())
