"""The registry as CSV: strict on the way in, harmless on the way out, and the records that make it so."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation import speakers
from moderation.speakers import Entry
from moderation.tables import MOST_BYTES, harmless, read_table, write_table
from streams.errors import CallerMistake, ContractError
from streams.log.moderation import OtherRecord
from streams.orders.records import CATEGORIES, Speaker, SpeakerDetails, Target, decode_case, encode_case
from tests.support.orders_world import World, run

GOOD = "account,category,name,basis\n11,news_media,The Example,press council\n12,Journalist,A. Writer,\n"


def known(*entries: Entry) -> dict[str, Speaker]:
    return {
        one.account: Speaker(
            account=one.account, category=one.category, name=one.name, basis=one.basis, actor="a", reason="r", at_ms=1
        )
        for one in entries
    }


@pytest.mark.parametrize("data", [
    GOOD.encode(), b"\xef\xbb\xbf" + GOOD.encode(), GOOD.encode("utf-16"), GOOD.replace(",", ";").encode(),
    GOOD.replace("\n", "\r\n").encode(), GOOD.replace(",", "\t").replace("\n", "\n\n").encode(),
])  # fmt: skip
def test_a_spreadsheet_in_any_of_its_dialects(data: bytes) -> None:
    parsed = speakers.parse(data, "r.csv")
    assert parsed.problems == ()
    assert parsed.entries == (
        Entry("11", "news_media", "The Example", "press council"), Entry("12", "journalist", "A. Writer"),
    )  # fmt: skip


def test_each_bad_row_is_told_with_line_field_value_and_fix() -> None:
    text = (
        "category,account,name\n"
        "journalist,21,good\n"
        "jurnalist,22,x\n"
        "journalist,@handle,x\n"
        "journalist,,x\n"
        'journalist,24,"two\nlines"\n'
        "journalist,25\n"
        "politician,21,again\n"
        f"activist,26,{'n' * 401}\n"
        "activist,27,\x07bell\n"
        "activist,x\n"
    )
    parsed = speakers.parse(text.encode(), "r.csv")
    assert [entry.account for entry in parsed.entries] == ["21", "24"]
    told = [(one.where, one.field, one.fix) for one in parsed.problems]
    assert told == [
        ("line 3", "category", "did you mean journalist?"),
        ("line 4", "account", "give the account's id: handles change hands"),
        ("line 5", "account", "digits only, such as 1234567890"),
        ("line 8", "row", "quote a cell that holds a delimiter"),
        ("line 9", "category", "leave one row"),
        ("line 10", "name", "shorten it"),
        ("line 11", "name", "plain text in UTF-8"),
        ("line 12", "row", "quote a cell that holds a delimiter"),
    ]
    assert "'jurnalist'" in str(parsed.problems[0])
    assert len(parsed.problems[5].value) == 60


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (b"account,categry\n", "no column 'categry'"),
        (b"account,name\n", "column category is missing"),
        (b"account,category,account\n", "there twice"),
        (b"account,category\n1,caf\xe9\n", "line 2: byte 0xe9 is not UTF-8"),
        (b'account,category\n1,"open\n', "not CSV"),
        (b"\xff\xfea", "is not UTF-16"),
        (b"x" * (MOST_BYTES + 1), "larger than 64 MiB"),
    ],
)
def test_a_file_that_cannot_be_used_at_all(data: bytes, told: str) -> None:
    with pytest.raises(CallerMistake, match=told) as caught:
        speakers.parse(data, "r.csv")
    assert caught.value.fix


def test_too_many_rows_are_refused_without_being_read() -> None:
    with pytest.raises(CallerMistake, match="more than 3 rows"):
        list(read_table(b"a\n" + b"1\n" * 1_000_000, "r.csv", columns=("a",), required=("a",), most_rows=3))


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40), st.sampled_from(CATEGORIES))
def test_what_goes_out_comes_back_and_no_cell_is_a_formula(name: str, category: object) -> None:
    entry = speakers.parse(write_table(speakers.COLUMNS, [{"account": 1, "category": category, "name": name}]).encode(),
                           "r.csv").entries[0]  # fmt: skip
    exported = speakers.export(known(entry))
    for row in csv.reader(io.StringIO(exported, newline="")):
        assert not any(cell[:1] in set("=+-@\t\r＝＋－＠") - {""} and cell for cell in row)
    assert speakers.parse(exported.encode(), "r.csv").entries == (entry,)


@pytest.mark.parametrize("cell", ['=HYPERLINK("http://evil")', "+1", "-1", "@SUM(A1)", "\t=1", "＝1", "'=1"])
def test_a_formula_is_made_harmless(cell: str) -> None:
    assert harmless(cell) == "'" + cell


def test_an_import_changes_only_what_differs() -> None:
    have = known(Entry("1", "journalist", "A"), Entry("2", "activist"), Entry("3", "politician"))
    wanted = [Entry("1", "journalist", "A"), Entry("2", "news_media"), Entry("4", "activist")]
    plan = speakers.plan(wanted, have)
    assert (plan.added, plan.changed, plan.removed, plan.unchanged) == ((wanted[2],), (wanted[1],), (), 1)
    assert speakers.plan(wanted, have, replace=True).removed == ("3",)
    assert speakers.removal(["3", "9", "3"], have) == (speakers.Plan(removed=("3",)), ("9",))


def test_removing_forgets_the_name_in_the_very_record_that_compaction_keeps() -> None:
    world = World()
    old = Speaker(account="7", category="journalist", name="A. Writer", actor="ann", reason="accredited", at_ms=1)
    world.log.append(*encode_case(old))
    for entry in (Entry("7", "journalist", "A. Writer", "card 5"), Entry("7", "activist", "A. Writer", "card 6")):
        change(world, entry)
        assert speakers.entry_of(world.desk.cases.speakers["7"]) == entry
    run(world.desk.change_registry(lambda _: speakers.Plan(removed=("7",)), actor="ann", reason="asked for it"))
    assert world.desk.cases.speakers == {}
    kept = {key: value for value, key in world.log.records}.values()
    assert len(kept) == 5, "entered, changed, removed; and the two that took the place of what named somebody"
    assert not any(word in value for value in kept for word in (b"Writer", b"card", b"accredited"))


def test_what_stays_for_ever_names_nobody() -> None:
    world = World()
    change(world, Entry("7", "journalist", "A. Writer", "card 5"))
    (history, _), (details, _) = world.log.records
    assert not any(word in history for word in (b"Writer", b"card 5", b"accredited"))
    assert all(word in details for word in (b"Writer", b"card 5", b"accredited"))
    listed = world.desk.cases.speakers["7"]
    assert (listed.name, listed.basis, listed.reason, listed.actor) == ("A. Writer", "card 5", "accredited", "ann")


def test_a_write_that_breaks_off_leaves_everyone_protected() -> None:
    plan = speakers.Plan(added=(Entry("8", "activist", "B"),), removed=("7",))
    whole = World()
    change(whole, Entry("7", "journalist", "A. Writer"))
    begun = len(whole.log.records)
    run(whole.desk.change_registry(lambda _: plan, actor="ann", reason="r"))
    for written in range(1, len(whole.log.records) - begun):
        world = World()
        for record in whole.log.records[: begun + written]:
            world.log.append(*record)
        assert set(world.desk.cases.speakers) == {"7", "8"}
    assert set(whole.desk.cases.speakers) == {"8"}


def test_an_entry_of_an_earlier_version_is_read_and_stays_where_it_is_when_it_changes() -> None:
    world = World()
    world.log.append(
        b'{"kind":"speaker","account":"7","category":"journalist","name":"A","basis":"b","removed":false,'
        b'"actor":"ann","reason":"r","at_ms":1}',
        b"account:7|registry|speaker|*",
    )
    assert speakers.entry_of(world.desk.cases.speakers["7"]) == Entry("7", "journalist", "A", "b")
    change(world, Entry("7", "journalist", "A", "another basis"))
    assert world.log.records[0][1] not in [key for _, key in world.log.records[1:]]
    assert not world.log.view.bad


def test_details_change_nothing_about_protection() -> None:
    world = World()
    details = SpeakerDetails(account="7", name="A. Writer", actor="ann", at_ms=1)
    world.log.append(*encode_case(details))
    assert world.desk.cases.speakers == {}
    change(world, Entry("7", "journalist"))
    run(world.desk.change_registry(lambda _: speakers.Plan(removed=("7",)), actor="eve", reason="r"))
    world.log.append(*encode_case(details))
    cases = world.desk.cases
    assert cases.speakers == {}
    assert cases.needs_two(Target("account", "7"), "withheld", "eve"), "who removed a speaker is one of the two"


@pytest.mark.parametrize("id", ["speaker", "details", "a|b"])
def test_no_id_makes_a_key_that_another_record_has(id: str) -> None:
    value, key = encode_case(Speaker(id=id, account="7", category="journalist", actor="a", at_ms=1))
    with pytest.raises(ContractError, match="bad_record"):
        decode_case(OtherRecord("speaker", key, value))


def change(world: World, entry: Entry) -> None:
    run(world.desk.change_registry(lambda c: speakers.plan([entry], c.speakers), actor="ann", reason="accredited"))
