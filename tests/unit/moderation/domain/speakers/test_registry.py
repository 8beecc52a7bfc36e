"""The speaker registry: parsing and writing CSV, planning changes, and the records of a change."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.domain.speakers import registry
from moderation.domain.speakers.registry import SpeakerEntry
from moderation.domain.tables import MOST_BYTES, harmless, read_table, write_table
from streams.errors import CallerMistake, ContractError
from streams.log.moderation import OtherRecord
from streams.orders.records import CATEGORIES, Speaker, SpeakerDetails, Target, decode_legal, encode_legal
from streams.orders.speakers import ProtectedSpeaker
from tests.support.orders_world import OrdersWorld, run

GOOD = "account,category,name,basis\n11,news_media,The Example,press council\n12,Journalist,A. Writer,\n"


def known(*entries: SpeakerEntry) -> dict[str, ProtectedSpeaker]:
    return {
        one.account: ProtectedSpeaker(one.account, one.category, "a", 1, name=one.name, basis=one.basis, reason="r")
        for one in entries
    }


@pytest.mark.parametrize("data", [
    GOOD.encode(), b"\xef\xbb\xbf" + GOOD.encode(), GOOD.encode("utf-16"), GOOD.replace(",", ";").encode(),
    GOOD.replace("\n", "\r\n").encode(), GOOD.replace(",", "\t").replace("\n", "\n\n").encode(),
])  # fmt: skip
def test_parse_accepts_common_csv_dialects(data: bytes) -> None:
    parsed = registry.parse(data, "r.csv")
    assert parsed.problems == ()
    assert parsed.entries == (
        SpeakerEntry("11", "news_media", "The Example", "press council"), SpeakerEntry("12", "journalist", "A. Writer"),
    )  # fmt: skip


def test_parse_reports_bad_rows_with_line_field_and_fix() -> None:
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
    parsed = registry.parse(text.encode(), "r.csv")
    assert [entry.account for entry in parsed.entries] == ["21", "24"]
    problems = [(one.where, one.field, one.fix) for one in parsed.problems]
    assert problems == [
        ("line 3", "category", "did you mean journalist?"),
        ("line 4", "account", "give the account id: the owner of a handle can change"),
        ("line 5", "account", "digits only, such as 1234567890"),
        ("line 8", "row", "quote a cell that contains a delimiter"),
        ("line 9", "category", "keep one row"),
        ("line 10", "name", "shorten it"),
        ("line 11", "name", "plain text in UTF-8"),
        ("line 12", "row", "quote a cell that contains a delimiter"),
    ]
    assert "'jurnalist'" in str(parsed.problems[0])
    assert len(parsed.problems[5].value) == 60


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"account,categry\n", "unknown column 'categry'"),
        (b"account,name\n", "column category is missing"),
        (b"account,category,account\n", "occurs twice"),
        (b"account,category\n1,caf\xe9\n", "line 2: byte 0xe9 is not UTF-8"),
        (b'account,category\n1,"open\n', "not CSV"),
        (b"\xff\xfea", "is not UTF-16"),
        (b"x" * (MOST_BYTES + 1), "larger than 64 MiB"),
    ],
)
def test_parse_refuses_unusable_file(data: bytes, message: str) -> None:
    with pytest.raises(CallerMistake, match=message) as caught:
        registry.parse(data, "r.csv")
    assert caught.value.fix


def test_read_table_refuses_too_many_rows() -> None:
    with pytest.raises(CallerMistake, match="more than 3 rows"):
        list(read_table(b"a\n" + b"1\n" * 1_000_000, "r.csv", columns=("a",), required=("a",), most_rows=3))


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40), st.sampled_from(CATEGORIES))
def test_export_round_trips_without_formulas(name: str, category: object) -> None:
    entry = registry.parse(write_table(registry.COLUMNS, [{"account": 1, "category": category, "name": name}]).encode(),
                           "r.csv").entries[0]  # fmt: skip
    exported = registry.export(known(entry))
    for row in csv.reader(io.StringIO(exported, newline="")):
        assert not any(cell[:1] in set("=+-@\t\r＝＋－＠") - {""} and cell for cell in row)
    assert registry.parse(exported.encode(), "r.csv").entries == (entry,)


@pytest.mark.parametrize("cell", ['=HYPERLINK("http://evil")', "+1", "-1", "@SUM(A1)", "\t=1", "＝1", "'=1"])
def test_harmless_quotes_formulas(cell: str) -> None:
    assert harmless(cell) == "'" + cell


def test_plan_import_changes_only_differing_entries() -> None:
    have = known(SpeakerEntry("1", "journalist", "A"), SpeakerEntry("2", "activist"), SpeakerEntry("3", "politician"))
    wanted = [SpeakerEntry("1", "journalist", "A"), SpeakerEntry("2", "news_media"), SpeakerEntry("4", "activist")]
    plan = registry.plan_import(wanted, have)
    assert (plan.added, plan.changed, plan.removed, plan.unchanged) == ((wanted[2],), (wanted[1],), (), 1)
    assert registry.plan_import(wanted, have, replace=True).removed == ("3",)
    assert registry.plan_removal(["3", "9", "3"], have) == (registry.RegistryPlan(removed=("3",)), ("9",))


def test_removal_replaces_names_under_compaction() -> None:
    world = OrdersWorld()
    for entry in (
        SpeakerEntry("7", "journalist", "A. Writer", "card 5"),
        SpeakerEntry("7", "activist", "A. Writer", "card 6"),
    ):
        change(world, entry)
        assert registry.entry_of(world.desk.fold.speakers["7"]) == entry
        world.now_ms += 60_000
    run(world.desk.change_registry(lambda _: registry.RegistryPlan(removed=("7",)), actor="ann", reason="asked for it"))
    assert world.desk.fold.speakers == {}
    kept = {key: value for value, key in world.log.records}.values()
    assert len(kept) == 4, "entered, changed, removed; and the details without a name"
    assert not any(word in value for value in kept for word in (b"Writer", b"card", b"accredited"))


def test_protection_record_holds_no_personal_data() -> None:
    world = OrdersWorld()
    change(world, SpeakerEntry("7", "journalist", "A. Writer", "card 5"))
    (history, _), (details, _) = world.log.records
    assert not any(word in history for word in (b"Writer", b"card 5", b"accredited"))
    assert all(word in details for word in (b"Writer", b"card 5", b"accredited"))
    listed = world.desk.fold.speakers["7"]
    assert (listed.name, listed.basis, listed.reason, listed.actor) == ("A. Writer", "card 5", "accredited", "ann")


def test_interrupted_write_leaves_all_speakers_protected() -> None:
    plan = registry.RegistryPlan(added=(SpeakerEntry("8", "activist", "B"),), removed=("7",))
    whole = OrdersWorld()
    change(whole, SpeakerEntry("7", "journalist", "A. Writer"))
    begun = len(whole.log.records)
    run(whole.desk.change_registry(lambda _: plan, actor="ann", reason="r"))
    for written in range(1, len(whole.log.records) - begun):
        world = OrdersWorld()
        for record in whole.log.records[: begun + written]:
            world.log.append(*record)
        assert set(world.desk.fold.speakers) == {"7", "8"}
    assert set(whole.desk.fold.speakers) == {"8"}


def test_details_do_not_grant_protection() -> None:
    world = OrdersWorld()
    details = SpeakerDetails(account="7", name="A. Writer", actor="ann", at_ms=1)
    world.log.append(*encode_legal(details))
    assert world.desk.fold.speakers == {}
    change(world, SpeakerEntry("7", "journalist"))
    run(world.desk.change_registry(lambda _: registry.RegistryPlan(removed=("7",)), actor="eve", reason="r"))
    world.log.append(*encode_legal(details))
    fold = world.desk.fold
    assert fold.speakers == {}
    assert fold.needs_two(Target("account", "7"), "withheld", "eve"), "the actor of the removal counts as one of two"


@pytest.mark.parametrize("id", ["speaker", "details", "a|b"])
def test_speaker_id_that_collides_with_other_keys_is_refused(id: str) -> None:
    value, key = encode_legal(Speaker(id=id, account="7", category="journalist", actor="a", at_ms=1))
    with pytest.raises(ContractError, match="bad_record"):
        decode_legal(OtherRecord("speaker", key, value))


def change(world: OrdersWorld, entry: SpeakerEntry) -> None:
    run(
        world.desk.change_registry(
            lambda c: registry.plan_import([entry], c.speakers), actor="ann", reason="accredited"
        )
    )
