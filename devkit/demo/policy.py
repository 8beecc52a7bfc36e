"""Policy of a demo's run: the shipped one, with modes that leave decisions to people."""

from __future__ import annotations

from pathlib import Path

from devkit.stack.local_run import POLICY

_MODE = "    mode: suppress\n"
_LEFT_TO_PEOPLE = """\
    overrides:                  # of the demo's run
      - {country: "*", mode: hold_for_review, expiry: 30m}   # hidden in the world until a person decides
      - {country: US, mode: review}                          # the count of the United States: people decide
"""


def policy_of_run(shipped: str) -> str:
    """Return the text of the run's policy.

    India's campaigns are suppressed as the shipped policy says. What the count of the world hides is held for people,
    and stays hidden meanwhile.
    """
    assert _MODE in shipped
    return shipped.replace(_MODE, _MODE + _LEFT_TO_PEOPLE)


def write_policy(folder: Path) -> Path:
    """Write the run's policy into its folder."""
    path = folder / POLICY.name
    path.write_text(policy_of_run(POLICY.read_text("utf-8")), "utf-8")
    return path
