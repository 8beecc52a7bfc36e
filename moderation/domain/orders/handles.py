"""Handles that an order names instead of account ids: `@name` and links to profiles. Pure.

The owner of a handle can change, so an order acts on the account that the handle belonged to when it was resolved. The
target keeps the account id, the handle and that time. `moderation.outward.handle_resolver` asks for the accounts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from moderation.domain.orders.addresses import SHARED, address_fix, named_target
from moderation.domain.tables import BadCell, TableLine, account_of

_NAME = r"(?=[.-]*\w)[\w.-]{1,50}"  # not "..", which would be another address of the resolver


@dataclass(frozen=True, slots=True)
class ResolvedHandle:
    """Account to which a handle belonged at a moment."""

    account: str
    resolved_ms: int


@dataclass(frozen=True, slots=True)
class UnresolvedHandle:
    """Reason why a handle has no account, and what to do."""

    problem: str
    fix: str
    away: bool = False
    """Whether the resolver did not answer."""


HandleResult = ResolvedHandle | UnresolvedHandle
NO_RESOLVER = UnresolvedHandle(
    "a handle, and no resolver is set",
    "set HUSHTAG_HANDLE_RESOLVER, or give the account id: the owner of a handle can change",
)
NO_ACCOUNT = UnresolvedHandle("no account has this handle", "check the spelling, or give the account id")


class Handles:
    """Results of a resolver, for the cells of a file.

    Args:
        results: results by handle, in lower case; a missing handle was never asked for.
        profile_url: shape of the platform's own profile links, with `{handle}`.
    """

    def __init__(self, results: Mapping[str, HandleResult] | None = None, profile_url: str = "") -> None:
        self.results = results or {}
        self._profile_url = profile_url

    def account(self, field: str, written: str) -> tuple[str, str, int]:
        """Return the account id of a cell, its handle ("" for an id), and the time of resolving in ms.

        Raises:
            BadCell: it is neither an id nor a handle, or the handle has no account.
        """
        handle = handle_of(written, self._profile_url)
        if not handle:
            return _account(field, written), "", 0
        result = self.results.get(handle.lower(), NO_RESOLVER)
        if isinstance(result, UnresolvedHandle):
            raise BadCell(field, written, result.problem, result.fix)
        return result.account, handle, result.resolved_ms


def handle_of(written: str, profile_url: str = "") -> str:
    """Return the handle that a text names, without `@`; "" if it names none.

    >>> handle_of("@Name"), handle_of("https://x.com/Name?s=20"), handle_of("https://x.com/Name/media")
    ('Name', 'Name', '')
    >>> handle_of("https://x.com/i/user/12"), handle_of("https://example.org/u/ann", "https://example.org/u/{handle}")
    ('', 'ann')
    """
    text = written.strip()
    if match := re.fullmatch(rf"[@＠]({_NAME})", text):
        return match[1]
    if profile_url and (match := _shape(profile_url).fullmatch(text)):
        return match[1]
    named = named_target(text)
    return named.value if named is not None and named.kind == "handle" else ""


def handles_in(lines: Iterable[object], profile_url: str = "") -> list[str]:
    """List the distinct handles in the targets and authors of a file, in its order."""
    handles: dict[str, str] = {}
    for line in lines:
        if isinstance(line, TableLine):
            for column in ("target", "author"):
                if handle := handle_of(line.cells.get(column, ""), profile_url):
                    handles.setdefault(handle.lower(), handle)
    return list(handles.values())


def _account(field: str, written: str) -> str:
    """Return the account id that a cell without a handle names."""
    text = written.strip()
    named = named_target(text)
    if named is not None and named.kind == "account":
        return named.value
    if text.lower().startswith("http"):
        raise BadCell(field, text, "the address names no account", address_fix(text))
    return account_of(field, text)


@cache
def _shape(profile_url: str) -> re.Pattern[str]:
    """Compile the platform's profile links: either scheme, with or without what a share button adds."""
    before, _, after = re.sub(r"^https?://", "", profile_url).partition("{handle}")
    return re.compile(rf"https?://(?:www\.)?{re.escape(before)}({_NAME}){re.escape(after)}/?{SHARED}", re.IGNORECASE)
