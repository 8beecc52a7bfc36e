"""Effect of the story on a surface: the visibility of every account and hashtag, compared with what it must be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hushtag_client import AsyncFlagsClient

from streams.clock import monotonic_seconds

SURFACES = ("search", "trends")
_VISIBLE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class ExpectedEffect:
    """State that a surface must show; every other account and hashtag of the story is unrestricted."""

    accounts: Sequence[str]
    """All accounts of the story."""
    suspended: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()
    """Accounts withheld in India; those that are suspended too count as suspended."""
    reduced: frozenset[str] = frozenset()
    """Hashtags hidden in India by an order."""
    tags: Sequence[str] = ()
    """All hashtags of the story."""


def differences(flags: AsyncFlagsClient, expected: ExpectedEffect) -> list[str]:
    """List where a surface does not apply the decisions; [] if it applies all."""
    checks: list[tuple[str, Iterable[bool]]] = [
        ("in the right state in IN", (
            flags.account_visibility(account, "IN") == _state(expected, account, expected.withheld)
            for account in expected.accounts
        )),
        ("in the right state elsewhere", (
            flags.account_visibility(account, where) == _state(expected, account, frozenset())
            for account in expected.accounts for where in ("US", None)
        )),
        ("hidden in IN or shown there", (
            _held(flags, tag, surface, "IN") == (tag in expected.reduced)
            for tag in expected.tags for surface in SURFACES
        )),
        ("shown elsewhere", (not _held(flags, tag, s, "US") for tag in expected.tags for s in SURFACES)),
    ]  # fmt: skip
    return [f"not all are {what}" for what, holds in checks if not all(holds)]


async def until_applied(flags: AsyncFlagsClient, expected: ExpectedEffect) -> tuple[float, list[str]]:
    """Wait until a surface applies the decisions; return the seconds that it took and the remaining differences."""
    began = monotonic_seconds()
    await _until(lambda: not differences(flags, expected))
    return monotonic_seconds() - began, differences(flags, expected)


def _state(expected: ExpectedEffect, account: str, withheld: frozenset[str]) -> str:
    return "suspended" if account in expected.suspended else "withheld" if account in withheld else "visible"


def _held(flags: AsyncFlagsClient, tag: str, surface: str, country: str) -> bool:
    # There are no tweets, so only an order can hide the hashtag; legal flags do not need the pipeline.
    register = flags.check(tag, surface, country).register
    return register is not None and register.source == "legal"


async def _until(holds: Callable[[], bool]) -> None:
    deadline = monotonic_seconds() + _VISIBLE_SECONDS
    while not holds():
        if monotonic_seconds() > deadline:
            return  # the caller reports the differences
        await asyncio.sleep(0.02)
