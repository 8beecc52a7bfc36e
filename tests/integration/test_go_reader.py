"""The Go reader of `client/go`: names against Python, and flags that Python wrote on a real Valkey."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hushtag_client.normalise import normalise

from devkit.stack.valkey_server import ValkeyServer
from streams.access.redis_rights import apply_redis_rights, redis_rights
from streams.access.roles import roles_named
from tests.support.paths import ROOT
from tests.support.worlds import ServerWorld, eventually, register

_GO = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
_FOLDER = ROOT / "client/go"
_AWKWARD = "#\uff03\uffa0\u3164\u1160\u0345\u0301\u0313\u200d\ufe0f\u00adßİſŉǰΐﬁK\u1e9e\u13a0\uab70\u1100\u1161\u11a8aα"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.long,
    pytest.mark.skipif(_GO is None, reason="Go is not installed: the Go reader is not tested"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("go") / "hushtag-check"
    subprocess.run([str(_GO), "build", "-o", built, "./cmd/hushtag-check"], cwd=_FOLDER, check=True, timeout=280)
    return built


def _ask(program: Path, lines: Sequence[Any], *options: str) -> list[Any]:
    asked = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run([program, *options], input=asked.encode(), capture_output=True, check=True, timeout=120)
    return [json.loads(line) for line in done.stdout.split(b"\n") if line]


def test_go_and_python_normalise_alike(program: Path) -> None:
    seed = int(os.environ.get("FIRST", "0"))
    dice = random.Random(seed)
    points = [chr(point) for point in range(1, sys.maxunicode + 1) if not 0xD800 <= point <= 0xDFFF]
    changing = [char for char in points if normalise.__wrapped__(char) != char]
    marks = [char for char in points if unicodedata.combining(char)]
    pools = (points, changing, changing, marks, list(_AWKWARD))
    texts = ["".join(dice.choice(dice.choice(pools)) for _ in range(dice.randint(2, 12))) for _ in range(150_000)]
    texts += ["a" + "".join(dice.choice(marks) for _ in range(dice.randint(8, 60))) for _ in range(20_000)]
    asked = points + texts
    answers = _ask(program, asked, "-normalise")
    wrong = [ascii(text) for text, found in zip(asked, answers, strict=True) if found != normalise.__wrapped__(text)]
    assert not wrong, f"seed {seed}: {len(wrong)} differ: {wrong[:5]}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ServerWorld]:
    server = ValkeyServer(tmp_path)
    server.start()
    made = ServerWorld(server)
    yield made
    made.close()
    server.kill()


def test_go_reads_flags_that_python_wrote(program: Path, world: ServerWorld) -> None:
    now_ms = world.redis.time()[0] * 1000
    until = {"expires_at_ms": now_ms + 3_600_000}
    written = [
        register("किसान", **until),
        register("straße".casefold(), country="IN", **until),
        register("contested", action="discount", weight=0.25, **until),
        register("person", source="human", action="hold"),
        register("7", source="legal", surface="account", country="IN"),
        *(register(f"tag{number}", **until) for number in range(2_000)),
    ]
    world.open(written, settled_ms=now_ms)
    world.run(world.store.heartbeat({0: now_ms, 1: now_ms}, now_ms, None, {0: ["trends"], 1: ["trends", "search"]}))
    reader = redis_rights(roles_named(["reader"]))
    assert reader is not None
    apply_redis_rights(world.url, reader, "reader", password="secret-of-the-reader")
    python = world.reader(clock=None)
    asked = [
        {"hashtag": tag, "surface": surface, "country": country}
        for tag in ("#किसान", "STRASSE", "Contested", "person", "tag1999", "other")
        for surface in ("trends", "search", "trend")
        for country in ("IN", "in", "", "ZZ")
    ]
    url = world.url.replace("redis://", "redis://reader:secret-of-the-reader@")
    answers = _ask(program, [*asked, {"account": "7", "country": "IN"}], "-redis", url)
    for question, found in zip(asked, answers, strict=False):
        answer = python.check(question["hashtag"], question["surface"], question["country"])
        by = answer.register.field if answer.register else ""
        expected = (answer.hashtag, answer.shown, answer.why, answer.weight, by, answer.warning or "")
        assert tuple(found[name] for name in ("hashtag", "shown", "why", "weight", "by", "warning")) == expected
    assert sum(found["why"] == "flagged" for found in answers[:-1]) >= 10
    assert answers[-1] == {"visibility": "withheld"}


def test_go_follows_changes_and_loss(program: Path, world: ServerWorld) -> None:
    now_ms = world.redis.time()[0] * 1000
    world.open([register("first", expires_at_ms=now_ms + 3_600_000)], settled_ms=now_ms)
    with subprocess.Popen([program, "-redis", world.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as going:

        def why(tag: str) -> str:
            assert going.stdin is not None and going.stdout is not None
            going.stdin.write(json.dumps({"hashtag": tag, "surface": "trends"}).encode() + b"\n")
            going.stdin.flush()
            return str(json.loads(going.stdout.readline())["why"])

        eventually(lambda: why("first") == "flagged")
        world.run(world.store.apply("0", [register("second", expires_at_ms=now_ms + 3_600_000)]))
        eventually(lambda: why("second") == "flagged")
        world.run(world.store.apply("0", [register("second", 2, "clear")]))
        eventually(lambda: why("second") == "clear")
        world.redis.flushall()
        assert why("first") == "flagged"
        world.open([register("third", expires_at_ms=now_ms + 3_600_000)], settled_ms=now_ms + 1_000)
        eventually(lambda: why("third") == "flagged")
        eventually(lambda: why("first") == "clear")
        going.kill()
