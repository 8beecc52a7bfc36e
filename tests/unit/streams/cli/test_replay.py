"""`hushtag replay` over files of log lines."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from streams.cli import replay
from streams.counting.sketch import KeyedHash
from streams.errors import CallerMistake
from streams.log.author_sketches import AuthorSketch
from streams.log.evidence import decode_evidence_record
from streams.log.partials import encode_partial
from streams.scoring import load_text_scorer
from streams.settings import load_settings
from streams.windows.corrections import Corrections
from tests.support.block_counts import flush
from tests.support.orders_world import NOW_MS, OrdersWorld, accounts
from tests.support.word_policy import POLICY

APP = typer.Typer()
replay.register(APP)


@APP.callback()
def _root() -> None:
    """Keep the name of the only command."""


def lines(path: Path, records: list[dict[str, object]]) -> str:
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    return str(path)


def tweets(path: Path, text: str = "good morning") -> str:
    """Write a minute of tweets by twenty accounts under one tag."""
    decisions = [
        {"id": str(n), "author_id": str(n % 20), "created_at_ms": NOW_MS + 1_000 * n, "country": "IN",
         "text": f"{text} {n} #tag"}
        for n in range(60)
    ]  # fmt: skip
    return lines(path, [
        {"partition": 0, "offset": n, "log_time_ms": one["created_at_ms"], "key": None, "value": json.dumps(one)}
        for n, one in enumerate(decisions)
    ])  # fmt: skip


def test_replay_applies_account_facts_of_moderation_dump(tmp_path: Path) -> None:
    world = OrdersWorld()
    order = world.intake(accounts(*range(5)))
    world.review(order)
    world.rule(order, "withheld", *map(str, range(5)))
    world.step(order, "final")
    people = lines(tmp_path / "moderation.jsonl", [
        {"partition": 0, "offset": at, "log_time_ms": NOW_MS, "key": key.decode(), "value": value.decode()}
        for at, (value, key) in enumerate(world.log.records)
    ][::-1])  # fmt: skip
    evidence = tmp_path / "evidence.jsonl"
    given = [tweets(tmp_path / "tweets.jsonl"), "--moderation", people, "--evidence", str(evidence), "--shards", "1"]
    done = CliRunner().invoke(APP, ["replay", *given])
    assert done.exit_code == 0, done.output
    assert authors(evidence) == {"*": 20, "IN": 15}
    assert evidence.stat().st_mode & 0o077 == 0


def authors(evidence: Path) -> dict[str, int]:
    """Return the largest author count of the tag at any tick, by country."""
    found: dict[str, int] = {}
    for line in evidence.read_text().splitlines():
        record = decode_evidence_record(base64.b64decode(json.loads(line)["value_base64"]))
        for country, count in zip(
            record.countries, np.frombuffer(record.everyone.authors, "<i8").tolist(), strict=True
        ):
            found[country] = max(found.get(country, 0), count)
    return found


def test_other_file_as_moderation_is_refused(tmp_path: Path) -> None:
    given = tweets(tmp_path / "tweets.jsonl")
    with pytest.raises(CallerMistake, match=r"is not a dump of the moderation topic.*no keys"):
        CliRunner().invoke(APP, ["replay", given, "--moderation", given], catch_exceptions=False)


def test_replay_applies_corrections_of_partials_dump(tmp_path: Path) -> None:
    """Unreadable records, and corrections of another model, do not count."""
    scorer, ids = load_text_scorer(), range(60)
    columns, given = 1 + len(scorer.categories), tweets(tmp_path / "tweets.jsonl")

    def record(model: str, by: float) -> bytes:
        differences = np.full((len(ids), columns), by, "<f4")
        return encode_partial(Corrections(
            "new", model, ["tag"] * len(ids), np.array(ids, "<i8").tobytes(), differences.tobytes()
        ))  # fmt: skip

    marker = encode_partial(flush(watermark_ms=NOW_MS + 30_000))
    values = [marker, record("another", 0.5), b"c\xc1", record(scorer.revision, 0.125), record(scorer.revision, 0.5)]
    partials = lines(tmp_path / "partials.jsonl", [
        {"partition": 0, "offset": at, "log_time_ms": NOW_MS, "value_base64": base64.b64encode(value).decode()}
        for at, value in enumerate(values)
    ][::-1])  # fmt: skip

    def shares(*more: str) -> dict[int, tuple[int, float]]:
        evidence = tmp_path / "evidence.jsonl"
        done = CliRunner().invoke(APP, ["replay", given, "--evidence", str(evidence), "--shards", "1", *more])
        assert done.exit_code == 0, done.output
        found = {}
        for line in evidence.read_text().splitlines():
            one = decode_evidence_record(base64.b64decode(json.loads(line)["value_base64"]))
            if not one.rows:
                continue
            row = one.countries.index("*")
            authors = one.everyone
            looked = int(np.frombuffer(authors.looked, "<u2")[row]) if authors.looked else 0
            found[one.tick_ms] = (looked, float(np.frombuffer(authors.share, "<f8").reshape(-1, columns)[row, 0]))
        return found

    plain, corrected = shares(), shares("--partials", partials)
    assert corrected[NOW_MS + 30_000] == plain[NOW_MS + 30_000], "the correction came later"
    tick_ms = max(plain)
    assert plain[tick_ms][0] == 0 and corrected[tick_ms][0] == 20
    assert corrected[tick_ms][1] == pytest.approx(min(1.0, plain[tick_ms][1] + 0.125))


def test_replay_applies_sketches_from_their_record_on(tmp_path: Path) -> None:
    """The log has the sketch in time, late, or not at all."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        POLICY.replace("mode: shadow", "mode: suppress\n    corroborate: {need: 1, authors: 99, successor: 0.4}")
        .replace("suppress_at: 0.45", "suppress_at: 0.1")
        .replace("clear_at: 0.3", "clear_at: 0.05")
    )
    source = tweets(tmp_path / "tweets.jsonl", text="you are filthy vermin, get out")
    hashes = KeyedHash(load_settings().hash_key.get_secret_value().encode()).authors(list(range(20)))
    sketch = AuthorSketch("old", "*", NOW_MS - 600_000, NOW_MS + 600_000, 2**64 - 1, np.sort(hashes).tobytes())
    hidden = {}
    for name, log in {
        "in time": [sketch], "late": [flush(watermark_ms=NOW_MS + 30_000), sketch], "never": [flush()],
    }.items():  # fmt: skip
        dump = lines(tmp_path / "partials.jsonl", [
            {"partition": 0, "offset": at, "log_time_ms": NOW_MS,
             "value_base64": base64.b64encode(encode_partial(one)).decode()}
            for at, one in enumerate(log)
        ][::-1])  # fmt: skip
        given = ["replay", source, "--partials", dump, "--policy", str(policy), "--shards", "1"]
        done = CliRunner().invoke(APP, given)
        assert done.exit_code == 0, done.output
        decisions = [one for one in map(json.loads, done.stdout.splitlines()) if one["country"] == "*"]
        hides = [one for one in decisions if any(ruling["action"] == "suppress" for ruling in one["rulings"])]
        hidden[name] = min((one["tick_ms"] - NOW_MS for one in hides), default=None)
    assert hidden["never"] is None and hidden["in time"] is not None
    assert hidden["in time"] < 30_000 < hidden["late"]


