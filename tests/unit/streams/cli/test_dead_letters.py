"""`hushtag dead-letters`: lists and shows what could not be read, and sends tweets again, each origin once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from streams.cli import dead_letters, redrive
from streams.cli.redrive import CLAIM_MS, owner_of
from streams.errors import CallerMistake
from streams.log.dead_letters import MARK, REDRIVEN_FROM, RUN, Mark
from tests.support.shells import NOW_MS, Sender, Topics

TWEET = json.dumps({"id": "7", "author_id": "8", "created_at_ms": NOW_MS, "text": "hello #tag"}).encode()
TWEETS, LETTERS, INTERNAL = "tweets", "tweets-dead-letter", "internal-dead-letter"


class LetterTopics:
    """Kafka in memory with four dead letters of tweets and an internal one, ten minutes apart."""

    def __init__(self) -> None:
        self.topics = Topics()
        self.sender = Sender(self.topics, at_once=True)
        self.topics.logs[TWEETS, 0], self.topics.logs[TWEETS, 1] = [], []
        self.add(LETTERS, TWEETS, 1, 11, TWEET, "bad_type", field="id")
        self.add(LETTERS, TWEETS, 0, 12, b"{", "not_json")
        self.add(LETTERS, TWEETS, 0, 13, b"\xff", "not_utf8")
        self.add(LETTERS, TWEETS, 0, 14, TWEET[:9], "too_long", **{"source-bytes": "4000000"})
        self.add(INTERNAL, "suppression-decisions", 2, 5, None, "empty")
        self.add(LETTERS, TWEETS, 1, 11, TWEET, "bad_type", field="id")  # a worker that replays sends it again

    def add(
        self, kept_in: str, topic: str, partition: int, offset: int, value: bytes | None, reason: str, **more: str
    ) -> None:
        headers = {
            "reason": reason,
            "source-topic": topic,
            "source-partition": str(partition),
            "source-offset": str(offset),
            **more,
        }
        key = f"{topic}/{partition}/{offset}".encode()
        encoded = [(name, text.encode()) for name, text in headers.items()]
        self.topics.append(kept_in, 0, value, key=key, headers=encoded)
        self.topics.now_ms += 600_000

    def mark(self, state: str, run: str, origin: str = "tweets/1/11") -> None:
        self.topics.append(LETTERS, 0, None, key=origin.encode(), headers=[(MARK, state.encode()), (RUN, run.encode())])

    def sent(self) -> list[tuple[int, bytes | None, dict[str, bytes]]]:
        return [(p, one.value, dict(one.headers)) for p in (0, 1) for one in self.topics.read(TWEETS, p)]

    def marks(self) -> list[str]:
        headers = (dict(one.headers) for one in self.topics.read(LETTERS, 0))
        return [found[MARK].decode() for found in headers if MARK in found]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> LetterTopics:
    made = LetterTopics()
    monkeypatch.setenv("HUSHTAG_TOPIC_PREFIX", "")
    monkeypatch.setattr("streams.log.dead_letters.LogReader", made.topics.reader)
    monkeypatch.setattr(redrive, "LogReader", made.topics.reader)
    monkeypatch.setattr(redrive, "Sender", lambda _: made.sender)
    for module in (redrive, dead_letters):
        monkeypatch.setattr(module, "now_ms", lambda: made.topics.now_ms)
    return made


def run(*arguments: str) -> Result:
    app = typer.Typer()
    dead_letters.register(app)
    return CliRunner().invoke(app, ["dead-letters", *arguments])


def objects(done: Result) -> Iterator[dict[str, Any]]:
    return map(json.loads, done.stdout.splitlines())


@pytest.mark.parametrize(
    ("filters", "offsets"),
    [
        ([], [11, 12, 13, 14, 5]),
        (["--of", "internal"], [5]),
        (["--of", "tweets"], [11, 12, 13, 14]),
        (["--reason", "not_json", "--reason", "empty"], [12, 5]),
        (["--since", "35m"], [14, 5]),
        (["--until", "35m"], [11, 12, 13]),
        (["--since", "45m", "--until", "35m"], [13]),
    ],
)
def test_list_filters_by_topic_reason_and_time(world: LetterTopics, filters: list[str], offsets: list[int]) -> None:
    done = run("list", "--json", *filters)
    assert [int(one["origin"].rsplit("/", 1)[1]) for one in objects(done)] == offsets


def test_list_gives_reason_and_size_of_each_origin_once(world: LetterTopics) -> None:
    found = {one["origin"]: one for one in objects(run("list", "--json"))}
    assert found["tweets/1/11"] == {
        "origin": "tweets/1/11", "reason": "bad_type", "field": "id", "found": "", "fix": "", "at_ms": NOW_MS,
        "bytes": len(TWEET), "kept_in": LETTERS, "redriven": False,
    }  # fmt: skip
    assert found["tweets/0/14"]["bytes"] == 4_000_000 and len(found) == 5
    text = run("list").stdout
    assert "tweets/1/11\t2021-01-25 18:40:00 UTC\tbad_type\tid\t" in text and len(text.splitlines()) == 5


@pytest.mark.parametrize(
    ("origin", "content"),
    [
        ("tweets/1/11", {"value": TWEET.decode()}),
        ("tweets/0/13", {"value_base64": "/w=="}),
        ("suppression-decisions/2/5", {}),
    ],
)
def test_show_gives_headers_and_bytes(world: LetterTopics, origin: str, content: dict[str, str]) -> None:
    (shown,) = objects(run("show", origin, "--json"))
    assert {name: shown[name] for name in shown if name.startswith("value")} == content
    assert shown["headers"]["source-topic"] == origin.partition("/")[0]
    text = run("show", origin).stdout
    assert "source-partition: " in text and text.endswith(
        content.get("value", content.get("value_base64", "none")) + "\n"
    )


def test_redriven_tweet_names_its_origin(world: LetterTopics) -> None:
    done = run("redrive", "tweets/1/11", "--json")
    assert done.exit_code == 0, done.output
    assert list(objects(done)) == [{"origin": "tweets/1/11", "sent": True, "why": "", "partition": 1, "offset": 0}]
    assert world.sent() == [(1, TWEET, {REDRIVEN_FROM: b"tweets/1/11"})] and world.marks() == ["claim", "done"]
    assert [one["redriven"] for one in objects(run("list", "--json"))] == [True, False, False, False, False]


def test_second_redrive_of_an_origin_sends_nothing(world: LetterTopics) -> None:
    run("redrive", "tweets/1/11")
    again = run("redrive", "tweets/1/11", "--json")
    assert again.exit_code == 3 and [one["why"] for one in objects(again)] == ["it was redriven before"]
    assert len(world.sent()) == 1


def test_letter_that_still_cannot_be_read_stays(world: LetterTopics) -> None:
    done = run("redrive", "--all", "--json")
    assert done.exit_code == 3
    why = {one["origin"]: one["why"] for one in objects(done)}
    assert why["tweets/1/11"] == "" and why["tweets/0/12"].startswith("it still cannot be read: ")
    assert why["tweets/0/14"] == "only its first bytes were kept" and len(world.sent()) == 1 and len(why) == 4


def test_run_that_ended_after_sending_is_found_in_the_topic(world: LetterTopics) -> None:
    world.mark("claim", "dead")
    world.topics.append(TWEETS, 1, TWEET, headers=[(REDRIVEN_FROM, b"tweets/1/11")])
    world.topics.now_ms += 10 * CLAIM_MS
    done = run("redrive", "tweets/1/11")
    assert done.exit_code == 3 and len(world.sent()) == 1 and world.marks() == ["claim", "done"]


@pytest.mark.parametrize(("age_ms", "sent"), [(CLAIM_MS - 1, 0), (CLAIM_MS, 1)])
def test_run_that_ended_before_sending_is_replaced(world: LetterTopics, age_ms: int, sent: int) -> None:
    world.mark("claim", "other")
    world.topics.now_ms += age_ms
    done = run("redrive", "tweets/1/11", "--json")
    assert len(world.sent()) == sent and done.exit_code == (0 if sent else 3)


def test_first_claim_wins() -> None:
    marks = [Mark("claim", "a", 0), Mark("claim", "b", 10), Mark("claim", "c", 20)]
    assert [owner_of(marks, at_ms) for at_ms in (30, CLAIM_MS, CLAIM_MS + 15, CLAIM_MS + 20)] == ["a", "b", "c", ""]
    assert owner_of([*marks, Mark("done", "a", 40)], 50) == ""


@pytest.mark.parametrize(
    "arguments", [["suppression-decisions/2/5"], ["tweets/9/9"], [], ["tweets/1/11", "--all"], ["--since", "soon"]]
)
def test_redrive_refuses_internal_unknown_and_unclear(world: LetterTopics, arguments: list[str]) -> None:
    done = run("redrive", *arguments)
    assert isinstance(done.exception, CallerMistake) and done.exception.fix and world.sent() == []


def test_show_refuses_unknown_origin(world: LetterTopics) -> None:
    assert isinstance(run("show", "tweets/9/9").exception, CallerMistake)


def test_empty_list_says_so(world: LetterTopics) -> None:
    assert "no dead letters match the filters" in run("list", "--reason", "none").output


def test_record_of_another_writer_is_left_out(world: LetterTopics) -> None:
    for headers in ([], [("source-topic", b"tweets"), ("source-partition", b"x"), ("source-offset", b"1")]):
        world.topics.append(LETTERS, 0, b"x", headers=headers)
    listed = run("list", "--json")
    assert len(listed.stdout.splitlines()) == 5 and "records without an origin, of other writers: 2" in listed.stderr


HEADERS = ("reason", "field", "value", "fix", "source-topic", "source-partition", "source-offset", "source-bytes", MARK)
ABSURD = (
    None, b"", b"x", b"-1", b"1.5", b"\xff\xfe", b"\n", b"\x1b[2J", b"9" * 19, b"9" * 5_000, "\u0663".encode(), b" 7 ",
)  # fmt: skip
"""Values of headers that no worker writes."""


@pytest.mark.parametrize("kept_in", [LETTERS, INTERNAL])
@pytest.mark.parametrize("name", HEADERS)
def test_absurd_header_ends_no_command(world: LetterTopics, name: str, kept_in: str) -> None:
    """The other letters are listed, and sent again."""
    for offset, value in enumerate(ABSURD):
        world.add(kept_in, TWEETS, 0, 100 + offset, TWEET, "bad_type")
        (record,) = world.topics.logs[kept_in, 0][-1:]
        headers = [pair for pair in record.headers if pair[0] != name]
        world.topics.logs[kept_in, 0][-1] = replace(record, headers=(*headers, (name, value)))
    listed = list(objects(run("list", "--json")))
    assert {"tweets/1/11", "tweets/0/14"} <= {one["origin"] for one in listed}
    assert all(isinstance(one["bytes"], int) and one["bytes"] >= 0 for one in listed)
    assert run("list").exit_code == 0
    for one in listed:
        assert run("show", "--", one["origin"]).exit_code == 0
    done = {one["origin"]: one for one in objects(run("redrive", "--all", "--json"))}
    assert done["tweets/1/11"]["sent"] and not done["tweets/0/14"]["sent"]
    assert all(one["sent"] or one["why"] for one in done.values())
    assert {partition for topic, partition in world.topics.logs if topic == TWEETS} == {0, 1}


@pytest.mark.parametrize("text", ["x", "-1", "", "9" * 5_000])
def test_letter_of_unknown_length_is_not_sent(world: LetterTopics, text: str) -> None:
    world.add(LETTERS, TWEETS, 0, 15, TWEET, "bad_type", **{"source-bytes": text})
    (row,) = [one for one in objects(run("list", "--json")) if one["origin"] == "tweets/0/15"]
    assert row["bytes"] == len(TWEET)
    (outcome,) = objects(run("redrive", "tweets/0/15", "--json"))
    assert (outcome["sent"], outcome["why"]) == (False, "its header source-bytes is no length")


@pytest.mark.parametrize("partition", [2, 10**9])
def test_letter_of_an_unknown_partition_is_not_sent(world: LetterTopics, partition: int) -> None:
    world.add(LETTERS, TWEETS, partition, 15, TWEET, "bad_type")
    done = {one["origin"]: one for one in objects(run("redrive", "--all", "--json"))}
    assert (
        done[f"tweets/{partition}/15"]["why"] == f"tweets has no partition {partition}" and done["tweets/1/11"]["sent"]
    )


@pytest.mark.parametrize("at_ms", [-(2**63), -1, 10**16, 2**63 - 1])
def test_letter_of_any_time_is_listed(world: LetterTopics, at_ms: int) -> None:
    """Producers stamp these topics."""
    world.add(LETTERS, TWEETS, 0, 15, TWEET, "bad_type")
    world.topics.logs[LETTERS, 0][-1] = replace(world.topics.logs[LETTERS, 0][-1], timestamp=at_ms)
    assert run("list").exit_code == 0 and len(list(objects(run("list", "--json")))) == 6
    assert "bad_type" in run("show", "tweets/0/15").stdout
