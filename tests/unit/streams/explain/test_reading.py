"""What `explain` reads of the log: where a hashtag stands now, not where it stood when it was last kept."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

import msgspec
import numpy as np
import pytest
from rich.console import Console

from models import artefact
from streams.counting.keys import Tags
from streams.explain import view
from streams.explain.hashtag_report import Account
from streams.explain.reading import Terms, Why, _texts, terms_of, why_of
from streams.flags.overrides import PeopleView
from streams.judging.evidence import EvidenceTable
from streams.judging.evidence_codec import TickEvidence, conditions_of, records_of
from streams.log.decisions import Ruling
from streams.log.evidence import EvidenceRecord, encode_evidence_record
from streams.log.policies import PolicyRecord, encode_policy_record
from streams.pipeline.model_cache import revision_of
from streams.policy import Policy, parse_policy
from streams.settings import Settings
from tests.support.shells import Topics
from tests.unit.streams.explain.test_hashtag_report import NOW_MS, decision, ruling
from tests.unit.streams.explain.test_signal_report import TEXT

SHORT, LONG = 120_000, 1_200_000
POLICY = parse_policy(TEXT, "policy.yaml")
OVER = {"tweets": 60, "share": 0.9}
CALM = {"tweets": 60, "share": 0.05}
Row = Mapping[str, float]


def tick(tick_ms: int, rows: Mapping[int, Mapping[str, Row]], policy: Policy = POLICY) -> list[EvidenceRecord]:
    """What a judge keeps of a settled tick, by window and hashtag."""
    tags, tables = Tags(), {}
    conditions = conditions_of(policy, shards=1, categories=("hateful_conduct",), model_revision="0" * 12)
    for window_ms, of_window in rows.items():
        m = len(of_window)
        tables[window_ms] = EvidenceTable(
            window_ms=window_ms,
            keys=np.array([tags.key(name, "*") for name in of_window], np.int64),
            tweets=np.array([row["tweets"] for row in of_window.values()], np.int64),
            authors=np.full(m, 50), scored=np.array([row.get("scored", 50) for row in of_window.values()], np.int64),
            share=np.array([[row["share"]] * 2 for row in of_window.values()]).reshape(m, 2),
            copies=np.zeros(m), young=np.full(m, 0.6), links=np.zeros(m), burst=np.full(m, 3.0),
            sampled=np.zeros((m, 0), np.int64),
        )  # fmt: skip
    return records_of(TickEvidence(tick_ms, conditions, False, tables), 0, tags)


class World:
    """The two topics that are read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.topics = Topics()
        self.lives(TEXT)
        for module in ("log.reading", "log.policies", "log.models"):
            monkeypatch.setattr(f"streams.{module}.LogReader", self.topics.reader)

    def lives(self, text: str, from_tick_ms: int = 0) -> Policy:
        """A policy goes live."""
        policy = parse_policy(text, "policy.yaml")
        record = PolicyRecord(
            revision=policy.revision, serial=policy.serial, policy=policy.canonical(), model_revision="m",
            from_tick_ms=from_tick_ms, proposed_at_ms=0, proposed_by="w", text=text,
        )  # fmt: skip
        self.topics.append("policy", 0, encode_policy_record(record), key=policy.revision.encode())
        return policy

    def keeps(self, *records: EvidenceRecord) -> None:
        """Each is written as its tick settles."""
        for record in records:
            self.topics.now_ms = record.tick_ms
            self.topics.append("hashtag-evidence", 0, encode_evidence_record(record))

    async def why(self, at_ms: int, *countries: str) -> Why:
        return await why_of(Settings(), "tag", countries or ("*",), at_ms)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def told(why: Why, monkeypatch: pytest.MonkeyPatch, account: Account | None = None) -> str:
    """The terminal."""
    out = Console(record=True, width=200, file=open("/dev/null", "w"), soft_wrap=True)  # noqa: SIM115
    monkeypatch.setattr(view, "_out", out)
    view.tell(account or Account("tag", [], PeopleView(), None, 1_000), why)
    out.file.close()
    return out.export_text()


async def test_a_window_that_no_longer_has_it_says_so_and_not_where_it_stood(world, monkeypatch):
    """55 minutes ago it was over in two minutes; it is below the evidence floor there by now, and calm in twenty."""
    world.keeps(*tick(60_000, {SHORT: {"tag": OVER}, LONG: {"tag": OVER}}))
    for at in range(1, 330):
        world.keeps(
            *tick(60_000 + 10_000 * at, {SHORT: {"other": OVER}} | ({LONG: {"tag": CALM}} if at % 6 == 0 else {}))
        )
    why = await world.why(3_360_000)
    assert {(one.level, one.window_ms, one.tick_ms) for one in why.standings} == {("under", LONG, 3_300_000)}
    (below,) = why.below
    assert (below.country, below.window_ms, below.floor) == ("*", SHORT, POLICY.evidence_floor)
    assert f"below the evidence floor in 2 min, everywhere: fewer than {POLICY.evidence_floor} tweets" in told(
        why, monkeypatch
    )