def test_other_dump_as_partials_is_refused(tmp_path: Path) -> None:
    other = lines(tmp_path / "x.jsonl", [{"partition": 0, "offset": 0, "log_time_ms": NOW_MS, "value": "{}"}])
    done = CliRunner().invoke(APP, ["replay", tweets(tmp_path / "tweets.jsonl"), "--partials", other])
    assert isinstance(done.exception, CallerMistake) and "hushtag dump hashtag-partials" in done.exception.fix


@pytest.mark.parametrize("option", ["--evidence", "--panes"])
def test_unwritable_output_is_reported(tmp_path: Path, option: str) -> None:
    done = CliRunner().invoke(APP, ["replay", tweets(tmp_path / "tweets.jsonl"), option, str(tmp_path / "no" / "such")])
    assert isinstance(done.exception, CallerMistake)
    assert "cannot write" in str(done.exception) and "No such file" in str(done.exception)


def test_bad_line_keeps_files_of_earlier_run(tmp_path: Path) -> None:
    source = tweets(tmp_path / "tweets.jsonl")
    with open(source, "a") as file:
        file.write('{"partition": "none"}\n')
    given = []
    for option in ("evidence", "panes"):
        (tmp_path / option).write_text("of an earlier run")
        given += [f"--{option}", str(tmp_path / option)]
    done = CliRunner().invoke(APP, ["replay", source, *given])
    assert isinstance(done.exception, CallerMistake), done.output
    assert [(tmp_path / name).read_text() for name in ("evidence", "panes")] == ["of an earlier run"] * 2


def test_leading_blank_lines_are_ignored(tmp_path: Path) -> None:
    source = Path(tweets(tmp_path / "tweets.jsonl"))
    source.write_text("\n  \n" + source.read_text())
    done = CliRunner().invoke(APP, ["replay", str(source)])
    assert done.exit_code == 0
    assert "60 tweets" in done.stderr and "0 dead letters" in done.stderr
