"""The generated vectors of the flags contract: a reader that follows states, and warnings of unknown scopes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hushtag_client import MemoryFlagsClient
from hushtag_client.answers import Answers
from hushtag_client.countries import COUNTRIES

from streams.countries import COUNTRIES as COUNTRIES_OF_PIPELINE
from tests.support.flag_vectors import StateServer, server_with_heartbeats
from tests.support.paths import ROOT
from tests.vectors.generated import COMMAND, GENERATED

VECTORS = ROOT / "docs/vectors"
FOLLOWING = json.loads((VECTORS / "following.json").read_text("utf-8"))
SCOPES = json.loads((VECTORS / "scopes.json").read_text("utf-8"))


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: str(path.relative_to(ROOT)))
def test_generated_vectors_are_current(path: Path) -> None:
    assert path.read_text("utf-8") == GENERATED[path](), f"run {COMMAND}"


def test_go_names_every_file_of_vectors() -> None:
    """Its own check needs Go."""
    named = re.findall(r'"([\w-]+\.json)": ', (ROOT / "client/go/hushtag_test.go").read_text("utf-8"))
    assert {*named, "normalise-data.json"} == {path.name for path in VECTORS.glob("*.json")}


@pytest.mark.parametrize("case", FOLLOWING["cases"], ids=lambda case: case["name"])
def test_following_vectors(case: dict[str, Any]) -> None:
    server, now = StateServer(), [0]
    client = MemoryFlagsClient(server, clock=lambda: now[0], surface_defaults={"search": "hide"})  # type: ignore[arg-type]
    for number, step in enumerate(case["steps"], 1):
        before = server.snapshots
        server.become(step["server"], step.get("after_mark"))
        now[0] = step["at_ms"]
        client.catch_up()
        assert (server.snapshots > before) is step["snapshot"], f"step {number}"
        for asked in step["questions"]:
            _check(client, asked, f"step {number}: {asked}")


def _check(client: Answers, asked: dict[str, Any], where: str) -> None:
    if "account" in asked:
        assert client.account_visibility(asked["account"], asked["country"]) == asked["visibility"], where
        return
    answer = client.check(asked["hashtag"], asked["surface"], asked["country"])
    by = answer.register.field if answer.register else None
    assert (answer.shown, answer.why, by) == (asked["shown"], asked["why"], asked["by"]), where
    assert answer.warning == asked.get("warning"), where


@pytest.mark.parametrize("case", SCOPES["cases"], ids=lambda case: case["name"])
def test_scope_vectors(case: dict[str, Any]) -> None:
    server = server_with_heartbeats(case["registers"], case["heartbeats"], case["reconciled"])
    client = MemoryFlagsClient(server, clock=lambda: case["seen_ms"], surface_defaults={"search": "hide"})
    for _ in range(2):  # the second answer may come from a cache
        for asked in case["questions"]:
            _check(client, asked, str(asked))


def test_countries_of_client_pipeline_and_vectors_agree() -> None:
    assert set(SCOPES["countries"]) == COUNTRIES == COUNTRIES_OF_PIPELINE
