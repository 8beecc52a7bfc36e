"""Round trip of evidence tables through records, for any numbering of tags and any cut into parts."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import groupby
from typing import Any
from unittest.mock import patch

import msgspec
import numpy as np
import pytest

from models.share import Scale
from streams.constants import DAY_MS, MINUTE_MS, PANE_MS
from streams.counting.block_counts import MAX_GROUPS
from streams.counting.keys import Tags, country_of
from streams.judging.author_group import AuthorGroup
from streams.judging.evidence import EvidenceTable
from streams.judging.evidence_codec import TickEvidence, conditions_of, records_of, table_of
from streams.judging.levels import levels
from streams.judging.two_stage_share import ShareCorrection
from streams.log.evidence import EvidenceRecord, decode_evidence_record, encode_evidence_record
from streams.log.evidence_reading import evidence_in
from streams.log.lines import LogRecord
from streams.log.sense import are_probabilities
from streams.policy import parse_policy
from streams.signals.registry import COLUMNS
from tests.support.absurd_values import absurd_variants
from tests.support.evidence import evidence_table, sorted_by_key
from tests.support.policy_cases import GOOD

POLICY = parse_policy(GOOD, "good.yaml")
CATEGORIES = ("hateful_conduct", "abuse")
SCALE = Scale(np.random.default_rng(0).random((3, 3, 4)), np.random.default_rng(1).random((3, 3, 3)))
SCALES_2 = tuple(sorted(Scale(SCALE.moments / n, SCALE.errors).to_bytes() for n in (2, 3)))
CONDITIONS = conditions_of(POLICY, shards=8, categories=CATEGORIES, model_revision="0" * 12, scale=SCALE)
GROUP_COLUMNS = ("authors", "scored", "share", "groups")


def random_correction(dice: np.random.Generator, rows: int) -> ShareCorrection | None:
    """Correct none, some or all of the rows."""
    looked = np.where(dice.random(rows) < dice.choice([0, 0.3, 1]), dice.integers(5, 21, rows), 0)
    if not looked.any():
        return None
    variance = np.where(looked[:, None] > 0, dice.random((rows, 3)), 0.0)
    revisions = tuple("" if not one else f"rev{one % 2}" for one in looked.tolist())
    scale_of = np.where(looked > 0, looked % 3 - 1, -1)
    return ShareCorrection(looked, variance, revisions, scale_of, SCALES_2)


def random_group(dice: np.random.Generator, rows: int, *, corrected: bool = True) -> AuthorGroup:
    scored = dice.integers(0, 65, rows)
    return AuthorGroup(
        authors=dice.integers(1, 1 << 61, rows),
        scored=scored,
        share=np.where(scored[:, None] > 0, dice.random((rows, 3)), np.nan),
        correction=random_correction(dice, rows) if corrected else None,
        scale=SCALE,
        groups=dice.multinomial(scored, (0.5, 0.3, 0.2)),
        unread=random_unread(dice, rows),
        silent=np.arange(rows) % 65,
    )


def random_unread(dice: np.random.Generator, rows: int) -> np.ndarray | None:
    """Leave no row, some rows, or all rows unread in part."""
    some = dice.random(rows) < dice.choice([0, 0.3, 1])
    return dice.integers(0, 5, (rows, MAX_GROUPS)) * some[:, None] if some.any() else None


def random_past(dice: np.random.Generator, rows: int) -> AuthorGroup | None:
    """Give no row, some rows, or all rows a past."""
    chosen = np.flatnonzero(dice.random(rows) < dice.choice([0, 0.3, 1]))
    return random_group(dice, len(chosen), corrected=False).spread(chosen, rows) if len(chosen) else None


def random_table(rng: random.Random, tags: Tags, window_ms: int, rows: int) -> EvidenceTable:
    names = {(f"tag{rng.randrange(rows * 3)}", rng.choice(["IN", "US", "*"])) for _ in range(rows)}
    keys = sorted(tags.key(name, country) for name, country in names)
    m, dice = len(keys), np.random.default_rng(rng.randrange(1 << 30))
    everyone = random_group(dice, m)
    names = ["", "", "old", "older"] if rng.random() < 0.7 else [""]
    hidden_tags = [rng.choice(names) for _ in range(m)]
    return evidence_table(
        window_ms,
        keys=np.array(keys, np.int64),
        tweets=dice.integers(10, 1 << 40, m),
        authors=everyone.authors,
        scored=everyone.scored,
        share=everyone.share,
        copies=dice.random(m),
        young=dice.random(m),
        burst=np.where(dice.random(m) < 0.3, np.nan, dice.random(m) * 50),
        links=np.where(dice.random(m) < 0.5, 0.0, dice.random(m)) * rng.randrange(2),
        successor=[rng.random() if tag else 0.0 for tag in hidden_tags],
        hidden_tags=hidden_tags,
        correction=everyone.correction,
        scale=SCALE,
        groups=everyone.groups,
        unread=everyone.unread,
        silent=everyone.silent,
        established=random_group(dice, m),
        past=random_past(dice, m),
    )


def content(table: EvidenceTable, tags: Tags) -> dict[tuple[str, str], bytes]:
    """Return the bytes of each row by name, so that NaN equals NaN and every bit counts."""
    return {
        (tags.name(key), country_of(key)): b"".join(
            np.atleast_1d(column[row]).tobytes() for column in (table.tweets, *table.signals.values())
        )
        + b"".join(content_of(one, row) for one in (table.everyone, table.established, table.past))
        + (table.hidden_tags[row] if table.hidden_tags else "").encode()
        for row, key in enumerate(table.keys.tolist())
    }


def content_of(group: AuthorGroup | None, row: int) -> bytes:
    """Return the bytes of one row of a group; a row without authors is one that has no past."""
    if group is None or not group.authors[row]:
        return b"none"
    correction = group.correction
    corrected = correction is not None and correction.looked[row] and (
        int(correction.looked[row]), correction.variance[row].tolist(), correction.revisions[row],
        correction.scales[correction.scale_of[row]] if correction.scale_of[row] >= 0 else b"",
    )  # fmt: skip
    columns = [np.atleast_1d(getattr(group, name)[row]).tobytes() for name in GROUP_COLUMNS]
    unread = [] if group.unread is None else group.unread[row][group.unread[row] > 0].tolist()
    return b"".join(
        [*columns, f"{corrected or None} {unread} {0 if group.silent is None else group.silent[row]}".encode()]
    )


def through_the_log(records: list[EvidenceRecord]) -> list[EvidenceRecord]:
    return [decode_evidence_record(encode_evidence_record(record)) for record in records]


@pytest.mark.parametrize("max_bytes", [200, 2_000, 512 * 1024])
@pytest.mark.parametrize("rows", [0, 1, 60])
def test_table_survives_round_trip_through_records(rows, max_bytes):
    rng, tags, other = random.Random(rows), Tags(), Tags()
    other.key("tag1", "US")  # its numbers differ
    tables = {window_ms: random_table(rng, tags, window_ms, rows) for window_ms in (3_600_000, 600_000)}
    with patch("streams.judging.evidence_codec.MAX_BYTES", max_bytes):
        records = through_the_log(records_of(TickEvidence(70_000, CONDITIONS, True, tables), 5, tags))
    assert {(one.shard, one.tick_ms, one.paused, one.conditions) for one in records} == {(5, 70_000, True, CONDITIONS)}
    back = {}
    for window_ms, of_window in groupby(records, key=lambda record: record.window_ms):
        parts = list(of_window)
        assert [(one.part, one.parts) for one in parts] == [(at, len(parts)) for at in range(len(parts))]
        back[window_ms] = sorted_by_key(table_of(parts, other))
        scale = back[window_ms].everyone.scale
        assert scale is not None and scale.to_bytes() == SCALE.to_bytes()
    assert list(back) == [600_000, 3_600_000]
    for window_ms, table in tables.items():
        assert content(back[window_ms], other) == content(table, tags)
        assert (np.diff(back[window_ms].keys) > 0).all()
    if rows == 60 and max_bytes == 200:
        assert len(records) > 10


def test_records_do_not_depend_on_numbering_of_tags():
    one, other = Tags(), Tags()
    for number in range(200, 0, -1):
        other.key(f"tag{number}", "*")
    table = random_table(random.Random(1), one, 600_000, 50)
    names = [(one.name(key), country_of(key)) for key in table.keys.tolist()]
    renumbered = sorted_by_key(replace(table, keys=np.array([other.key(*name) for name in names])))
    assert renumbered.keys.tolist() != table.keys.tolist()
    written = [
        [
            encode_evidence_record(record)
            for record in records_of(TickEvidence(10_000, CONDITIONS, False, {600_000: t}), 0, tags)
        ]
        for t, tags in ((table, one), (renumbered, other))
    ]
    assert written[0] == written[1]


def test_take_selects_rows_by_mask_and_by_index():
    tags = Tags()
    table = random_table(random.Random(2), tags, 600_000, 30)
    big = table.tweets > np.median(table.tweets)
    assert content(table.take(big), tags) == content(table.take(np.flatnonzero(big)), tags)
    assert set(content(table.take(big), tags).items()) < set(content(table, tags).items())


def test_record_is_small_and_holds_no_text():
    tags = Tags()
    table = replace(random_table(random.Random(3), tags, 600_000, 1_000), hidden_tags=None, past=None)
    table = replace(table, signals={**table.signals, "successor": np.zeros(len(table.keys))})
    table = replace(
        table,
        everyone=uncorrected(table.everyone, silent=None),
        established=uncorrected(table.established, silent=None),
    )
    (record,) = records_of(TickEvidence(10_000, CONDITIONS, False, {600_000: table}), 0, tags)
    assert len(encode_evidence_record(record)) < (90 + 8 * len(COLUMNS)) * len(table.keys)
    for one in (record.everyone, record.established):
        assert all(isinstance(getattr(one, name), bytes) for name in GROUP_COLUMNS)
    assert record.past is None and record.past_rows == b""
    assert record.signals.keys() == table.signals.keys()


def uncorrected(group: AuthorGroup, **changed: Any) -> AuthorGroup:
    return replace(group, correction=None, **changed)


def test_record_has_only_rows_with_a_past():
    tags = Tags()
    table = random_table(random.Random(6), tags, 600_000, 40)
    names = sorted((tags.name(key), country_of(key), row) for row, key in enumerate(table.keys.tolist()))
    chosen = [row for _, _, row in names][3:5]
    past = random_group(np.random.default_rng(0), 2, corrected=False).spread(np.array(chosen), len(table.keys))
    (record,) = records_of(TickEvidence(10_000, CONDITIONS, False, {600_000: replace(table, past=past)}), 0, tags)
    assert record.past is not None and len(record.past.authors) == 2 * 8
    assert np.frombuffer(record.past_rows, "<i4").tolist() == [3, 4]
    back = table_of(through_the_log([record]), tags).past
    assert back is not None and np.flatnonzero(back.authors).tolist() == [3, 4]
    assert np.isnan(back.share[[0, 5]]).all()


@pytest.mark.parametrize("with_past", [(True, False, True), (False, True, False), (False, False, True)])
def test_past_of_several_records_stays_at_its_rows(with_past):
    """Records without a past lie among those with one."""
    tags, dice, tables = Tags(), np.random.default_rng(1), []
    for number, has_past in enumerate(with_past):
        table = random_table(random.Random(number), tags, 600_000, 8)
        past = random_group(dice, 2, corrected=False).spread(np.array([1, 4]), len(table.keys)) if has_past else None
        tables.append(replace(table, past=past))
    records = [
        record
        for number, table in enumerate(tables, 1)
        for record in records_of(TickEvidence(number * 10_000, CONDITIONS, False, {600_000: table}), 0, tags)
    ]
    back = table_of(through_the_log(records), tags)
    assert back.past is not None
    start = 0
    for table in tables:
        rows = range(start, start + len(table.keys))
        found = {int(back.keys[row]): content_of(back.past, row) for row in rows}
        assert found == {key: content_of(table.past, row) for row, key in enumerate(table.keys.tolist())}
        start += len(table.keys)


def test_record_of_many_groups_keeps_its_size():
    """The bound on a record covers all groups of authors of its rows."""
    tags, most = Tags(), 20_000
    table = random_table(random.Random(7), tags, 600_000, 2_000)
    dice, m = np.random.default_rng(2), len(table.keys)
    table = replace(table, past=random_group(dice, m, corrected=False))
    with patch("streams.judging.evidence_codec.MAX_BYTES", most):
        records = records_of(TickEvidence(10_000, CONDITIONS, False, {600_000: table}), 0, tags)
    assert len(records) > 10
    sizes = [len(encode_evidence_record(record)) for record in records]
    assert max(sizes) < 1.5 * most


def test_correction_by_stage_2_survives_round_trip():
    """A record without a correction has no bytes for it."""
    tags, conditions = Tags(), msgspec.structs.replace(CONDITIONS, scale=b"")
    table = random_table(random.Random(4), tags, 600_000, 20)
    everyone = uncorrected(table.everyone, scale=None, groups=None)
    table = replace(table, everyone=everyone, established=everyone, past=None)
    (record,) = records_of(TickEvidence(10_000, conditions, False, {600_000: table}), 0, tags)
    for one in (record.everyone, record.established):
        assert (one.looked, one.variance, one.stage_2) == (b"", b"", [])
    n = len(table.keys)
    correction = ShareCorrection(np.full(n, 9), np.full((n, 3), 0.01), ("new",) * n, np.zeros(n, np.int64), SCALES_2)
    everyone = replace(everyone, correction=correction)
    table = replace(table, everyone=everyone, established=everyone)
    (corrected,) = records_of(TickEvidence(10_000, conditions, False, {600_000: table}), 0, tags)
    rule, listed = POLICY.rule(POLICY.category_names[0], "trends", "*"), np.zeros(n, bool)
    plain, wider = (levels(table_of([one], Tags()), rule, 1, listed, 0.9) for one in (record, corrected))
    scored = plain.table.everyone.scored > 0
    for bounds, of_plain in ((wider.everyone, plain.everyone), (wider.own, plain.own)):
        assert (bounds.lower[scored] <= of_plain.lower[scored]).all() and (bounds.lower < of_plain.lower).any()
    one = wider.result(0).evidence
    assert one is not None and (one.looked, one.stage_2) == (9, "new")


def test_evidence_without_scale_is_judged_by_its_means():
    tags = Tags()
    plain = conditions_of(POLICY, shards=8, categories=CATEGORIES, model_revision="0" * 12)
    table = random_table(random.Random(4), tags, 600_000, 20)
    everyone = replace(table.everyone, scale=None, groups=None)
    table = replace(table, everyone=everyone, established=everyone, past=None)
    records = through_the_log(records_of(TickEvidence(10_000, plain, False, {600_000: table}), 0, tags))
    back = sorted_by_key(table_of(records, tags)).everyone
    assert back.scale is None and back.groups is None
    assert np.array(back.bounds(1, 0.9)) == pytest.approx(np.array(everyone.bounds(1, 0.9)))
    some = everyone.scored > 0
    assert back.estimates()[some] == pytest.approx(everyone.share[some])


def test_column_that_was_not_sent_is_nan_or_zero():
    """A dense column was not measured; a column whose zeros are left out is zero."""
    tags = Tags()
    table = random_table(random.Random(5), tags, 600_000, 9)
    (record,) = records_of(TickEvidence(10_000, CONDITIONS, False, {600_000: table}), 0, tags)
    back = table_of([msgspec.structs.replace(record, signals={})], tags)
    assert np.isnan(back.signals["copies"]).all() and not back.signals["links"].any()


def test_absurd_evidence_is_lawful_or_unreadable():
    """A reader takes a lawful one."""
    tags, tick_ms = Tags(), 2 * MINUTE_MS
    table = random_table(random.Random(1), tags, 600_000, 6)
    (record,) = records_of(TickEvidence(tick_ms, CONDITIONS, False, {600_000: table}), 5, tags)
    refused = 0
    for what, plain in absurd_variants(msgspec.msgpack.decode(encode_evidence_record(record))):
        log_record = LogRecord(5, 0, tick_ms, None, msgspec.msgpack.encode(plain))
        if (evidence := evidence_in(log_record)) is None:
            refused += 1
            continue
        rows = table_of([evidence], Tags())
        assert len(rows.keys) == evidence.rows, what
        assert (rows.tweets >= 0).all() and (rows.everyone.authors >= 0).all(), what
        shares = [rows.everyone.share, rows.established.share, rows.signals["copies"], rows.signals["young"]]
        assert all(are_probabilities(share) for share in shares), what
        assert (evidence.shard, evidence.tick_ms) == (5, tick_ms) or evidence.tick_ms < tick_ms, what
    assert refused > 500


def test_evidence_of_another_shard_or_a_coming_day_is_passed_over(caplog):
    tags = Tags()
    table = random_table(random.Random(1), tags, 600_000, 6)
    (record,) = records_of(TickEvidence(DAY_MS + 2 * PANE_MS, CONDITIONS, False, {600_000: table}), 5, tags)
    value = encode_evidence_record(record)
    assert evidence_in(LogRecord(5, 7, 2 * PANE_MS, None, value)) is not None
    assert evidence_in(LogRecord(4, 8, 2 * PANE_MS, None, value)) is None
    assert evidence_in(LogRecord(5, 9, PANE_MS, None, value)) is None
    assert [line.args[0] for line in caplog.records] == [8, 9], "each is named by its offset"
