"""Flags in words and numbers, for pages and the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hushtag_client.registers import Reason, Register

from streams.actions import WEIGHING, row_of
from streams.countries import country_name
from streams.languages import read_words
from streams.signals.base import COUNT, SHARE
from streams.signals.registry import SIGNALS

SOURCES = {"automated": "Automated", "human": "A person", "legal": "A legal order"}

_SHARES = {
    "harmful_share_lower": "Harmful share",
    "harmful_share": "Harmful share",
    "established_share_lower": "Harmful share of established accounts",
    "coordinated_share_lower": "Harmful share of the other accounts",
    "speaking_share_lower": "Harmful share of the accounts that wrote words",
}
_LABELS = (
    _SHARES
    | {"innocent_past": "Established accounts without harm before", "scored_share": "Sampled authors read"}
    | {signal.name: signal.label for signal in SIGNALS}
)
_KINDS = (
    dict.fromkeys((*_SHARES, "scored_share"), SHARE)
    | {"innocent_past": COUNT}
    | {signal.name: signal.kind for signal in SIGNALS}
)
_LARGEST = 2**63
_UPPER = {"harmful_share_lower": "upper", "established_share_lower": "established_upper"}
"""Member of the evidence with the upper bound to a lower one."""


@dataclass(frozen=True, slots=True)
class ReasonInWords:
    """Signal of a flag as labels and a meter: value, threshold and upper end of the interval lie in [0, 1]."""

    signal: str
    value: str
    threshold: str
    fill: float
    mark: float
    reach: float


def action_of(register: Register) -> str:
    """Return a flag's action in words.

    >>> action_of(Register(version="1", action="hold", hashtag="x", surface="trends", expires_at_ms=1))
    'On hold for review'
    """
    return row_of(register.action).label or register.action


def source_words(register: Register) -> str:
    """Return who decided, in words."""
    return {"automated": "the pipeline", "legal": "a legal order"}.get(register.source, register.actor)


def category_of(register: Register) -> str:
    """Return the policy category in words; "" where there is none."""
    return register.category.replace("_", " ")


def reason_in_words(reason: Reason, evidence: Mapping[str, Any]) -> ReasonInWords:
    """Render a reason as a meter with two labels; the evidence has the upper bound of a harmful share.

    >>> one = reason_in_words(Reason(signal="harmful_share_lower", value=0.62, threshold=0.45), {"upper": 0.81})
    >>> one.signal, one.value, one.threshold, one.fill, one.mark, one.reach
    ('Harmful share', '62–81%', '45%', 0.62, 0.45, 0.81)
    """
    evidence = numbers_of(evidence)
    scale = 1.0 if _KINDS.get(reason.signal) is SHARE else max(reason.value, reason.threshold, 1e-9) * 1.25
    upper = evidence.get(_UPPER.get(reason.signal, ""))
    value = number_in_words(reason.signal, reason.value)
    return ReasonInWords(
        signal=_LABELS.get(reason.signal, reason.signal.replace("_", " ").capitalize()),
        value=value if upper is None else f"{value.rstrip('%')}–{upper:.0%}",
        threshold=number_in_words(reason.signal, reason.threshold),
        fill=_within_meter(reason.value / scale),
        mark=_within_meter(reason.threshold / scale),
        reach=_within_meter((reason.value if upper is None else upper) / scale),
    )


def numbers_of(evidence: Mapping[str, Any]) -> dict[str, int | float]:
    """Return the members of an evidence that are finite numbers; another program may have written others.

    >>> numbers_of({"authors": 7, "upper": "high", "share": float("nan"), "sampled": ["1"]})
    {'authors': 7}
    """
    return {
        name: value
        for name, value in evidence.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST
    }


def read_part(evidence: Mapping[str, Any]) -> str:
    """Say which part of the sampled authors' texts the model has read; "" where it has read all of them.

    >>> read_part({"scored": 48, "unread": {"ta": 16, "bn": "many"}}), read_part({"scored": 64})
    ('75% of 64 sampled authors (Tamil 16 not read)', '')
    """
    by_language = evidence.get("unread")
    unread = numbers_of(by_language) if isinstance(by_language, Mapping) else {}
    counts = {str(language): int(count) for language, count in unread.items() if count >= 1}
    return read_words(max(0, int(numbers_of(evidence).get("scored", 0))), counts)


def number_in_words(signal: str, value: float) -> str:
    """Format a signal's number: a share as a percentage, a ratio as a factor, a count as a whole number."""
    if signal in _KINDS:
        return _KINDS[signal].in_words(value)
    return f"{value:,.0f}" if value % 1 == 0 else f"{value:.2f}"


def _within_meter(share: float) -> float:
    return min(max(share, 0.0), 1.0)


