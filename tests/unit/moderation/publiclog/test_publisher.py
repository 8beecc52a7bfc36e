"""The publisher's start."""

from __future__ import annotations

from pathlib import Path

import pytest

from moderation.log.fenced_writer import FencedWriter
from moderation.publiclog.publisher import AuditPublisher
from streams.errors import DependencyAway
from streams.settings import Settings
from tests.support.public_log import with_keys


async def test_failed_start_leaves_nothing_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped, really_stop = [], FencedWriter.stop

    async def start(writer: FencedWriter) -> None:
        raise DependencyAway("no broker", fix="start it")

    async def stop(writer: FencedWriter) -> None:
        stopped.append(writer)
        await really_stop(writer)

    monkeypatch.setattr(FencedWriter, "start", start)
    monkeypatch.setattr(FencedWriter, "stop", stop)
    publisher = AuditPublisher(with_keys(Settings()), tmp_path / "log")
    with pytest.raises(DependencyAway):
        await publisher.__aenter__()
    assert publisher._client.is_closed and len(stopped) == 1
