"""Heartbeats of claims, in the memory of the process that serves them.

A record for each heartbeat would flood the topic: the audit log keeps every record for ever, and each publish worker
reads it. So a heartbeat never leaves the API, and the log has one record for each deliberate claim. A restart of the
API loses nothing: the next heartbeat extends the claim again, unless another person has taken it meanwhile. Another
process, such as a command, sees only the record. A minute after it, the claim does not keep that process from acting.
What a claim protects against is work done twice; two decisions are kept apart by the case's version.
"""

from __future__ import annotations

from moderation.domain.cases.fold import CLAIM_MS


class Heartbeats:
    """Time of the last heartbeat by claim."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def beat(self, claim: str, at_ms: int) -> None:
        """Note a heartbeat, and forget claims that have ended."""
        self._last = {other: last for other, last in self._last.items() if at_ms < last + CLAIM_MS}
        self._last[claim] = at_ms

    def last_ms(self, claim: str) -> int:
        """Return the time of a claim's last heartbeat; 0 if none is known."""
        return self._last.get(claim, 0)
