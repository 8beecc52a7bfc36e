"""Two verifiers without shared code agree on files that were changed at random."""

from __future__ import annotations

import importlib.util
import json
from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.audit.tlog.errors import ProofError
from moderation.proofs.reading import read_json
from moderation.proofs.report import verify_report
from moderation.proofs.statement import verify_statement
from tests.support.paths import ROOT
from tests.support.proof_world import LOG_KEY, TO_MS, WITNESS_KEYS, World, log_of, world

SPEC = importlib.util.spec_from_file_location("verify_proof", ROOT / "docs/verify_proof.py")
assert SPEC is not None
assert SPEC.loader is not None
verifier = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(verifier)

STATEMENT, REPORT = world().statement(2), world().report()
ORDER = World(1, {0: {"hashtag": None, "action": "withheld", "policy_revision": None}}).statement(0)
ORDER["restriction"] |= {"kind": "tweet", "measure": "withheld", "policy_revision": ""}
FILES, LINES = world().files(), world().opening_lines()
scalars = (
    st.none()
    | st.sampled_from(["hashtag", "suspended", "held", TO_MS - 1])
    | st.booleans()
    | st.integers(-3, 300)
    | st.sampled_from([7.0, 7.5, 2**53, "IN", "", "*", "\ud800"])
    | st.text(max_size=3)
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the paths of all members of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, one in items for found in ((*path, key), *places(one, (*path, key)))]


def changed(data: st.DataObject, file: dict[str, Any]) -> str:
    """Change one member of a file, or one character of a text in it."""
    file = deepcopy(file)
    *parents, last = data.draw(st.sampled_from(places(file)))
    holder: Any = file
    for key in parents:
        holder = holder[key]
    old = holder[last]
    if data.draw(st.booleans()) and isinstance(old, str) and old:
        at = data.draw(st.integers(0, len(old) - 1))
        holder[last] = old[:at] + data.draw(st.sampled_from(["", "A", "0", "\n", "=", " ", "é"])) + old[at + 1 :]
    elif data.draw(st.booleans()) and isinstance(holder, dict):
        del holder[last]
    else:
        holder[last] = data.draw(scalars)
    return json.dumps(file)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_verifiers_agree_on_a_changed_statement(data: st.DataObject) -> None:
    text = changed(data, data.draw(st.sampled_from([STATEMENT, ORDER])))
    try:
        ours: Any = verify_statement(read_json(text.encode()), LOG_KEY, WITNESS_KEYS).as_dict()
    except ProofError as error:
        ours = (error.code.value, error.field)
    try:
        theirs = verifier.verify_statement(text, LOG_KEY, WITNESS_KEYS)
    except verifier.Refused as error:
        theirs = (error.code, error.field)
    assert ours == theirs


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_verifiers_agree_on_a_changed_report(data: st.DataObject) -> None:
    text, lines = json.dumps(REPORT), LINES
    if data.draw(st.booleans()):
        text = changed(data, REPORT)
    else:
        at = data.draw(st.integers(0, len(LINES) - 1))
        line = data.draw(
            st.sampled_from(["", "[]", "null", "{}", "[0,1,2,3,4]", LINES[at].replace("2026", "2027"), LINES[0]])
        )
        lines = [*LINES[:at], line, *LINES[at + 1 :]]
    try:
        ours: Any = verify_report(read_json(text.encode()), lines, log_of(FILES), LOG_KEY, WITNESS_KEYS).as_dict()
        del ours["numbers"]
    except ProofError as error:
        ours = (error.code.value, error.field)
    try:
        theirs = verifier.verify_report(text, lines, FILES.get, LOG_KEY, WITNESS_KEYS)
    except verifier.Refused as error:
        theirs = (error.code, error.field)
    assert ours == theirs
