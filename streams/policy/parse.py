"""Text of a policy file, parsed to a `Policy` or to all problems of the file.

Parsing never stops at the first problem. A harmless value replaces each wrong one, so that the checks which compare
keys still run. Problems that such a replacement causes are dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from streams.policy.checks import KNOWN_CATEGORIES, check, unused_signals
from streams.policy.errors import PolicyFileError, Problem
from streams.policy.findings import Finding, findings_of
from streams.policy.model import Policy
from streams.policy.source import Document, Loc, read
from streams.policy.typing_mistakes import Span

FINDINGS_MAX = 500
"""Number of findings of each kind that are reported."""

_CATEGORY = {
    "mode": "shadow",
    "min_tweets": 1_000,
    "min_authors": 1_000,
    "suppress_at": 0.5,
    "clear_at": 0.25,
}
_REPLACEMENTS = {
    **_CATEGORY,
    "serial": 1,
    "need": 0,
    "term": "x",
    "domain": "x.example",
    "categories": {"abuse": _CATEGORY},
}
_ENTRIES = {
    "windows": "10m",
    "surfaces": "trends",
    "overrides": {},
    "curated_terms": {"term": "x"},
    "link_domains": {"domain": "x.example"},
}
_BEGIN = "begin with a copy of config/policy.yaml"


def parse_policy(
    text: bytes | str,
    name: str,
    shards: int | None = None,
    categories: Collection[str] | None = KNOWN_CATEGORIES,
) -> Policy:
    """Parse and check a policy.

    Args:
        text: the file's content, YAML in UTF-8, at most 256 KiB.
        name: the file's name in errors.
        shards: number of shards that share the cap; None skips this check.
        categories: categories that the model scores; None skips this check.

    Raises:
        PolicyFileError: with every problem: its line and column, what was expected, and the nearest valid name.
    """
    document = read(text, name)
    if not document.positions and not document.problems:
        document.add(Span(1, 1), "the file is empty", "a policy", _BEGIN)
    elif document.positions and not isinstance(document.value, dict):
        span = document.positions[()].value
        document.add(span, "a policy is a mapping of keys", "key: value, such as `serial: 1`", _BEGIN)
    elif document.positions:
        policy, findings = _validated(document, shards, categories)
        for finding in findings:
            _add(document, finding)
        if not document.problems:
            assert policy is not None
            return policy
    raise PolicyFileError(document.problems)


def policy_warnings(policy: Policy, text: bytes | str, name: str) -> list[Problem]:
    """Return the keys of a valid policy that can never take effect, in the order of the file.

    Args:
        policy: policy that was parsed from `text`.
        text: the file's content.
        name: the file's name in warnings.
    """
    document = read(text, name)
    for finding in unused_signals(policy):
        _add(document, finding)
    return sorted(document.problems)


def _validated(
    document: Document, shards: int | None, categories: Collection[str] | None
) -> tuple[Policy | None, list[Finding]]:
    """Return the policy, its wrong values replaced (None where that fails), and the findings about it."""
    policy: Policy | None = None
    errors: list[ErrorDetails] = []
    try:
        policy = Policy.model_validate(document.value)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    bad = _bad(document.refused, errors)
    if bad:
        policy = _repaired(document.value, errors, bad)
    findings = [finding for finding in findings_of(errors[:FINDINGS_MAX]) if not _is_known(finding, document.refused)]
    if policy is not None:
        contradictions = islice(check(policy, shards=shards, categories=categories), FINDINGS_MAX)
        findings += [finding for finding in contradictions if not _touches(finding, bad)]
    return policy, findings


def _bad(refused: Iterable[Loc], errors: Iterable[ErrorDetails]) -> set[Loc]:
    """Return the wrong values. An override with a wrong scope is wrong as a whole: its scope is unknown."""
    bad = {*refused, *(error["loc"] for error in errors)}
    return bad | {loc[:-1] for loc in bad if "overrides" in loc and loc[-1] in ("surface", "country")}


def _is_known(finding: Finding, refused: Iterable[Loc]) -> bool:
    """Tell whether the reader has reported the place already, or a refused merge key would have set it."""
    loc = finding.locs[0]
    return any(loc[: len(at)] == at or (at[-1:] == ("<<",) and at[:-1] == loc[:-1]) for at in refused)


def _touches(finding: Finding, bad: Iterable[Loc]) -> bool:
    """Tell whether a finding is about, or depends on, a wrong value."""
    return any(
        loc[: len(bad_loc)] == bad_loc or (not finding.shallow and bad_loc[: len(loc)] == loc)
        for bad_loc in bad
        for loc in finding.locs
    )


def _repaired(values: dict[str, object], errors: Iterable[ErrorDetails], bad: Iterable[Loc]) -> Policy | None:
    """Return the policy with its wrong values replaced; None where it is still wrong."""
    data = _mutable(values)
    overrides = {loc for loc in bad if len(loc) >= 2 and loc[-2] == "overrides"}
    for loc in overrides:
        _replace(data, loc, "")
    for error in errors:
        if not any(error["loc"][: len(loc)] == loc for loc in overrides):
            _replace(data, error["loc"], error["type"])
    try:
        return Policy.model_validate(_immutable(data))
    except ValidationError:
        return None


def _replace(data: Any, loc: Loc, kind: str) -> None:
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
        elif kind != "extra_forbidden" and last in _REPLACEMENTS and (*way[-1:], last) != ("corroborate", "term"):
            data[last] = _REPLACEMENTS[str(last)]
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


def _add(document: Document, finding: Finding) -> None:
    """Point at the first of the finding's keys that the file contains, else at the nearest mapping around it."""
    loc = next((candidate for candidate in finding.locs if candidate in document.positions), finding.locs[0])
    nearest = document.nearest(loc)
    position = document.positions[nearest]
    span = position.key if finding.at_key or nearest != loc else position.value
    within = f" in `{'.'.join(map(str, loc[:-1]))}`" if nearest != loc and len(loc) > 1 else ""
    document.add(span, finding.message + within, finding.expected, finding.hint, loc)
