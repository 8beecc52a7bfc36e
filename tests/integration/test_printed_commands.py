"""Every command that the runbooks and the README print, run as it is printed against a real pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.settings import Settings
from tests.support.printed_commands import printed_commands
from tests.support.printed_world import PrintedWorld

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture
def world(topics: Settings, tmp_path: Path) -> Iterator[PrintedWorld]:
    prepared = PrintedWorld(topics, tmp_path)
    try:
        prepared.start()
        yield prepared
    finally:
        prepared.stop()


def test_commands_of_runbooks_and_readme_run_as_printed(world: PrintedWorld) -> None:
    pages = (Path("README.md"), Path("docs/runbooks.md"))
    commands = dict.fromkeys(command for page in pages for command in printed_commands(page))
    assert len(commands) > 30
    assert [fault for command in commands if (fault := world.run(command))] == []
