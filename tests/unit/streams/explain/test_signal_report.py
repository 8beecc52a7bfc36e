"""Why a tag is hidden or is not: signal by signal, with the line of the file that set each threshold."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.console import Console

from streams.cli.moments import moment_ms
from streams.counting.keys import Tags
from streams.errors import CallerMistake
from streams.explain import view
from streams.explain.hashtag_report import Account
from streams.explain.reading import Why
from streams.explain.signal_report import Standing, standings, volumes, would_clear, would_hide
from streams.flags.overrides import PeopleView
from streams.judging.evidence import EvidenceTable
from streams.judging.evidence_codec import TickEvidence, conditions_of, records_of
from streams.judging.hysteresis import decide
from streams.judging.levels import BETWEEN, LOW, UNDER
from streams.judging.levels import Standing as Level
from streams.log.decisions import Action, Ruling
from streams.log.evidence import EvidenceRecord
from streams.log.policies import PolicyRecord
from streams.policy import Rule, parse_policy
from streams.policy.where import Places

TEXT = """\
serial: 1
windows: [2m, 20m]
categories:
  hateful_conduct:
    mode: suppress
    min_tweets: 20
    min_authors: 10
    suppress_at: 0.4   # ours
    clear_at: 0.3
    corroborate: {need: 1, burst: 2, authors: 100, term: true}
    overrides:
      - {country: IN, suppress_at: 0.6}
      - surface: search
        corroborate:
          need: 1
          young: 0.5
