"""What a statement of reasons shows about its restriction, against the opened fields of the log's entry.

The statement's texts, actor, signals and times of a restriction are not compared: the entry does not open them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moderation.audit.disclosure import Value
from moderation.audit.tlog.errors import ProofCode, ProofError

OPENED = ("time", "hashtag", "country", "action", "reason", "policy_revision")
"""Fields that a statement of reasons opens, all of them."""
_BY_ORDER = ("reduced", "withheld", "suspended")
_ACTIONS = {
    "reduced": ("suppress", "block", "reduced"),
    "held": ("hold",),
    "discounted": ("discount",),
    "withheld": ("withheld",),
    "suspended": ("suspended",),
}
"""Actions in the log that can be behind each measure of a statement."""


def compare_entry(entry: Mapping[str, Any], opened: Mapping[str, Value]) -> None:
    """Compare the fields of the log that a file shows with those that it opens.

    Raises:
        ProofError: `wrong_field`.
    """
    for name, value in entry.items():
        if name not in opened:
            raise _wrong(name, f"the statement shows the field {name}, but does not open it in the log")
        _compare(name, value, opened, "")


def compare_restriction(restriction: Mapping[str, Any], entry: Mapping[str, Any], opened: Mapping[str, Value]) -> None:
    """Compare a statement's details with its entry, which must show all six fields.

    Raises:
        ProofError: `wrong_field`.
    """
    for name in OPENED:
        if name not in entry:
            raise _wrong(name, f"the statement does not show the field {name} of its entry in the log")
    action, measure = opened["action"], restriction.get("measure")
    actions = _ACTIONS.get(measure, ()) if isinstance(measure, str) else ()
    if not isinstance(action, str) or not set(action.split(", ")) & set(actions):
        raise _wrong(
            "action", f"the statement's measure is {_shown(measure)}, but the log has the action {_shown(action)}"
        )
    if action != "suspended" or restriction.get("country") != "*":
        _compare("country", restriction.get("country"), opened, "restriction: ")
    policy = restriction.get("policy_revision")
    _compare(
        "policy_revision",
        None if policy == "" and opened["policy_revision"] is None else policy,
        opened,
        "restriction: ",
    )
    if opened["hashtag"] is not None:
        if restriction.get("kind") != "hashtag":
            raise _wrong("hashtag", "the statement is about no hashtag, but its entry in the log is")
        _compare("hashtag", restriction.get("target"), opened, "restriction: ")
    elif action not in _BY_ORDER:
        raise _wrong("hashtag", "the statement's entry in the log is not about its target")


def target_is_open(opened: Mapping[str, Value]) -> bool:
    """Return whether the opened fields say what an action is about; those of a ruling on an order do not."""
    return not (opened.get("action") in _BY_ORDER and opened.get("hashtag") is None)


def _compare(name: str, value: Any, opened: Mapping[str, Value], where: str) -> None:
    if type(value) is not type(opened[name]) or value != opened[name]:
        raise _wrong(
            name,
            f"{where}the statement shows another {name} than the log: {_shown(value)}, not {_shown(opened[name])}",
        )


def _wrong(name: str, what: str) -> ProofError:
    return ProofError(
        ProofCode.wrong_field, what, "rely on what the log contains; keep this statement as evidence", field=name
    )


def _shown(value: Any) -> str:
    return repr(value)[:80]
