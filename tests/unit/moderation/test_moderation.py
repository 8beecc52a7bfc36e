"""Tests of moderation records, input validation, the commands and the list of decisions."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Sequence
from typing import Any

import pytest
import typer
from hushtag_client.registers import Register
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from moderation.cli import overrides as cli
from moderation.domain.override_words import OVERRIDE_HEADERS, effect_words, override_cells
from moderation.log.drafts import End, end_of, words_of
from moderation.log.errors import StaleEdit
from streams.cli.lists import print_list
from streams.errors import CallerMistake, ContractError
from streams.flags.lookup import FlagResolution
from streams.flags.override_answers import override_answer
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import version_of
from streams.log.moderation import (
    LONGEST_MS,
    OtherRecord,
    Override,
    TagRecord,
    Undo,
    decode_moderation,
    encode_moderation,
    key_of,
)
from streams.naming import recordable_tag, tag_of

DAY_MS = 86_400_000


def override(ident: str = "a", **changes: Any) -> Override:
    fields: dict[str, Any] = {
        "id": ident, "hashtag": "tag", "display": "Tag", "country": "IN", "surfaces": ("search", "trends"),
        "actor": "ann", "reason": f"because {ident}", "at_ms": 1_000, "action": "block", "expires_at_ms": 5_000,
    }  # fmt: skip
    return Override(**fields | changes)


def undo(ident: str, *undoes: str, **changes: Any) -> Undo:
    fields: dict[str, Any] = {
        "id": ident, "hashtag": "tag", "display": "Tag", "country": "IN", "surfaces": ("search", "trends"),
        "actor": "ben", "reason": "mistake", "at_ms": 2_000, "undoes": undoes,
    }  # fmt: skip
    return Undo(**fields | changes)


# --- the codec ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "record", [override(), undo("u", "a"), override(hashtag="a|b", source="legal", expires_at_ms=0)]
)
def test_codec_round_trip(record: TagRecord) -> None:
    assert decode_moderation(*encode_moderation(record)) == record


def test_key_differs_for_each_decision_of_a_scope() -> None:
    assert key_of(override("a")) == b"hashtag:tag|human|a|IN:search,trends"
    assert len({key_of(override("a")), key_of(override("b")), key_of(undo("c", "a"))}) == 3


def test_decode_keeps_unknown_kind_undecoded() -> None:
    value = b'{"kind":"order","authority":"x","targets":[1]}'
    assert decode_moderation(value, b"k") == OtherRecord("order", b"k", value)


def test_decode_ignores_unknown_fields() -> None:
    value, key = encode_moderation(override())
    assert decode_moderation(value[:-1] + b',"case":"7"}', key) == override()


@pytest.mark.parametrize(
    ("reason", "value"),
    [
        ("tombstone", None),
        ("not_json", b"\xff"),
        ("not_json", b""),
        ("not_json", b"{" * 3),
        ("bad_record", b"[]"),
        ("bad_record", b"{}"),
        ("bad_record", b'{"kind":"undo"}'),
        ("bad_record", encode_moderation(override(country="india"))[0]),
        ("bad_record", encode_moderation(override(surfaces=()))[0]),
        ("bad_record", encode_moderation(override(id="a|b"))[0]),
        ("bad_record", encode_moderation(override(edits="newest"))[0]),
        ("bad_record", encode_moderation(override(reason=""))[0]),
        ("bad_key", encode_moderation(override("b"))[0]),
    ],
)
def test_decode_refuses_bad_record_with_reason(reason: str, value: bytes | None) -> None:
    with pytest.raises(ContractError) as caught:
        decode_moderation(value, key_of(override()))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("not_normalised", {"hashtag": "TAG"}),
        ("endless", {"expires_at_ms": 0}),
        ("reserved", {"surfaces": ("account",)}),
    ],
)
def test_decode_refuses_impossible_override(reason: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ContractError) as caught:
        decode_moderation(*encode_moderation(override(**changes)))
    assert caught.value.reason == reason


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: json.dumps({"kind": text}).encode()))
def test_decode_never_fails_unexpectedly(value: bytes) -> None:
    with contextlib.suppress(ContractError):
        assert isinstance(decode_moderation(value, b"k"), OtherRecord)


# --- validation of input --------------------------------------------------------------------------------------------


def test_tag_of_notes_look_alike_characters() -> None:
    assert tag_of("#Tag").notes == ()
    assert (tag_of("#Ｔａｇ").hashtag, tag_of("#Ｔａｇ").notes) == ("tag", ("#Ｔａｇ means #tag",))
    [note] = tag_of("p\u0430ypal").notes
    assert "Cyrillic" in note
    assert "CYRILLIC SMALL LETTER A" in note
    assert tag_of("किसान_आंदोलन").notes == ()


@pytest.mark.parametrize("written", ["", "#", "a b", "#a#b", "*", "x" * 281, "\udcff", "a\x1b[31m", "\u200b"])
def test_tag_of_refuses_invalid_hashtag(written: str) -> None:
    with pytest.raises(CallerMistake, match="is not a hashtag") as caught:
        tag_of(written)
    str(caught.value).encode()


@pytest.mark.parametrize(
    ("lasts", "until", "end"),
    [
        (None, None, End(lasts_ms=7 * DAY_MS)),
        ("2h", None, End(lasts_ms=7_200_000)),
        ("1d12h", None, End(lasts_ms=36 * 3_600_000)),
        (None, "1970-01-02", End(DAY_MS)),
        (None, "1970-01-02T05:30+05:30", End(DAY_MS)),
        (None, "1970-01-02T00:00:00Z", End(DAY_MS)),
        (None, "1970-01-01T00:00:01.003Z", End(1_003)),
    ],
)
def test_end_of_keeps_duration_and_resolves_moment(lasts: str | None, until: str | None, end: End) -> None:
    assert end_of(lasts, until, "7d", 0) == end


@pytest.mark.parametrize(
    ("lasts", "until"),
    [
        ("2h", "1970-01-02"),
        ("soon", None),
        ("0s", None),
        ("2", None),
        (None, "tomorrow"),
        (None, "1969-01-01"),
        ("367d", None),
        ("-2h", None),
    ],
)
def test_end_of_refuses_invalid_end(lasts: str | None, until: str | None) -> None:
    with pytest.raises(CallerMistake) as caught:
        end_of(lasts, until, "7d", 0)
    assert caught.value.fix


def test_end_of_allows_at_most_a_year() -> None:
    assert end_of("366d", None, "7d", 5) == End(lasts_ms=LONGEST_MS)


@pytest.mark.parametrize(
    ("actor", "reason"), [("", "r"), ("a", " "), ("a", "x" * 2_001), ("a", "\x1b[2J"), ("\udcff", "r")]
)
def test_words_of_refuses_missing_or_unprintable_text(actor: str, reason: str) -> None:
    with pytest.raises(CallerMistake):
        words_of(actor, reason)


@pytest.mark.parametrize("actor", ["hushtag", "Hushtag", "local", "Iocal", "ann\u202eadmin", "ann\u200b", "a\ufeff"])
def test_words_of_refuses_actor_that_misleads(actor: str) -> None:
    with pytest.raises(CallerMistake) as caught:
        words_of(actor, "r")
    assert "--actor" in caught.value.fix and ascii(actor)[1:-1] in str(caught.value)


UNSEEN = [
    *"\u00ad\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\u206f\ufeff",
    "\U000e0041",
]


@pytest.mark.parametrize("character", UNSEEN)
def test_spelling_with_an_unseen_character_is_refused(character: str) -> None:
    with pytest.raises(CallerMistake, match=f"U\\+{ord(character):04X}") as caught:
        recordable_tag(f"farmers{character}protest")
    assert "farmersprotest" in caught.value.fix
    assert tag_of(f"farmers{character}protest").hashtag == "farmersprotest", "it is found in any spelling"


@pytest.mark.parametrize("written", ["می\u200cخواهم", "क्\u200dष", "#Rumour"])
def test_spelling_with_joiners_is_recorded(written: str) -> None:
    assert recordable_tag(written).display == written.removeprefix("#")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["block", "a b", "--reason", "r"], "not a hashtag"),
        (["block", "ok", "*", "--reason", "r"], "not a hashtag"),
        (["block", "tag", "--reason", ""], "needs a reason"),
        (["block", "tag", "--reason", "r", "--actor", ""], "needs an actor"),
        (["allow", "tag", "--reason", "r", "--country", "UK"], "unknown country"),
        (["hold", "tag", "--reason", "r", "--for", "soon"], "not a duration"),
        (["hold", "a", "b", "--reason", "r", "--if-version", ""], "one hashtag"),
        (["undo", ""], "not a hashtag"),
        (["moderation", "list", "--state", "gone"], "unknown state"),
    ],
)
def test_commands_refuse_mistakes_before_contacting_kafka(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUSHTAG_KAFKA", "127.0.0.1:1")
    monkeypatch.setenv("HUSHTAG_POLICY", "nowhere.yaml")
    app = typer.Typer()
    cli.register(app)
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, CallerMistake), result.output
    assert message in str(result.exception)
    assert result.exception.exit_code == 2
    assert result.stdout == ""


def test_block_requires_a_reason() -> None:
    app = typer.Typer()
    cli.register(app)
    result = CliRunner().invoke(app, ["block", "tag"])
    assert result.exit_code == 2
    assert "--reason" in result.output


# --- the list ----------------------------------------------------------------------------------------------------


def view_of(*records: TagRecord | bytes) -> OverrideHistory:
    view = OverrideHistory()
    for offset, record in enumerate(records):
        value, key = (record, b"k") if isinstance(record, bytes) else encode_moderation(record)
        view.apply(offset, key, value)
    return view


def states(view: OverrideHistory, now_ms: int = 3_000, **only: str) -> list[tuple[str, str, Sequence[str]]]:
    return [(one.record.id, one.state, one.surfaces) for one in view.statuses(now_ms, **only)]


def test_statuses_report_state_of_each_decision() -> None:
    both = ("search", "trends")
    view = view_of(
        override("long"),
        override("short", expires_at_ms=2_500, edits=version_of(0, 0), surfaces=("search",)),
        override("wrong", edits=version_of(1, 0)),
        undo("u", "wrong", edits=version_of(2, 0), surfaces=("trends",)),
        override("late", edits=version_of(0, 0)),
        override("home", country="*"),
    )
    assert states(view) == [
        ("home", "in force", both),
        ("late", "refused", both),
        ("wrong", "in force", ("search",)),
        ("wrong", "undone", ("trends",)),
        ("short", "expired", ("search",)),
        ("long", "superseded", ("search",)),
        ("long", "in force", ("trends",)),
    ]
    assert states(view, country="*") == [("home", "in force", both)]
    assert states(view, hashtag="other") == []
    assert {state for _, state, _ in states(view, now_ms=6_000)} == {"expired", "undone", "refused"}
    plain = {
        (row["id"], row["state"]): row
        for row in (override_answer(one, 3_000).members() for one in view.statuses(3_000))
    }
    assert plain["wrong", "undone"]["undone_by"]["actor"] == "ben"
    assert plain["long", "superseded"]["superseded_by"]["id"] == "wrong"
    assert plain["late", "refused"]["came_first"]["id"] == "u"
    assert plain["home", "in force"]["expires_in_ms"] == 2_000
    assert plain["home", "in force"]["version"] == version_of(5, 0)
    console = Console(file=io.StringIO())
    print_list(OVERRIDE_HEADERS, [override_cells(one, 3_000) for one in view.statuses(3_000)], console=console)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "mistake" in shown
    assert "everywhere: search, trends" in shown
    assert "in 2 s" in shown


def test_history_lists_malformed_record_without_effect() -> None:
    view = view_of(override("a"), b"nonsense", b'{"kind":"order"}', undo("u", "a", edits=version_of(0, 0)))
    assert [(bad.offset, bad.problem[:8]) for bad in view.bad] == [(1, "not_json")]
    assert states(view) == [("a", "undone", ("search", "trends"))]
    view.apply(1, b"k", b"nonsense")
    assert len(view.bad) == 1
    assert view.next_offset == 4


def test_stale_edit_message_names_changes() -> None:
    view = view_of(
        override("a"),
        override("b", actor="eve", reason="urgent", edits=version_of(0, 0)),
        override("c", edits=version_of(0, 0)),
    )
    stale = view.fold.stale[2]
    error = StaleEdit("tag", edits=stale.record.edits, version=stale.version, changed=stale.changed)
    assert error.exit_code == 3
    assert "eve" in str(error)
    assert "urgent" in str(error)
    assert version_of(1, 0) in str(error)


def test_effect_names_discount_and_its_source() -> None:
    ranked = Register(
        version="1", action="discount", hashtag="tag", surface="trends", expires_at_ms=2, weight=0.04, category="abuse"
    )
    assert (
        effect_words(FlagResolution("trends", "IN", True, ranked)) == "shown now, its tweets count 4%, by the pipeline"
    )
    hidden = Register(
        version="1", action="suppress", hashtag="tag", surface="trends", expires_at_ms=2, source="human", actor="ann"
    )
    assert effect_words(FlagResolution("trends", "IN", False, hidden)) == "hidden now, by ann"
    assert effect_words(FlagResolution("trends", "IN", True, None)) == "shown now"


def test_long_reason_is_called_too_long() -> None:
    with pytest.raises(CallerMistake, match="--reason has 2,001 characters"):
        words_of("ann", "x" * 2_001)


@pytest.mark.parametrize(
    ("lasts", "until", "value"), [("0s", None, "--for 0s"), (None, "1970-01-01", "--until 1970-01-01")]
)
def test_end_in_past_names_the_value(lasts: str | None, until: str | None, value: str) -> None:
    with pytest.raises(CallerMistake, match=value):
        end_of(lasts, until, "1h", DAY_MS)
