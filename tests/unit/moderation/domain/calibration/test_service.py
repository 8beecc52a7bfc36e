"""Calibration: labels are scored and kept without their texts, combined, fitted, put live and rolled back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from moderation.domain.calibration.answers import calibration_answer
from moderation.domain.calibration.drafts import LabelDraft
from moderation.domain.calibration.label_book import AGAIN_MS
from moderation.domain.calibration.records import text_subject
from streams.errors import CallerMistake
from streams.log.decisions import SampledAt
from tests.support.case_decisions import decision, ruling
from tests.support.in_memory_calibration import HARMFUL, add_of_two, drafts
from tests.support.in_memory_texts import InMemoryTexts, native_tweet
from tests.support.moderation_world import World


def sampled() -> World:
    """Build a world with a case that has sampled the tweet 17."""
    evidence = msgspec.structs.replace(ruling("hold").evidence, sampled_at=(SampledAt(0, 7, "en"),))
    tweets = InMemoryTexts({(0, 7): native_tweet(17, HARMFUL[0])})
    return World(decision(ruling("hold", evidence=evidence)), tweets=tweets)


async def add(world: World, *labels: LabelDraft, actor: str = "asha") -> Any:
    world.now_ms += 1
    return await world.calibration.book.add(labels, actor=actor, reason="r")


def label(text: str, harmful: bool | None, **more: Any) -> LabelDraft:
    return LabelDraft(text=text, harmful=harmful, lang="en", **more)


async def test_record_has_scores_and_no_text() -> None:
    world = sampled()
    found = await add(world, label(HARMFUL[0], True, categories={"abuse": True}))
    assert (found.added, found.unchanged, found.problems) == (1, 0, ())
    [record] = world.log.records
    assert HARMFUL[0].encode() not in record.value and b"filthy" not in record.value + record.key
    assert record.key.startswith(f"label:{text_subject(HARMFUL[0], b'key')}|review|".encode())
    [text] = (await world.another().calibration.book.labels()).texts.texts
    assert (text.language, text.harmful, text.categories) == ("en", True, {"abuse": True})
    assert len(text.probabilities) == 4 and 0 < text.probabilities[0] < 1


async def test_later_label_of_a_person_replaces_the_earlier() -> None:
    world = sampled()
    assert [(await add(world, label("a text", one))).added for one in (True, True, False)] == [1, 0, 1]
    keys = {record.key for record in world.log.records}
    assert len(keys) == 1, "compaction keeps the last one alone"
    [text] = (await world.calibration.book.labels()).texts.texts
    assert not text.harmful and text.categories == dict.fromkeys(("abuse", "gendered_abuse", "hateful_conduct"), False)
    await add(world, label("a text", None))
    assert (await world.calibration.book.labels()).texts.texts == ()
    assert (await add(world, label("a text", None))).added == 0, "there is nothing to withdraw"


async def test_unread_language_and_unknown_tweet_are_refused_by_line() -> None:
    world = sampled()
    found = await add(
        world,
        label("இது ஒரு தமிழ் வாக்கியம், வணக்கம்", True),
        LabelDraft(tweet_id="404", harmful=True),
        LabelDraft(tweet_id="17", harmful=True),
        LabelDraft(harmful=True),
    )
    assert found.added == 1
    assert [(one.where, one.field) for one in found.problems] == [
        ("label 2", "tweet_id"), ("label 4", "text"), ("label 1", "text"),
    ]  # fmt: skip
    assert "does not read this language (ta)" in found.problems[2].problem
    [text] = (await world.calibration.book.labels()).texts.texts
    assert text.hashtag == "tag", "the hashtag of its case is the cluster"


async def test_markings_are_labels_and_decisions_label_no_text() -> None:
    world = sampled()
    case = (await world.case()).id
    assert (await world.calibration.book.labels()).texts.texts == ()
    await world.markings.mark(case, "tag", "17", "attack", actor="ann", reason="r")
    found = await world.calibration.book.labels()
    assert [(one.subject, one.harmful, one.categories) for one in found.texts.texts] == [("tweet-17", True, {})]
    assert found.marked == 1
    await world.cases.decide("tag", "hide", actor="ann", reason="r")
    [text] = (await world.calibration.book.labels()).texts.texts
    assert text.categories == {"abuse": True}, "hidden for abuse, so the attack is abuse"
    await world.markings.mark(case, "tag", "17", "counter_speech", actor="ann", reason="r")
    [text] = (await world.calibration.book.labels()).texts.texts
    assert not text.harmful and not any(text.categories.values())
    await world.markings.mark(case, "tag", "17", "none", actor="ann", reason="r")
    assert (await world.calibration.book.labels()).texts.texts == ()
    assert not [one for one in world.log.records if b'"text_reading"' in one.value], "no person reads a text"


async def test_marking_of_an_unreadable_tweet_does_not_count() -> None:
    world = sampled()
    world.tweets.records.clear()
    await world.markings.mark((await world.case()).id, "tag", "17", "attack", actor="ann", reason="r")
    found = await world.calibration.book.labels()
    assert (found.texts.texts, found.unreadable) == ((), 1)


async def test_unreadable_tweet_is_tried_again_after_ten_minutes() -> None:
    world = sampled()
    record = world.tweets.records.pop((0, 7))
    await world.markings.mark((await world.case()).id, "tag", "17", "attack", actor="ann", reason="r")
    await world.calibration.book.labels()
    world.tweets.records[0, 7] = record
    world.now_ms += AGAIN_MS - 1
    assert (await world.calibration.book.labels()).unreadable == 1
    world.now_ms += 1
    assert len((await world.calibration.book.labels()).texts.texts) == 1


async def test_swapped_labels_are_refused() -> None:
    world = sampled()
    swapped = [msgspec.structs.replace(one, harmful=not one.harmful, categories={}) for one in drafts(30, 30)]
    await world.calibration.book.add(swapped, actor="asha", reason="r")
    assert (await world.calibration.preview()).fit.inverted == ("en, any harm",)
    with pytest.raises(CallerMistake, match="score no higher than clean ones") as refused:
        await world.calibration.apply(actor="zoe", reason="r")
    assert "swapped" in refused.value.fix and not world.models.records


async def test_labels_of_other_weights_do_not_count() -> None:
    world = sampled()
    await add(world, label("a text", True), LabelDraft(tweet_id="17", harmful=True))
    for record in list(world.log.records):
        value = msgspec.json.decode(record.value)
        changed = msgspec.json.encode(value | {"scores": "0" * 12, "probabilities": [0.1] * 4})
        world.log.send([(changed, record.key)])
    found = await world.another().calibration.book.labels()
    assert (found.other_model, [one.subject for one in found.texts.texts]) == (1, ["tweet-17"])
    assert found.texts.texts[0].probabilities[0] > 0.2, "a tweet that can be read is scored again"


async def test_apply_keeps_scores_and_changes_the_scale() -> None:
    world = sampled()
    await add_of_two(world.calibration, 60, 60)
    preview = await world.calibration.preview()
    [column, *_] = preview.fit.columns
    assert (column.language, column.clean, column.harmful, column.is_calibrated) == ("en", 60, 60, True)
    before = await world.models.live()
    record = await world.calibration.apply(actor="zoe", reason="our labels", if_live=before.revision)
    live = await world.models.live()
    assert record.model_revision == live.revision != before.revision
    assert live.scores == before.scores
    assert record.model_change is not None
    assert record.model_change.reason == "our labels (scale of en fitted to 120 labelled texts of 2 people)"
    after = live.scorer.numbers
    assert after.moments[0, 0, 0] == pytest.approx(column.after[0])
    assert not after.between[0, 0].any() and (after.moments[1:] == before.scorer.numbers.moments[1:]).all()
    assert live.scorer.training["calibration"]["people"] == 2  # type: ignore[index]
    again = (await world.calibration.preview()).fit.columns[0]
    assert again.before == pytest.approx(column.after), "labels of the model before stay valid"
    assert again.after == pytest.approx(column.after), "a second fit starts from the trained scale"
    with pytest.raises(CallerMistake, match="has the scale of these labels already"):
        await world.calibration.apply(actor="ann", reason="again")
    await world.calibration.rollback(actor="zoe", reason="wrong", if_live=live.revision)
    assert (await world.models.live()).revision == before.revision


async def test_one_person_needs_the_flag_and_is_recorded() -> None:
    world = sampled()
    await world.calibration.book.add(drafts(50, 50), actor="asha", reason="r")
    await add(world, label("of another person", False), actor="ben")
    with pytest.raises(CallerMistake, match="asha gave 100% of the harmful labels in en, any harm") as refused:
        await world.calibration.apply(actor="zoe", reason="r")
    assert "--one-person" in refused.value.fix
    record = await world.calibration.apply(actor="zoe", reason="r", one_person=True)
    assert record.model_change is not None and record.model_change.reason.endswith("2 people, most of one person)")
    live = await world.models.live()
    assert live.scorer.training["calibration"]["one_person"] is True  # type: ignore[index]


async def test_apply_without_enough_labels_says_what_is_missing() -> None:
    world = sampled()
    with pytest.raises(CallerMistake, match="no language has a label"):
        await world.calibration.apply(actor="zoe", reason="r")
    await add_of_two(world.calibration, 30, 4)
    with pytest.raises(
        CallerMistake, match="34 of 100 labels in en, 20 more clean and 46 more harmful texts are missing"
    ):
        await world.calibration.apply(actor="zoe", reason="r")
    assert not world.models.records


async def test_apply_after_another_model_went_live_is_refused() -> None:
    world = sampled()
    await add_of_two(world.calibration, 60, 60)
    seen = (await world.models.live()).revision
    await world.calibration.apply(actor="zoe", reason="r")
    for write in (world.calibration.apply, world.calibration.rollback):
        with pytest.raises(CallerMistake, match=f"is live, not {seen}"):
            await write(actor="ann", reason="r", if_live=seen)


async def test_apply_refuses_a_scale_that_labels_changed_meanwhile() -> None:
    world = sampled()
    await add_of_two(world.calibration, 60, 60)
    seen = (await world.calibration.preview()).fit.revision
    await add(world, label("a lovely day", True), actor="ben")
    with pytest.raises(CallerMistake, match=f"labels have changed: .* not {seen}"):
        await world.calibration.apply(actor="zoe", reason="r", if_scale=seen)
    await add(world, label("a lovely day", None), actor="ben")
    assert await world.calibration.apply(actor="zoe", reason="r", if_scale=seen)


async def test_one_person_may_not_give_one_language_or_kind() -> None:
    world = sampled()
    await add_of_two(world.calibration, 60, 0)
    await world.calibration.book.add(drafts(0, 14), actor="meera", reason="r")
    with pytest.raises(CallerMistake, match="meera gave 100% of the harmful labels in en"):
        await world.calibration.apply(actor="zoe", reason="r")


async def test_label_of_a_deleted_tweet_can_be_withdrawn() -> None:
    world = sampled()
    await add(world, LabelDraft(tweet_id="17", harmful=True))
    world.tweets.records.clear()
    found = await add(world, LabelDraft(tweet_id="17", harmful=None))
    assert (found.added, found.problems) == (1, ())
    assert (await world.another().calibration.book.labels()).texts.texts == ()


async def test_one_sender_does_not_outvote_three_people() -> None:
    world = sampled()
    for person in ("asha", "ben", "meera"):
        await add(world, label("a text", True), actor=person)
    await add(world, *[label("a text", False)] * 6, actor="zoe")
    texts = (await world.calibration.book.labels()).texts
    assert texts.texts[0].harmful and texts.people == {"asha": 1, "ben": 1, "meera": 1, "zoe": 1}


async def test_problems_name_the_given_places_and_may_stop_all() -> None:
    world = sampled()
    labels = [label("fine", False), label("இது ஒரு தமிழ் வாக்கியம், வணக்கம்", True)]
    found = await world.calibration.book.add(
        labels, actor="asha", reason="r", places=("line 7", "line 9"), all_or_none=True
    )
    assert (found.added, [one.where for one in found.problems]) == (0, ["line 9"])
    assert not world.log.records


async def test_labels_by_chance_are_refused() -> None:
    world = sampled()
    # Every second text of each kind is harmful: by construction both means are nearly equal.
    mixed = [
        msgspec.structs.replace(one, harmful=number % 4 < 2, categories={})
        for number, one in enumerate(sorted(drafts(120, 120), key=lambda one: str(one.text)))
    ]
    await world.calibration.book.add(mixed, actor="asha", reason="r")
    preview = await world.calibration.preview()
    [column, *_] = preview.fit.columns
    assert abs(column.after[1] - column.after[0]) < 0.04, "less than chance explains"
    assert preview.fit.inverted and not preview.may_go_live


async def test_means_reveal_no_score_of_a_marked_text() -> None:
    world = sampled()
    await add_of_two(world.calibration, 60, 60)
    before = calibration_answer(await world.calibration.preview()).columns[0].means_after
    await world.markings.mark((await world.case()).id, "tag", "17", "attack", actor="ann", reason="r")
    after = calibration_answer(await world.calibration.preview()).columns[0].means_after
    assert all(round(one, 2) == one for one in before + after)
