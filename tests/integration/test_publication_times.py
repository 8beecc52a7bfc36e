"""Times of publication from the change stream of a real Valkey."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hushtag_client import Register, keys

from devkit.stack.valkey_server import ValkeyServer
from moderation.domain.publication_times import wait_on_places
from moderation.log.drafts import AcceptedRecord
from streams.clock import now_ms
from streams.flags import lookup
from streams.flags.lookup import FlagLookup
from streams.flags.redis_store import RedisFlagStore
from streams.log.decisions import version_of
from streams.log.moderation import Override

pytestmark = pytest.mark.integration
SURFACES = ("search", "trends")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    made = ValkeyServer(tmp_path)
    made.start()
    yield made
    made.kill()


def block(surface: str, offset: int) -> Register:
    return Register(version=version_of(offset, 0), action="suppress", hashtag="तमिल|#", surface=surface, country="IN",
                    source="human")  # fmt: skip


async def test_change_stream_gives_the_moment_of_each_surface(
    server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "_CHANGES_COUNT", 2)
    store = RedisFlagStore(server.url, partitions=1)
    assert not (await store.reconcile(keys.MODERATION, [])).refused
    record = Override(
        id="a", hashtag="तमिल|#", display="t", country="IN", surfaces=SURFACES, actor="ann", reason="r", at_ms=now_ms(),
        edits="", action="block", expires_at_ms=0,
    )  # fmt: skip
    written = [AcceptedRecord(record, 7)]
    async with FlagLookup(server.url) as found:
        before = await wait_on_places(found, written, 0.1, now_ms)
        assert [one.published for one in before.surfaces] == [False, False] and before.note
        others = [replace(block("trends", 9), hashtag=f"tag{number}") for number in range(5)]
        for register in (block("search", 6), *others, block("trends", 7), block("search", 7), block("search", 8)):
            assert (await store.apply(keys.MODERATION, [register])).applied == 1
        after = await wait_on_places(found, written, 5.0, now_ms)
    await store.close()
    assert (after.published, after.note) == (True, "")
    assert record.at_ms - 1_000 <= (after.published_at_ms or 0) <= now_ms()
    search, trends = (one.published_at_ms or 0 for one in after.surfaces)
    assert trends <= search == after.published_at_ms, "trends got it first"