async def test_what_a_successor_wrote_again_is_no_later_tick(world):
    first, second = tick(10_000, {SHORT: {"tag": CALM}}), tick(20_000, {SHORT: {"tag": OVER}})
    world.keeps(*first, *second, *first)
    assert {(one.level, one.tick_ms) for one in (await world.why(60_000)).standings} == {("over", 20_000)}


async def test_nothing_is_read_behind_the_moment_that_is_asked_about(world):
    world.keeps(*tick(10_000, {SHORT: {"tag": OVER}}), *tick(20_000, {SHORT: {}}))
    world.topics.append("hashtag-evidence", 0, b"nobody reads this")
    then = await world.why(19_999)
    assert {one.level for one in then.standings} == {"over"} and not then.below


async def test_a_country_in_which_it_is_no_longer_kept_says_so_alone(world):
    """Two records of one tick, as of a window that passes what a record may hold."""
    (whole,) = tick(10_000, {SHORT: {"other": OVER, "tag": OVER}})
    parts = [msgspec.structs.replace(one, part=part, parts=2) for part, one in enumerate([
        *tick(10_000, {SHORT: {"other": OVER}}), *tick(10_000, {SHORT: {"tag": OVER}})])]  # fmt: skip
    assert whole.rows == sum(one.rows for one in parts)
    world.keeps(*parts)
    why = await world.why(60_000, "*", "IN")
    assert {(one.country, one.level) for one in why.standings} == {("*", "over")}
    assert [(one.country, one.window_ms) for one in why.below] == [("IN", SHORT)]
    assert why.seen and not (await world.why(60_000, "IN")).seen


async def test_a_protected_tag_is_called_so(world, monkeypatch):
    policy = world.lives(TEXT.replace("serial: 1", "serial: 2") + "never_suppress: [TAG]\n")
    world.keeps(*tick(10_000, {SHORT: {"tag": OVER}}, policy))
    why = await world.why(60_000)
    assert why.protected
    text = told(why, monkeypatch)
    assert f"protected: in never_suppress of policy {policy.revision}, no rule acts on it" in text
    assert "missing: its protection would have to end: it is in never_suppress" in text
    plain = view.as_dict(Account("tag", [], PeopleView(), None, 1_000), why, None, in_full=False)
    assert json.loads(json.dumps(plain))["protected"] is True


async def test_protection_is_the_live_policy_s_from_the_tick_on_from_which_it_holds(world):
    world.keeps(*tick(10_000, {SHORT: {"tag": OVER}}))
    new = world.lives(TEXT.replace("serial: 1", "serial: 2") + "never_suppress: [tag]\n", from_tick_ms=20_000)
    before, after = await world.why(19_999), await world.why(20_000)
    assert (before.live, before.protected) == (POLICY.revision, False)
    assert (after.revision, after.live, after.protected) == (POLICY.revision, new.revision, True)


async def test_of_a_shard_that_has_kept_nothing_the_live_policy_is_known(world):
    why = await world.why(60_000)
    assert (why.revision, why.live, why.seen, why.below) == ("", POLICY.revision, False, [])


async def test_a_scorer_that_is_not_believed_is_told(world, monkeypatch):
    policy = world.lives(TEXT.replace("serial: 1", "serial: 2").replace("hour: 16", "hour: 16, least_scored: 0.5"))
    blind = {"tweets": 60, "scored": 2, "share": 0.1}
    world.keeps(*tick(10_000, {SHORT: {"tag": OVER} | {f"t{n}": blind for n in range(9)}}, policy))
    why = await world.why(60_000)
    assert why.fault is not None and why.fault.signal == "least_scored"
    text = told(why, monkeypatch)
    assert "the scorer is not believed: nothing begins, is renewed or cleared" in text
    assert "least scored 0.136, threshold 0.5, margin -0.364" in text and "least_scored: 0.5}" in text
    assert "missing: a scorer that is believed: least_scored is 0.136, the limit 0.5" in text
    assert (await world.why(9_999)).fault is None


def decided(policy: Policy, *rulings: Ruling) -> Account:
    said = msgspec.structs.replace(decision(1, *rulings), policy_revision=policy.revision)
    return Account("tag", [said], PeopleView(), None, NOW_MS)