def one_line(register: Register) -> str:
    """Render the reasons in one line: `harmful share 0.62–0.81 ≥ 0.45, 41 authors, copied texts 0.55 ≥ 0.30`."""
    if register.action in WEIGHING:
        return contested(register)
    parts = []
    evidence = numbers_of(register.evidence)
    for reason in register.reasons:
        digits = 2 if _KINDS.get(reason.signal) is SHARE else 0 if reason.value % 1 == 0 else 1
        name = _LABELS.get(reason.signal, reason.signal.replace("_", " ")).lower()
        upper = evidence.get(_UPPER.get(reason.signal, ""))
        reach = "" if upper is None else f"–{float(upper):.2f}"
        parts.append(f"{name} {reason.value:.{digits}f}{reach} ≥ {reason.threshold:.{digits}f}")
        if reach and "authors" in evidence:
            own = reason.signal == "established_share_lower" and "established" in evidence
            parts.append(f"{evidence['established']} of {evidence['authors']} authors" if own
                         else f"{evidence['authors']} authors")  # fmt: skip
    if parts and (read := read_part(register.evidence)):
        parts.append(f"read {read}")
    return ", ".join(parts) or f"by {register.actor or register.source}"


def contested(register: Register) -> str:
    r"""Describe a contested hashtag in one line; without evidence its weight is the established part of the authors.

    >>> one = Register(version="1", action="discount", hashtag="x", surface="trends", expires_at_ms=1,
    ...                category="hateful_conduct", evidence={"authors": 120, "established": 41})
    >>> print(contested(one).replace("; ", ";\n"))
    contested. 34% of its authors are established and write no harm;
    the others write hateful conduct: ranked by the established alone
    """
    evidence = numbers_of(register.evidence)
    authors = evidence.get("authors", 0)
    part = evidence.get("established", 0) / authors if authors else register.weight
    limit = max((reason.threshold for reason in register.reasons), default=1.0)
    clean = "write no harm" if evidence.get("established_upper", 0.0) < limit else "are not known to write harm"
    return (
        f"contested. {part:.0%} of its authors are established and {clean}; the others write "
        f"{category_of(register) or 'harm'}: ranked by the established alone"
    )


def paused(stop: Register | None, *, staff: bool) -> str:
    """Return the notice while automatic suppression is paused; "" while it is not. Only staff see who paused it.

    >>> stop = Register(version="1", action="allow", hashtag="*", surface="trends", source="human", actor="ann",
    ...                 expires_at_ms=1, evidence={"reason": "false alarms"})
    >>> paused(stop, staff=True)
    'Automatic holding back is paused until 1 January 00:00 UTC. By ann: false alarms'
    >>> paused(None, staff=True)
    ''
    """
    if stop is None:
        return ""
    of = f" of {stop.category.replace('_', ' ')}" if stop.category not in ("", "*") else ""
    ends = datetime.fromtimestamp(stop.expires_at_ms / 1000, UTC)
    where = "" if stop.country == "*" else f" in {country_name(stop.country)}"
    notice = f"Automatic holding back{of} is paused{where} until {ends.day} {ends:%B %H:%M} UTC."
    return f"{notice} By {stop.actor}: {stop.evidence.get('reason', '')}" if staff else notice


def places(registers: Iterable[Register]) -> str:
    """Describe the surfaces and countries of one hashtag's registers.

    >>> both = [Register(version="1", action="hold", hashtag="x", surface=s, country="IN", expires_at_ms=1)
    ...         for s in ("search", "trends")]
    >>> places(both)
    'trends and search in India'
    """
    listed = list(registers)
    surfaces = sorted({register.surface for register in listed}, reverse=True)
    codes = sorted({register.country for register in listed}, reverse=True)
    names = [country_name(None if code == "*" else code) for code in codes]
    return f"{' and '.join(surfaces)} in {', '.join(names[:-1])}{' and ' if len(names) > 1 else ''}{names[-1]}"


def time_of(at_ms: int) -> str:
    """Format the time of day in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M:%S UTC")


def machine_time(at_ms: int) -> str:
    """Format a time for the `datetime` attribute of a <time> element."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")


def until(expires_at_ms: int, now_ms: int) -> str:
    """Describe the time left until a flag expires; 0 stands for no expiry.

    >>> until(0, 5), until(90_000, 0), until(7_200_000, 0)
    ('until revoked', 'for 2 more min', 'for 2 more h')
    """
    if not expires_at_ms:
        return "until revoked"
    minutes = max(-(-(expires_at_ms - now_ms) // 60_000), 0)
    return f"for {minutes} more min" if minutes < 100 else f"for {round(minutes / 60)} more h"
