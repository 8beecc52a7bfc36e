"""What of a policy cannot follow an edit while a worker runs."""

from __future__ import annotations

from collections.abc import Iterator

from streams.policy.model import Policy


def needs_restart(began: Policy, policy: Policy) -> Iterator[str]:
    """Why a worker that began with one policy must be restarted for another; nothing: it can follow.

    Who publishes keeps the version of a cleared flag for as long as any flag could stand when it began, so that nothing
    older comes back to life. A longer life than that needs longer memories first.
    """
    before, after = began.valves.max_automated_hours, policy.valves.max_automated_hours
    if after > before:
        yield f"valves.max_automated_hours {after} is above the {before} that workers began with: they need a restart"
