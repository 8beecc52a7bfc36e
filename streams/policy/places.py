"""Lines of a policy file: the line that set a threshold, and the line of the serial."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from streams.policy.model import Policy
from streams.policy.resolution import providers
from streams.policy.shape import Corroborate, Valves
from streams.policy.source import Loc, read

_KEYS = {
    **dict.fromkeys(
        ("harmful_share_lower", "established_share_lower", "coordinated_share_lower", "speaking_share_lower"),
        "suppress_at",
    ),
    "scored_share": "min_scored",
}
"""Key of the rule that sets the threshold of a reason."""


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """Line of a policy file, counted from 1, and its text."""

    line: int
    source: str


class PolicyLines:
    """Lines on which a policy's thresholds are set.

    Args:
        text: content of the policy's file; "" where it was not kept: then no line is known.
    """

    def __init__(self, policy: Policy, text: str) -> None:
        self._policy = policy
        self._document = read(text)

    def of_signal(self, signal: str, category: str, surface: str, country: str) -> PolicyLine | None:
        """Return the line that sets a signal's threshold; None for a default, or where the file is unknown.

        Args:
            signal: name in a decision's reasons, such as `copies`, `min_tweets` or `harmful_share_lower`.
            category: category of the rule.
            surface: surface of the rule.
            country: country of the viewers, or `*`.
        """
        if signal in Valves.model_fields:
            return self._at(("valves", signal))
        if signal in Corroborate.model_fields:
            return self.of("corroborate", category, surface, country, signal)
        return self.of(_KEYS.get(signal, signal), category, surface, country)

    def of(self, key: str, category: str, surface: str, country: str, *inner: str) -> PolicyLine | None:
        """Return the line that sets a key of the rule for a scope."""
        if category not in self._policy.categories:
            return None
        layers = self._policy.layers(self._policy.categories[category])
        layer = providers(layers, surface, country).get(key)
        if layer is None:
            return None
        at = next(number for number, candidate in enumerate(layers) if candidate is layer)
        return self._at(("categories", category, *(("overrides", at - 1) if at else ()), key, *inner))

    def _at(self, loc: Loc) -> PolicyLine | None:
        position = self._document.positions.get(loc)
        if position is None:
            return None
        line = position.value.line
        return PolicyLine(line, self._document.lines[line - 1].strip())


def with_serial(text: bytes, serial: int) -> bytes:
    r"""Replace the serial of a valid policy's text and keep every other byte, comments and spelling included.

    >>> with_serial(b"# ours\nserial: 3   # add 1\n", 4)
    b'# ours\nserial: 4   # add 1\n'
    """
    span = read(text).positions["serial",].value
    decoded = text.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    lines = decoded.splitlines(keepends=True)  # a serial precedes any line break that only YAML or only Python knows
    line = lines[span.line - 1]
    lines[span.line - 1] = line[: span.column - 1] + str(serial) + line[span.column - 1 + span.length :]
    return "".join(lines).encode("utf-8")
