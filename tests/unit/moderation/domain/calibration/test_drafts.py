"""Files of labels: good lines are taken, and each bad line has its reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.domain.calibration import drafts
from moderation.domain.calibration.drafts import LabelDraft, parse_labels
from streams.errors import CallerMistake

NAMES = ("abuse", "hateful_conduct")
BAD = {
    b"not json": "line",
    b"[]": "line",
    b'{"text": "a"}': "line",
    b'{"text": "a", "harmful": 1}': "line",
    b'{"text": "a", "harmful": true, "extra": 1}': "line",
    b'{"text": "", "harmful": true}': "line",
    b'{"tweet_id": "x", "harmful": true}': "line",
    b'{"text": "  ", "harmful": true}': "text",
    b'{"harmful": true}': "text",
    b'{"text": "a", "tweet_id": "1", "harmful": true}': "text",
    b'{"text": "a", "harmful": true, "categories": {"spam": true}}': "categories",
    b'{"text": "a", "harmful": false, "categories": {"abuse": true}}': "categories",
    b'{"text": "\xff", "harmful": true}': "line",
    b'{"text": "a", "harmful": true, "person": "ann"}': "line",
}


def test_good_lines_are_taken_and_bad_ones_named() -> None:
    good = b'{"text": "a", "harmful": true, "categories": {"abuse": true}, "lang": "en"}'
    found, problems = parse_labels(b"\xef\xbb\xbf" + good + b"\r\n\n" + b"\n".join(BAD), "labels.jsonl", NAMES)
    draft = LabelDraft(text="a", harmful=True, categories={"abuse": True}, lang="en")
    assert found == [("line 1", draft)]
    assert [one.field for one in problems] == list(BAD.values())
    assert [one.where for one in problems] == [f"line {number}" for number in range(3, 3 + len(BAD))]
    assert all(one.fix for one in problems)


def test_empty_and_long_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CallerMistake, match="has no label"):
        parse_labels(b"\n \n", "x", NAMES)
    monkeypatch.setattr(drafts, "MOST_LABELS", 2)
    with pytest.raises(CallerMistake, match="more than 2 labels"):
        parse_labels(b'{"text": "a", "harmful": true}\n' * 3, "x", NAMES)


@given(st.binary(max_size=200))
def test_no_file_raises_anything_else(data: bytes) -> None:
    try:
        found, problems = parse_labels(data, "x", NAMES)
    except CallerMistake:
        return
    assert found or problems
