"""Ask for the accounts of handles: a service by HTTPS, or a file (HUSHTAG_HANDLE_RESOLVER).

The service gets `GET` with the handle in the address and answers JSON with `id`, at the top or below `data`; 404 means
that no account has the handle. Few requests run at once. A request is repeated after a fault of the network, 429 or
5xx. After many failures in a row the service counts as away, and the remaining handles are not asked for.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from moderation.domain.orders.handles import NO_ACCOUNT, HandleResult, ResolvedHandle, UnresolvedHandle
from moderation.domain.tables import MOST_BYTES, BadCell, RowProblem, account_of, read_table
from streams.clock import now_ms
from streams.errors import CallerMistake, DependencyAway

if TYPE_CHECKING:
    import httpx

    from streams.exchange import BoundedClient
    from streams.settings import Settings

MOST_REQUESTS = 8
"""Maximum number of requests at once."""
ATTEMPTS = 4
FAILURES_IN_A_ROW = 20
"""Handles without an answer, one after the other, from which the service counts as away."""
EXCHANGE_SECONDS = 10.0
_LONGEST_PAUSE_SECONDS = 30.0
_MOST_BYTES = 64 * 1024
_MOST_ROWS = 10_000_000
_NO_ID = UnresolvedHandle("the resolver's answer has no account id", 'it must be JSON such as {"id": "1234567890"}')
_LATER = "take the file in again once it answers: known targets are recognised"


async def resolve_handles(
    handles: Sequence[str],
    settings: Settings,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    on_done: Callable[[], None] = lambda: None,
) -> dict[str, HandleResult]:
    """Resolve handles; the results are by handle in lower case, and empty where no resolver is set.

    Args:
        handles: handles without `@`.
        settings: where to ask.
        transport: HTTP transport for tests.
        pause: waits some seconds between attempts.
        on_done: called after each handle.

    Raises:
        CallerMistake: the file cannot be used, or the service refuses the key.
    """
    where = settings.handle_resolver
    if not handles or not where:
        return {}
    if not where.startswith("https://"):
        accounts, at_ms = await asyncio.to_thread(read_handle_file, Path(where)), now_ms()
        return {
            handle.lower(): ResolvedHandle(accounts[handle.lower()], at_ms)
            if handle.lower() in accounts
            else NO_ACCOUNT
            for handle in handles
        }
    import httpx  # its import takes a quarter of a second, which other commands should not wait for

    from streams.exchange import BoundedClient

    key = settings.handle_resolver_key.get_secret_value()
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    limits = httpx.Limits(max_connections=MOST_REQUESTS)
    async with BoundedClient(
        seconds=EXCHANGE_SECONDS, answer_bytes=_MOST_BYTES, headers=headers, limits=limits, transport=transport
    ) as client:
        return await _Service(client, where, pause, on_done).resolve(handles)


def check_answered(results: Mapping[str, HandleResult]) -> None:
    """Check that the resolver answered for every handle.

    Raises:
        DependencyAway: it did not.
    """
    if any(isinstance(result, UnresolvedHandle) and result.away for result in results.values()):
        raise DependencyAway(
            "HUSHTAG_HANDLE_RESOLVER does not answer, and no other target can be used",
            fix="take the order in again once it answers",
        )


def read_handle_file(path: Path) -> dict[str, str]:
    """Read account ids by handle in lower case: CSV with `handle` and `account`, or a JSON object.

    Raises:
        CallerMistake: the file cannot be used.
    """
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        words = f"HUSHTAG_HANDLE_RESOLVER: {path} cannot be read: {error.strerror}"
        raise CallerMistake(words, fix="set it to the path of a file") from None
    if path.suffix.lower() == ".json":
        try:
            read = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise CallerMistake(f"{name} is not JSON: {str(error)[:120]}", fix='such as {"name": "12"}') from None
        if not isinstance(read, dict):
            raise CallerMistake(f"{name} is not a JSON object", fix='such as {"name": "1234567890"}')
        cells = [(f"{name}, {handle!r}", handle, str(account)) for handle, account in read.items()]
    else:
        cells = []
        lines = read_table(
            data, name, columns=("handle", "account"), required=("handle", "account"), most_rows=_MOST_ROWS
        )
        for line in lines:
            if isinstance(line, RowProblem):
                raise CallerMistake(f"{name}, {line}", fix=line.fix)
            cells.append((f"{name}, {line.where}", line.cells["handle"], line.cells["account"]))
    accounts: dict[str, str] = {}
    for where, written, account in cells:
        handle = written.strip().removeprefix("@").lower()
        try:
            value = account_of("account", account)
        except BadCell as bad:
            raise CallerMistake(f"{where}: {bad.value!r} is {bad.problem}", fix=bad.fix) from None
        if accounts.setdefault(handle, value) != value:
            raise CallerMistake(f"{where}: {handle!r} has two accounts", fix="keep one of them")
    return accounts


class _Service:
    """One run over a list of handles."""

    def __init__(
        self,
        client: BoundedClient,
        template: str,
        pause: Callable[[float], Awaitable[None]],
        on_done: Callable[[], None],
    ) -> None:
        self._client, self._template, self._pause, self._on_done = client, template, pause, on_done
        self._failures = 0
        self._last_failure = ""

    async def resolve(self, handles: Sequence[str]) -> dict[str, HandleResult]:
        results: dict[str, HandleResult] = {}
        waiting = iter(handles)

        async def work() -> None:
            for handle in waiting:
                results[handle.lower()] = await self._one(handle)
                self._on_done()

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(MOST_REQUESTS, len(handles))):
                    group.create_task(work())
        except* CallerMistake as several:
            raise several.exceptions[0] from None
        return results

    async def _one(self, handle: str) -> HandleResult:
        if self._failures >= FAILURES_IN_A_ROW:
            return UnresolvedHandle(f"not asked for: the resolver is away ({self._last_failure})", _LATER, away=True)
        import httpx

        why = ""
        for attempt in range(ATTEMPTS):
            wait_seconds = 0.5 * 2**attempt
            try:
                answer = await self._client.get(self._template.replace("{handle}", quote(handle, safe="")))
            except httpx.RequestError as error:
                why = str(error) or type(error).__name__
            else:
                if answer.status_code < 500 and answer.status_code != 429:
                    self._failures = 0
                    return self._read(answer)
                why = f"HTTP {answer.status_code}"
                wait_seconds = max(wait_seconds, _retry_after_seconds(answer))
            if attempt < ATTEMPTS - 1:
                await self._pause(min(wait_seconds, _LONGEST_PAUSE_SECONDS))
        self._failures += 1
        self._last_failure = why
        return UnresolvedHandle(f"the resolver does not answer: {why}", _LATER, away=True)

    def _read(self, answer: httpx.Response) -> HandleResult:
        if answer.status_code in (404, 410):
            return NO_ACCOUNT
        if answer.status_code in (401, 403):
            raise CallerMistake(
                f"HUSHTAG_HANDLE_RESOLVER answers {answer.status_code}: it refuses the key",
                fix="check HUSHTAG_HANDLE_RESOLVER_KEY; nothing was taken in",
            )
        if answer.status_code != 200:
            return UnresolvedHandle(f"the resolver answers HTTP {answer.status_code}", "give the account id")
        try:
            account = _account(answer.json())
        except (ValueError, RecursionError):
            account = ""
        return ResolvedHandle(account, now_ms()) if account else _NO_ID


def _account(read: Any) -> str:
    """Return the id in an answer, at the top or below `data`; "" if it has none."""
    if isinstance(read, dict) and "id" not in read:
        read = read.get("data")
    written = read.get("id") if isinstance(read, dict) else None
    text = str(written) if isinstance(written, str | int) and not isinstance(written, bool) else ""
    return text if re.fullmatch(r"[0-9]{1,20}", text) else ""


def _retry_after_seconds(answer: httpx.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return float(text) if re.fullmatch(r"[0-9]{1,6}", text) else 0.0