async def test_what_ends_a_flag_follows_the_live_policy_not_the_one_it_began_under(world, monkeypatch):
    world.keeps(*tick(10_000, {SHORT: {"tag": OVER}}))
    account = decided(POLICY, ruling())
    for text, share, hours in (
        (TEXT, "0.3", "24"),
        (TEXT.replace("serial: 1", "serial: 2").replace("clear_at: 0.3", "clear_at: 0.2").replace(
            "hour: 16", "hour: 16, max_automated_hours: 3"), "0.2", "3"),
    ):  # fmt: skip
        world.lives(text, from_tick_ms=20_000)
        why = await world.why(60_000)
        (ends,) = [
            one["ends_when"] for place in view.as_dict(account, why, None, in_full=False)["places"]
            for one in place["registers"]
        ]  # fmt: skip
        assert ends[0].startswith(f"the upper bound of its harmful share falls below {share} at a settled tick")
        assert ends[1].startswith(f"{hours} hours have gone by without a person, at 1970-01-0")
    world.lives(TEXT.replace("serial: 1", "serial: 3\nsurfaces: [search]"), from_tick_ms=30_000)
    assert "ends when the next tick settles: the policy does not have" in told(
        await world.why(60_000), monkeypatch, account
    )


async def test_a_ruling_that_ran_out_and_bars_the_next_is_told_of_its_surface_alone(world, monkeypatch):
    world.keeps(*tick(10_000, {SHORT: {"tag": OVER}}))
    lapsed = msgspec.structs.replace(ruling(action="clear"), lapsed=True)
    text = told(await world.why(60_000), monkeypatch, decided(POLICY, lapsed))
    assert "hateful conduct on trends, everywhere: over" in text and "on search, everywhere: over" in text
    assert text.count("the ruling before ran out at 1970-01-01 00:00:00 UTC with no word of a person") == 1


# ---- the words ----

GOOD = artefact.ARTEFACT_PATH.read_bytes()
OWN = artefact.loads(GOOD)
TURNED = artefact.dump(dataclasses.replace(OWN.numbers, slopes=-OWN.numbers.slopes), OWN.categories, {})
"""A model to which every word says the contrary."""


def tweets(world: World, *values: dict[str, object], escaped: bool = False) -> None:
    for number, value in enumerate(values):
        whole = {"id": str(number + 1), "author_id": str(number + 1), "created_at_ms": NOW_MS} | value
        world.topics.now_ms = 5_000
        world.topics.append("tweets", 0, json.dumps(whole, ensure_ascii=escaped).encode())


@pytest.mark.parametrize("escaped", [True, False])
async def test_tweets_are_found_in_every_spelling_of_their_hashtag(world, escaped):
    spellings = [
        "#tag",
        "#TAG",
        "#\uff34\uff21\uff27",
        "#t\uff41g",
        "#tagger",
        "#\u0442ag",
        "#\U0001d413\U0001d400\U0001d406",
    ]
    tweets(world, *({"text": f"vermin {one}"} for one in spellings), escaped=escaped)
    found = await _texts(Settings(), "tag", 0, 10_000)
    assert {text.split("#")[1] for text in found} == {spellings[at][1:] for at in (0, 1, 2, 3, 6)}
    tweets(world, {"text": "#Stra\xdfe"}, escaped=escaped)
    assert await _texts(Settings(), "strasse", 0, 10_000) == ["#Stra\xdfe"]


async def test_words_are_asked_of_the_model_that_scored_the_tag(world, monkeypatch):
    world.topics.append("models", 0, TURNED, key=revision_of(TURNED).encode())
    tweets(world, {"text": "you are filthy vermin #tag"})

    async def ask(model: str) -> tuple[Terms, str]:
        found = await terms_of(Settings(), "tag", 0, 10_000, model=model)
        assert found is not None
        out = Console(record=True, width=200, file=open("/dev/null", "w"), soft_wrap=True)  # noqa: SIM115
        monkeypatch.setattr(view, "_out", out)
        view.tell_terms(found, in_full=True)
        out.file.close()
        return found, out.export_text()

    own, text = await ask(OWN.revision)
    assert (own.model, own.unlike) == (OWN.revision, "") and f"moved the model {OWN.revision}, over" in text
    turned, text = await ask(revision_of(TURNED))
    assert (turned.model, turned.unlike) == (
        revision_of(TURNED),
        "",
    ) and f"moved the model {turned.model}, over" in text
    assert {word: -added for word, added in turned.terms} == pytest.approx(dict(own.terms))
    missing, text = await ask("0" * 12)
    assert missing.model == OWN.revision and missing.terms == own.terms
    assert "model 000000000000, which scored it, is not in models; this is what another says" in text
    world.topics.append("models", 0, TURNED[:-9], key=b"1" * 12)
    damaged, _ = await ask("1" * 12)
    assert damaged.model == OWN.revision and damaged.unlike.startswith("model 111111111111, which scored it, cannot be")


async def test_the_model_that_scored_is_the_evidence_s_else_the_live_one(world):
    assert (await world.why(60_000)).model == "m"
    world.keeps(*tick(10_000, {SHORT: {"tag": OVER}}))
    assert (await world.why(60_000)).model == "0" * 12
