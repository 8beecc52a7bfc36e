"""Policy of a demo's run: the shipped one for its louder campaigns, with modes that leave decisions to people."""

from __future__ import annotations

from pathlib import Path

from devkit.stack.local_run import POLICY

_MODE = "    mode: suppress\n"
_FLOOR, _LOUDER_FLOOR = "    min_established: 20\n", "    min_established: 60\n"
"""A campaign of the demo has 400 authors: after a minute, more than 20 established ones have written under it."""
_LEFT_TO_PEOPLE = """\
    overrides:                  # of the demo's run
      - {country: "*", mode: hold_for_review, expiry: 30m}   # hidden in the world until a person decides
      - {country: US, mode: review}                          # the count of the United States: people decide
"""


def policy_of_run(shipped: str) -> str:
    """Return the text of the run's policy.

    India's campaigns are suppressed as in the shipped policy. What the count of the world hides is held for people,
    and stays hidden meanwhile.
    """
    assert _MODE in shipped and _FLOOR in shipped
    return shipped.replace(_MODE, _MODE + _LEFT_TO_PEOPLE).replace(_FLOOR, _LOUDER_FLOOR)


def write_policy(folder: Path) -> Path:
    """Write the run's policy into its folder."""
    path = folder / POLICY.name
    path.write_text(policy_of_run(POLICY.read_text("utf-8")), "utf-8")
    return path
