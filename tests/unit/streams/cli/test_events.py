"""`hushtag hashtags` and `hushtag inspect`."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from streams.cli.events import register
from streams.errors import EXIT_CALLER, CallerMistake
from streams.events.faults import MAX_BYTES
from tests.support.payloads import DELETION, NATIVE, NOTICES, V1, V2


def run(command: str, *lines: bytes, options: tuple[str, ...] = ()) -> Result:
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, [command, *options], input=b"\n".join(lines))


def rows(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0
    return [json.loads(line) for line in result.stdout.splitlines()]


def encoded(payload: Any) -> bytes:
    return json.dumps(payload).encode()


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_hashtags(options: tuple[str, ...]) -> None:
    result = run(
        "hashtags", encoded({"text": "#Köln und ＃KÖLN 😀#b", "other": 1}), b'{"text":"none"}\r', options=options
    )
    assert rows(result) == [
        {
            "hashtags": [
                {"hashtag": "köln", "display": "Köln", "indices": [0, 5]},
                {"hashtag": "köln", "display": "KÖLN", "indices": [10, 15]},
                {"hashtag": "b", "display": "b", "indices": [17, 19]},
            ]
        },
        {"hashtags": []},
    ]


def test_hashtags_without_lines_prints_nothing() -> None:
    assert rows(run("hashtags")) == rows(run("inspect")) == []


@pytest.mark.parametrize(
    "line",
    [b"", b"nope", b"[]", b'{"tex":"a"}', b'{"text":5}', b'{"text":"\\ud800"}', b'{"text":"\xff"}', b"[" * 10_000],
)
def test_hashtags_ends_at_bad_line(line: bytes) -> None:
    result = run("hashtags", b'{"text":"#ok"}', line, b'{"text":"#never"}')
    assert isinstance(result.exception, CallerMistake)
    assert result.exception.exit_code == EXIT_CALLER
    assert str(result.exception).startswith("line 2: ")
    assert '{"text"' in result.exception.fix
    assert result.stdout.count("\n") == 1
    assert "ok" in result.stdout


def test_inspect() -> None:
    assert rows(run("inspect", encoded(V1), encoded(V2), encoded(NATIVE), encoded({**NATIVE, "country": None}))) == [
        {
            "ok": True,
            "kind": "tweet",
            "id": "1790000000000000001",
            "author_id": "42",
            "country": "IN",
            "created_at_ms": 1_706_250_605_000,
            "hashtags": [{"hashtag": "farmersprotest", "display": "FarmersProtest", "indices": [29, 44]}],
        },
        {
            "ok": True,
            "kind": "tweet",
            "id": "1790000000000000002",
            "author_id": "43",
            "country": "BD",
            "created_at_ms": 1_706_250_605_250,
            "hashtags": [{"hashtag": "monsoon", "display": "Monsoon", "indices": [16, 24]}],
        },
        (
            native := {
                "ok": True,
                "kind": "tweet",
                "id": "1790000000000000001",
                "author_id": "42",
                "country": "IN",
                "created_at_ms": 1_700_000_000_123,
                "hashtags": [
                    {"hashtag": "farmersprotest", "display": "FarmersProtest", "indices": [21, 36]},
                    {"hashtag": "किसान", "display": "किसान", "indices": [37, 43]},
                ],
            }
        ),
        {**native, "country": ""},
    ]


def test_inspect_prints_null_for_absent_fields() -> None:
    lines = rows(run("inspect", encoded(DELETION), *map(encoded, NOTICES[:4])))
    bare = {"leaves": ["samples"], "countries": ["*"]}
    nothing: dict[str, Any] = {
        "ok": True,
        "id": None,
        "author_id": None,
        "country": None,
        "created_at_ms": None,
        "hashtags": [],
    }
    assert [{**one, "hashtags": []} for one in lines] == [
        {
            **nothing,
            "kind": "delete",
            "id": DELETION["id"],
            "author_id": "42",
            "country": "IN",
            "created_at_ms": 1_700_000_000_123,
            "leaves": ["counts", "samples"],
            "countries": ["*"],
        },
        {**nothing, **bare, "kind": "delete", "id": "12", "author_id": "3"},
        {**nothing, "kind": "limit"},
        {
            **nothing,
            "kind": "withheld",
            "id": "12",
            "author_id": "3",
            "country": "DE",
            "leaves": ["samples"],
            "countries": ["DE"],
        },
        {**nothing, "kind": "withheld", "author_id": "3", "leaves": [], "countries": ["AR", "DE"]},
    ]
    assert [use["indices"] for use in lines[0]["hashtags"]] == [None, None]


def test_inspect_answers_bad_lines() -> None:
    lines = [b"", b"nope", encoded(NATIVE), b'{"id":"1"}', b"\xff", b"[" * 10_000, b'{"text":"a"}']
    expected = ["empty", "not_json", None, "missing_field", "not_utf8", "too_deep", "missing_field"]
    found = rows(run("inspect", *lines))
    assert [one.get("reason") for one in found] == expected
    assert found[3] == {"ok": False, "reason": "missing_field", "field": "author_id"}


def test_inspect_accepts_largest_record_with_line_end() -> None:
    padding = MAX_BYTES - len(encoded({**NATIVE, "padding": ""}))
    largest = encoded({**NATIVE, "padding": "x" * padding})
    assert [one["ok"] for one in rows(run("inspect", largest, largest + b"\r", largest + b" ", b""))] == [
        True,
        True,
        False,
    ]
