"""Masking of personal data in free text."""

from __future__ import annotations

import pytest

from moderation.domain.texts.masking import MASK, cut, masked


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ask @ann", f"ask {MASK}"), ("mail a.b+c@d.example", f"mail {MASK}"),
        ("see http://x.y/z now", f"see {MASK} now"),
        ("call +91 98765 43210", f"call {MASK}"), ("account 1234567890123", f"account {MASK}"),
        ("50% of 400 authors on 2026", "50% of 400 authors on 2026"), ("a@b", "a@b"),
        ("ｆｏｏ ＠bar", f"ｆｏｏ {MASK}"),
    ],
)  # fmt: skip
def test_masked_replaces_personal_data(text: str, left: str) -> None:
    assert masked(text) == left


def test_cut_ends_with_ellipsis() -> None:
    assert (cut("abc", 3), cut("abcd", 3)) == ("abc", "ab…")