curated_terms: [{term: bad}]
valves: {new_suppressions_per_hour: 16}
"""
POLICY = parse_policy(TEXT, "policy.yaml")
PLACES = Places(POLICY, TEXT)


@pytest.mark.parametrize(
    ("signal", "surface", "country", "line", "source"),
    [
        ("harmful_share_lower", "trends", "*", 8, "suppress_at: 0.4   # ours"),
        ("harmful_share_lower", "trends", "IN", 12, "- {country: IN, suppress_at: 0.6}"),
        ("burst", "trends", "IN", 10, "corroborate: {need: 1, burst: 2, authors: 100, term: true}"),
        ("young", "search", "*", 16, "young: 0.5"),
        ("min_authors", "search", "IN", 7, "min_authors: 10"),
        ("new_suppressions_per_hour", "trends", "*", 18, "valves: {new_suppressions_per_hour: 16}"),
    ],
)
def test_the_line_that_set_a_threshold(signal, surface, country, line, source):
    place = PLACES.of_signal(signal, "hateful_conduct", surface, country)
    assert place is not None and (place.line, place.source) == (line, source)


def test_a_default_and_a_file_that_was_not_kept_have_no_line():
    assert PLACES.of_signal("least_scored", "hateful_conduct", "trends", "*") is None
    assert PLACES.of("dwell", "hateful_conduct", "trends", "*") is None
    assert PLACES.of_signal("harmful_share_lower", "abuse", "trends", "*") is None
    assert Places(POLICY, "").of_signal("harmful_share_lower", "hateful_conduct", "trends", "*") is None


def records(*ticks: dict[str, float], tag: str = "tag") -> list[EvidenceRecord]:
    """Evidence of one tag in the world, one record a tick; what is not said is over."""
    conditions = conditions_of(POLICY, shards=1, categories=("hateful_conduct",), model_revision="0" * 12)
    found = []
    for at, given in enumerate(ticks, 1):
        tags = Tags()
        one = {"tweets": 60, "authors": 50, "scored": 50, "share": 0.9, "burst": 3.0, "young": 0.1} | given
        column = {name: np.array([value]) for name, value in one.items()}
        table = EvidenceTable(
            window_ms=120_000, keys=np.array([tags.key(tag, "*")]), sampled=np.zeros((1, 0), np.int64),
            links=np.zeros(1), copies=np.zeros(1),
            **{**column, "share": np.array([[one["share"]] * 2])},
        )  # fmt: skip
        found += records_of(TickEvidence(at * 10_000, conditions, False, {120_000: table}), 0, tags)
    return found


def standing(surface: str = "trends", **given: float):
    (record,) = records(given)
    (one,) = [
        one for one in standings({120_000: record}, "tag", "*", POLICY, PLACES) if one.surface == surface
    ]  # fmt: skip
    return one


def test_it_says_by_which_stages_a_share_is():
    (record,) = records({})
    correction = {"looked": np.array([7], "<u2").tobytes(), "variance": np.zeros((1, 2)).tobytes(), "stage_2": ["new"]}
    corrected = msgspec.structs.replace(record, **correction)
    for given, expected in ((record, (0, "")), (corrected, (7, "new"))):
        for one in standings({120_000: given}, "tag", "*", POLICY, PLACES):
            assert (one.looked, one.stage_2) == expected


def test_a_tag_that_is_over_shows_every_signal_that_was_asked():
    one = standing()
    assert (one.level, one.need, would_hide(one)) == ("over", 1, [])
    assert [(signal.signal, signal.passed, signal.line) for signal in one.signals] == [
        ("min_tweets", True, 6),
        ("min_authors", True, 7),
        ("harmful_share_lower", True, 8),
        ("burst", True, 10),
        ("authors", False, 10),
        ("term", False, 10),
    ]
    assert one.lower < 0.9 < one.upper


def test_what_is_missing_is_said():
    assert would_hide(standing(tweets=15, authors=9)) == [
        "20 tweets in 2 min, it has 15",
        "10 authors in 2 min, it has 9",
    ]
    (share,) = would_hide(standing(share=0.4))
    assert share.startswith("a lower bound of the harmful share of 0.4, it is 0.2")
    assert would_hide(standing(burst=np.nan)) == ["1 more of what corroborates (burst 2, authors 100, term 1)"]
    assert standing(burst=np.nan).signals[3].value is None
    assert would_hide(standing("search")) == ["1 more of what corroborates (young 0.5)"]


def test_what_would_clear_it():
    rule = POLICY.rule("hateful_conduct", "trends", "*")
    first, last = would_clear("suppress", rule, standing(), POLICY.max_automated_ms)
    assert first == "the upper bound of its harmful share falls below 0.3 at a settled tick, it is 0.96 now"
    assert last == "24 hours have gone by without a person"
    assert "it stays below 20 tweets or 10 authors until it runs out" in would_clear(
        "suppress", rule, standing(tweets=10), POLICY.max_automated_ms
    )
    hold = dataclasses.replace(rule, mode="hold_for_review")
    assert would_clear("hold", hold, None, 1) == [
        "the upper bound of its harmful share falls below 0.3 at a settled tick",
        "a person decides, or the hold runs out; it is not renewed",
    ]


def test_a_window_under_a_minute_is_told_in_seconds():
    one = msgspec.structs.replace(standing(tweets=15), window_ms=30_000)
    assert would_hide(one) == ["20 tweets in 30 s, it has 15"]


MINUTE_MS, HOUR_MS = 60_000, 3_600_000
BEGAN_MS = 1_000 * HOUR_MS


def flag(action: Action = "suppress", **changes: object) -> Ruling:
    fields: dict[str, object] = {
        "category": "hateful_conduct", "surface": "trends", "action": action, "since_ms": BEGAN_MS,
        "expires_at_ms": BEGAN_MS + 30 * MINUTE_MS,
    }  # fmt: skip
    return Ruling(**(fields | changes))  # type: ignore[arg-type]


def test_what_would_clear_it_with_the_times_of_its_ruling():
    rule = dataclasses.replace(POLICY.rule("hateful_conduct", "trends", "*"), dwell_ms=2 * MINUTE_MS)
    day_ms = POLICY.max_automated_ms

    def ends(now: Standing | None, at_ms: int = BEGAN_MS, **more: object) -> list[str]:
        return would_clear("suppress", rule, now, day_ms, at_ms=at_ms, **({"state": flag()} | more))  # type: ignore[arg-type]

    cleared, limit = ends(standing())
    assert cleared.endswith(", it is 0.96 now, not before 1970-02-11 16:02:00 UTC"), "no sooner than a dwell"
    assert limit == "24 hours have gone by without a person, at 1970-02-12 16:00:00 UTC"
    assert ends(standing(), BEGAN_MS + 2 * MINUTE_MS)[0].endswith(", it is 0.96 now")
    held = msgspec.structs.replace(standing(), holding=True)
    assert ends(held, BEGAN_MS + HOUR_MS)[0].endswith("not while a gap of the log is in its windows")
    half = "it stays below 20 tweets or 10 authors from 1970-02-11 16:15:00 UTC on until it runs out"
    assert rule.expiry_ms == 30 * MINUTE_MS and half in ends(None), "renewed in the last half alone"
    assert "it stays below 20 tweets or 10 authors until it runs out" in ends(None, BEGAN_MS + 15 * MINUTE_MS)
    last = flag(expires_at_ms=BEGAN_MS + day_ms)
    assert ends(standing(), state=last)[1:] == ["it runs out: nothing is renewed beyond 24 hours without a person"]


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"protected": True}, "the next tick settles: it is protected now"),
        ({"rule": None}, "the next tick settles: the policy does not have the category on this surface any more"),
        ({"mode": "review"}, "the next tick settles: the mode is review now"),
        ({"state": flag(provisional=True)}, "its tick settles and it is not over then"),
    ],
)
def test_what_ends_it_at_the_next_tick(changes, end):
    rule = dataclasses.replace(POLICY.rule("hateful_conduct", "trends", "*"), mode=changes.pop("mode", "suppress"))
    assert would_clear("suppress", changes.pop("rule", rule), standing(), POLICY.max_automated_ms, **changes) == [end]


def test_what_it_says_would_end_a_flag_is_what_decide_does():
    """Between it is renewed in the last half of `expiry`, but for a hold; under it clears after a dwell, a hold too."""
    rule = POLICY.rule("hateful_conduct", "trends", "*")
    hold = dataclasses.replace(rule, mode="hold_for_review")

    def after(level: int, state: Ruling, one: Rule, minutes: float) -> Ruling | None:
        return decide(
            Level(level), state, one, BEGAN_MS + int(minutes * MINUTE_MS), category=state.category,
            surface=state.surface, never=False, max_automated_ms=POLICY.max_automated_ms,
        )  # fmt: skip

    for action, one, renewed in (("suppress", rule, True), ("hold", hold, False)):
        state = flag(action)
        assert after(BETWEEN, state, one, 14.9) is state
        assert (after(BETWEEN, state, one, 15) is not state) == renewed
        assert after(UNDER, state, one, rule.dwell_ms / MINUTE_MS - 0.1) is state
        assert after(UNDER, state, one, rule.dwell_ms / MINUTE_MS).action == "clear"
        assert after(LOW, state, one, 29.9) is state and after(LOW, state, one, 30).action == "clear"


def test_what_bars_a_tag_that_is_over():
    over = msgspec.structs.replace(standing(), tick_ms=BEGAN_MS + 10_000, dwell_ms=MINUTE_MS)
    assert would_hide(over, state=flag()) == would_hide(over, state=flag("review")) == []
    (rest,) = would_hide(over, state=flag("clear"))
    assert rest == "rest until 1970-02-11 16:01:00 UTC: it was cleared at 1970-02-11 16:00:00 UTC"
    assert would_hide(msgspec.structs.replace(over, tick_ms=BEGAN_MS + MINUTE_MS), state=flag("clear")) == []
    (lapsed,) = would_hide(over, state=flag("clear", lapsed=True))
    assert lapsed == (
        "an upper bound of the harmful share below 0.3 once, it is 0.96: the ruling before ran out at "
        "1970-02-11 16:00:00 UTC with no word of a person"
    )
    (protected,) = would_hide(over, protected=True)
    assert protected == "its protection would have to end: it is in never_suppress"


def test_the_tag_that_its_authors_come_from_is_named():
    text = TEXT.replace("burst: 2,", "burst: 2, successor: 0.3,")
    policy = parse_policy(text, "policy.yaml")
    conditions = conditions_of(policy, shards=1, categories=("hateful_conduct",), model_revision="0" * 12)
    (record,) = records({})
    record = msgspec.structs.replace(
        record, conditions=conditions, successor=np.float64(0.6).tobytes(), predecessors={"oldtag": [0]}
    )
    one = standings({120_000: record}, "tag", "*", policy, Places(policy, text))[0]
    (signal,) = [signal for signal in one.signals if signal.signal == "successor"]
    assert (one.predecessor, signal.value, signal.threshold, signal.passed, signal.line) == (
        "oldtag",
        0.6,
        0.3,
        True,
        10,
    )


def test_the_volume_has_a_row_for_each_tick_that_kept_the_tag():
    rows = [*records({"tweets": 20, "scored": 0, "share": np.nan}, {"tweets": 40}), *records({}, tag="other")]
    assert [(one.tick_ms, one.tweets, one.authors, one.share) for one in volumes(rows, "tag", "*")] == [
        (10_000, 20, 50, None),
        (20_000, 40, 50, pytest.approx(0.9)),
    ]
    assert volumes(rows, "tag", "IN") == []


def test_the_terminal_names_file_and_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "policy.yaml"
    path.write_text(TEXT)
    kept = PolicyRecord(
        revision=POLICY.revision, serial=1, policy=POLICY.canonical(), model_revision="m", from_tick_ms=0,
        proposed_at_ms=0, proposed_by="w", text=TEXT,
    )  # fmt: skip
    why = Why(_kept={POLICY.revision: kept}, _file=path, revision=POLICY.revision, standings=[standing(burst=np.nan)])
    why.standings.append(msgspec.structs.replace(why.standings[0], surface="search"))
    why.standings.append(msgspec.structs.replace(why.standings[0], category="abuse", predecessor="oldtag"))
    why.volume = volumes(records({"tweets": 20}, {"tweets": 40}), "tag", "*")
    out = Console(record=True, width=200, file=open("/dev/null", "w"), soft_wrap=True)  # noqa: SIM115
    monkeypatch.setattr(view, "_out", out)
    view.tell(Account("tag", [], PeopleView(), None, 1_000), why)
    text = out.export_text()
    out.file.close()
    assert f"harmful share lower 0.7864, threshold 0.4, margin +0.3864  {path}:8: suppress_at: 0.4   # ours" in text
    assert "burst not known, threshold 2" in text
    assert text.count("its authors come from #oldtag, which was hidden") == 1
    assert "missing: 1 more of what corroborates" in text
    assert "hateful conduct on trends and search, everywhere: between; harmful share 0.79 to 0.96" in text
    assert "▅█  40 of 50 authors" in text
    assert "by stage 1 alone: stage 2 had not read this hashtag, or was away" in text
    path.write_text(TEXT + "\n# edited since\n")
    edited = Why(_kept={POLICY.revision: kept}, _file=path)
    found = edited.where(POLICY.revision, "harmful_share_lower", "hateful_conduct", "trends", "*")
    assert found is not None and found[0] == f"policy {POLICY.revision}"
    assert edited.where("000000000000", "burst", "hateful_conduct", "trends", "*") is None


def test_moments():
    noon_ms = 1_790_000_000_000 // 86_400_000 * 86_400_000 + 43_200_000
    assert moment_ms("11:30", noon_ms) == noon_ms - 1_800_000
    assert moment_ms("12:30:10", noon_ms) == noon_ms + 1_810_000 - 86_400_000, "the last one"
    assert moment_ms("90s", noon_ms) == noon_ms - 90_000
    assert moment_ms("1970-01-01T01:00+01:00", noon_ms) == 0
    for bad in ("soon", "25:00", "2199-01-01", "1-1"):
        with pytest.raises(CallerMistake, match="--at"):
            moment_ms(bad, noon_ms)


def test_words_are_masked_unless_asked_for(monkeypatch: pytest.MonkeyPatch):
    from streams.explain import reading
    from streams.settings import Settings

    async def texts(*_: object) -> list[str]:
        return ["you are filthy vermin", "get out, filthy vermin"]

    monkeypatch.setattr(reading, "_texts", texts)
    found = asyncio.run(reading.terms_of(Settings(), "tag", 0, 1))
    assert found is not None and found.texts == 2 and 0 < found.mean < 1
    assert "vermin" in [word for word, _ in found.terms]
    assert [abs(added) for _, added in found.terms] == sorted([abs(added) for _, added in found.terms], reverse=True)
    out = Console(record=True, width=200, file=open("/dev/null", "w"), soft_wrap=True)  # noqa: SIM115
    monkeypatch.setattr(view, "_out", out)
    view.tell_terms(found, in_full=False)
    assert "vermin" not in out.export_text(clear=False) and "v****n" in out.export_text()
    view.tell_terms(found, in_full=True)
    assert "vermin" in out.export_text()
    view.tell_terms(None, in_full=True)
    assert "not in the log any more" in out.export_text()
    out.file.close()
