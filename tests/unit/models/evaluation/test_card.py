"""Tables and summaries of the model card, and the committed card's parts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.evaluation import card
from models.evaluation.figures import MEAN_OF_LANGUAGES, POOLED, Figure
from models.evaluation.wording import format_figure


def figure(measure: str, subject: str, language: str, low: float, high: float, texts: str = "dev") -> Figure:
    return Figure(measure, texts, subject, language, "harmful", (low + high) / 2, low, high, 40)


FIGURES = [
    figure("AUC", POOLED, "en", 0.84, 0.86),
    figure("AUC", POOLED, MEAN_OF_LANGUAGES, 0.78, 0.8),
    figure(card.MINUS_AUC, POOLED, "en", 0.01, 0.03),
    figure(card.MINUS_AUC, POOLED, "hi", -0.01, 0.03),
    figure(card.MINUS_AUC, POOLED, "hi-Latn", -0.03, -0.01),
    figure(card.MINUS_AUC, POOLED, MEAN_OF_LANGUAGES, 0.0, 0.02),
    figure("flagged at half recall", "quote", "all", 0.1, 0.3, "probes"),
    figure(card.MINUS_FLAGGED, "quote", "all", -0.2, -0.1, "probes"),
    figure(card.MINUS_FLAGGED, "counter", "hi", 0.1, 0.2, "probes"),
    figure(card.MINUS_FLAGGED, "protest", "all", 0.1, 0.2, "simulated"),
]


def test_format_figure() -> None:
    assert format_figure(figure("AUC", "", "en", -0.01, 0.853)) == ".421 [-.010, .853]"
    assert format_figure(figure("AUC", "", "en", 1, 1), 2) == "1.00 [1.00, 1.00]"
    assert format_figure(None) == ""


def test_summaries_follow_the_intervals() -> None:
    found = card.Figures(FIGURES)
    summary = card.ranking_summary(found, "the baseline")
    assert "better beyond noise in English (.020 [.010, .030]); no difference beyond noise in Devanagari" in summary
    assert "the mean of the languages (.010 [.000, .020])" in summary, "an interval that touches 0 is not above it"
    assert "worse beyond noise in Roman Hindi (-.020 [-.030, -.010])" in summary
    summary = card.spared_summary(found, "the baseline")
    assert "flagged less beyond noise than by the baseline: quote (all, -.150 [-.200, -.100])" in summary
    assert summary.endswith("more beyond noise than by the baseline: counter (hi, .150 [.100, .200]).")


def test_tables_contain_every_figure(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text("".join(json.dumps(f.as_dict()) + "\n" for f in FIGURES))
    found = card.Figures.read(path)
    rows = list(card.ranking(found, "dev"))
    assert rows[2].startswith(f"| {POOLED} | en | harmful | 40 | .850 [.840, .860] | .020 [.010, .030] |")
    assert rows[3].startswith(f"| {POOLED} | {MEAN_OF_LANGUAGES} | harmful |")
    assert "| quote (40) | .20 [.10, .30] |  |  |  | -.15 [-.20, -.10] |" in list(card.spared(found))
    assert len({row.count("|") for row in rows}) == 1


def test_insert_parts_replaces_only_named_parts() -> None:
    text = "a\n<!-- made: groups -->\nold\n<!-- made -->\nb\n<!-- made: shares -->\nkept\n<!-- made -->\n"
    after = card.insert_parts(text, {"groups": "new\n"})
    assert after == text.replace("old", "new")
    assert card.insert_parts(after, {"groups": "new"}) == after
    with pytest.raises(ValueError, match="no part attacks"):
        card.insert_parts(text, {"attacks": ""})


def test_committed_card_has_every_part() -> None:
    text = card.CARD_PATH.read_text("utf-8")
    made = card.card_parts(card.Figures([]), card.Figures([]), {"attacks": "", "simulated kinds": ""}, card.Figures([]))
    assert card.insert_parts(text, made) != text
    assert "ten tenths" in made
