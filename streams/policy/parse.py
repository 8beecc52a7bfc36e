"""Text of a policy file to a `Policy`, or to everything that is wrong with it.

Reading never stops at the first problem. Where a key is wrong a harmless value stands in for it, so that the checks
which compare keys still run; what they say about a stand-in is dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from streams.policy.checks import KNOWN_CATEGORIES, check
from streams.policy.errors import PolicyFileError, Problem
from streams.policy.explain import Finding, explain
from streams.policy.model import Policy
from streams.policy.source import Document, Loc, Node, read
from streams.policy.text import Span

FINDINGS_MAX = 500
"""Of each kind; who has more begins anew."""

_CATEGORY: dict[str, Any] = {
    "mode": "shadow",
    "min_tweets": 1_000,
    "min_authors": 1_000,
    "suppress_at": 0.5,
    "clear_at": 0.25,
}
_STAND_INS: dict[str, Any] = {
    **_CATEGORY,
    "serial": 1,
    "need": 0,
    "term": "x",
    "domain": "x.example",
    "categories": {"abuse": _CATEGORY},
}
_ENTRIES: dict[str, Any] = {
    "windows": "10m",
    "surfaces": "trends",
    "overrides": {},
    "curated_terms": {"term": "x"},
    "link_domains": {"domain": "x.example"},
}


def parse_policy(
    text: bytes | str,
    name: str,
    shards: int | None = None,
    categories: Collection[str] | None = KNOWN_CATEGORIES,
) -> Policy:
    """Read a policy.

    Args:
        text: the file's content, YAML in UTF-8, at most 256 KiB.
        name: how to call the file in errors.
        shards: how many judges share the cap; None: do not check it.
        categories: what the model scores; None: do not check.

    Raises:
        PolicyFileError: with all that is wrong, each with line, column, what was expected and the nearest valid name.
    """
    document = read(text)
    problems = [
        _problem(document, name, one.span, one.message, one.expected, one.hint, one.path) for one in document.complaints
    ]
    root = document.root
    if root is None and not problems:
        first = Span(1, 1)
        hint = "begin with a copy of config/policy.yaml"
        problems.append(_problem(document, name, first, "the file is empty", "a policy", hint))
    elif root is not None and not isinstance(root.value, dict):
        message, expected = "a policy is a mapping of keys", "key: value, such as `serial: 1`"
        problems.append(
            _problem(document, name, root.span, message, expected, "begin with a copy of config/policy.yaml")
        )
    elif root is not None:
        plain = root.plain()
        policy: Policy | None = None
        errors: list[ErrorDetails] = []
        try:
            policy = Policy.model_validate(plain)
        except ValidationError as error:
            errors = error.errors(include_url=False)
        unusable = set(root.unusable())
        bad = _bad(unusable, errors)
        if bad:
            policy = _repaired(plain, errors, bad)
        findings = [one for one in explain(errors[:FINDINGS_MAX]) if not _accounted_for(one, unusable)]
        if policy is not None:
            found = islice(check(policy, shards=shards, categories=categories), FINDINGS_MAX)
            findings += [one for one in found if not _touched(one, bad)]
        problems += [_place(document, name, root, finding) for finding in findings]
        if not problems:
            assert policy is not None
            return policy
    raise PolicyFileError(problems)


def _bad(unusable: Iterable[Loc], errors: Iterable[ErrorDetails]) -> set[Loc]:
    """Places that are wrong. An override whose scope is wrong is wrong as a whole: nobody knows where it holds."""
    bad = {*unusable, *(error["loc"] for error in errors)}
    return bad | {loc[:-1] for loc in bad if "overrides" in loc and loc[-1] in ("surface", "country")}


def _accounted_for(finding: Finding, unusable: Iterable[Loc]) -> bool:
    """Whether what the shape of the file says of a place has been said already, or was to come by a merge key."""
    loc = finding.locs[0]
    return any(loc[: len(one)] == one or (one[-1:] == ("<<",) and one[:-1] == loc[:-1]) for one in unusable)


def _touched(finding: Finding, bad: Iterable[Loc]) -> bool:
    """Whether a finding is about, or rests on, a place that is wrong already."""
    return any(
        loc[: len(one)] == one or (not finding.shallow and one[: len(loc)] == loc)
        for one in bad
        for loc in finding.locs
    )


def _repaired(plain: dict[str, Any], errors: Iterable[ErrorDetails], bad: Iterable[Loc]) -> Policy | None:
    """The policy with stand-ins for what is wrong; None where that does not help."""
    data = _mutable(plain)
    overrides = {loc for loc in bad if len(loc) >= 2 and loc[-2] == "overrides"}
    for loc in overrides:
        _repair(data, loc, "")
    for error in errors:
        if not any(error["loc"][: len(loc)] == loc for loc in overrides):
            _repair(data, error["loc"], error["type"])
    try:
        return Policy.model_validate(_immutable(data))
    except ValidationError:
        return None


def _repair(data: Any, loc: Loc, kind: str) -> None:
    *way, last = loc
    for step in way:
        inside = isinstance(step, str) and isinstance(data, dict) and step in data
        inside = inside or (isinstance(step, int) and isinstance(data, list) and step < len(data))
        if not inside:
            return
        data = data[step]
    if isinstance(data, list) and isinstance(last, int):
        data[last] = _ENTRIES.get(str(way[-1]), f"x{last}")
    elif isinstance(data, dict):
        if kind != "extra_forbidden" and way == ["categories"]:
            data[last] = _CATEGORY
        elif kind != "extra_forbidden" and last in _STAND_INS and (*way[-1:], last) != ("corroborate", "term"):
            data[last] = _STAND_INS[str(last)]
        else:
            data.pop(last, None)


def _mutable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _mutable(inner) for key, inner in value.items()}
    return [_mutable(inner) for inner in value] if isinstance(value, tuple) else value


def _immutable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _immutable(inner) for key, inner in value.items()}
    return tuple(_immutable(inner) for inner in value) if isinstance(value, list) else value


def _place(document: Document, name: str, root: Node, finding: Finding) -> Problem:
    """Point at the first of the finding's keys that is in the file, else at the nearest mapping round it."""
    found = [(loc, *root.find(loc)) for loc in finding.locs]
    loc, entry, steps = next((one for one in found if one[2] == len(one[0])), found[0])
    whole = steps == len(loc)
    span = entry.key if finding.at_key or not whole or _long(entry.node) else entry.node.span
    path = ".".join(map(str, loc))
    return _problem(document, name, span, finding.message + _inside(loc, whole), finding.expected, finding.hint, path)


def _inside(loc: Loc, whole: bool) -> str:
    return "" if whole or len(loc) < 2 else f" in `{'.'.join(map(str, loc[:-1]))}`"


def _long(node: Node) -> bool:
    return isinstance(node.value, dict | list) and bool(node.value)


def _problem(
    document: Document, name: str, span: Span, message: str, expected: str, hint: str, path: str = ""
) -> Problem:
    source = document.lines[span.line - 1] if span.line <= len(document.lines) else ""
    return Problem(
        line=span.line,
        column=span.column,
        file=name,
        message=message,
        expected=expected,
        hint=hint,
        path=path,
        source=source,
        length=span.length,
    )
