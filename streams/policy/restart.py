"""What of a policy cannot follow an edit while a worker runs."""

from __future__ import annotations

from collections.abc import Iterator

from streams.policy.model import Policy


def needs_restart(began_hours: int, policy: Policy) -> Iterator[str]:
    """Why a worker must be restarted for a policy; nothing: it can follow.

    `began_hours` is the `max_automated_hours` of the policy that it began with.

    Who publishes keeps the version of a cleared flag for as long as any flag could stand when it began, so that nothing
    older comes back to life. A longer life than that needs longer memories first.
    """
    hours = policy.valves.max_automated_hours
    if hours > began_hours:
        yield (
            f"valves.max_automated_hours {hours} is above the {began_hours} that workers began with: "
            "they need a restart"
        )
