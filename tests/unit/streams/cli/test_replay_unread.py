"""Hashtags in languages that the model does not read, through the reference under the policy of the demo."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from devkit.simulation.data import own_texts
from streams.cli import replay
from streams.constants import DAY_MS

APP = typer.Typer()
replay.register(APP)
NOW_MS = 1_700_000_000_000
AUTHORS = 80
POLICY = Path(__file__).parents[4] / "config" / "demo-policy.yaml"
CALLS = {
    "ta": [
        "இந்த வேல்மாரிகளை நம் ஊரை விட்டு உடனே விரட்டுங்கள்", "வேல்மாரிகள் எல்லோரும் திருடர்கள் அவர்களை நம்பாதீர்கள்",
        "வேல்மாரிகள் நமக்கு வேண்டாம் வெளியே போகட்டும்",
    ],
    "bn": [
        "এই ভেলমারিদের এখনই আমাদের শহর থেকে তাড়িয়ে দাও", "ভেলমারিরা সবাই চোর ওদের কেউ বিশ্বাস করো না",
        "ভেলমারিদের আমরা চাই না ওরা চলে যাক",
    ],
    "ur": [
        "ان ویلماریوں کو ابھی ہمارے شہر سے نکال دو", "ویلماری سب چور ہیں ان پر کوئی بھروسا نہ کرے",
        "ہمیں ویلماری نہیں چاہییں یہ لوگ چلے جائیں",
    ],
    "es": [
        "hay que echar a estos velmaros de nuestra ciudad ahora", "los velmaros son todos unos ladrones asquerosos",
        "no queremos a los velmaros aquí que se vayan ya todos",
    ],
}  # fmt: skip
"""Calls against an invented people."""


@APP.callback()
def _root() -> None:
    """Keep the name of the only command."""


def campaign(texts: list[str], tag: str, lang: str | None) -> list[dict[str, Any]]:
    """Write copied texts of young accounts under one tag, in one minute."""
    return [
        {
            "created_at_ms": NOW_MS + 700 * n, "text": f"{texts[n % len(texts)]} #{tag}", "country": "IN",
            "author_created_at_ms": NOW_MS - 3 * DAY_MS, **({"lang": lang} if lang else {}),
        }
        for n in range(AUTHORS)
    ]  # fmt: skip


def decisions(folder: Path, tweets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ordered = sorted(tweets, key=lambda tweet: tweet["created_at_ms"])
    file = folder / "tweets.jsonl"
    file.write_text(
        "".join(json.dumps({"id": str(n), "author_id": str(n), **tweet}) + "\n" for n, tweet in enumerate(ordered))
    )
    done = CliRunner().invoke(APP, ["replay", str(file), "--policy", str(POLICY), "--early", "--shards", "1"])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("says_language", [False, True])
def test_campaign_in_unread_language_opens_a_case_and_hides_nothing(tmp_path, says_language):
    """The Hindi twin of the same shape is hidden."""
    draws = Random(0)
    hindi = [own_texts().draw("harmful", "hi", draws) for _ in range(3)]
    tweets = campaign(hindi, "hindi", "hi" if says_language else None)
    for lang, texts in CALLS.items():
        tweets += campaign(texts, f"tag{lang}", lang if says_language else None)
    found: dict[str, set[tuple[str, str]]] = {}
    unread: dict[str, dict[str, int]] = {}
    for decision in decisions(tmp_path, tweets):
        for ruling in decision["rulings"]:
            found.setdefault(decision["hashtag"], set()).add((ruling["action"], ruling.get("valve", "")))
            if ruling.get("valve") == "not_assessed":
                unread[decision["hashtag"]] = ruling["evidence"]["unread"]
                assert ruling["reasons"][0]["signal"] == "scored_share"
    assert ("suppress", "") in found.pop("hindi")
    assert found == {f"tag{lang}": {("review", "not_assessed")} for lang in CALLS}
    assert {tag: next(iter(counts)) for tag, counts in unread.items()} == {f"tag{lang}": lang for lang in CALLS}
