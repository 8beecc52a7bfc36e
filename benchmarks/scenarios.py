"""Campaigns found and innocent hashtags spared: ten seeded scenarios through the reference, as a table.

    python benchmarks/scenarios.py              seeds 0 to 9
    SEEDS=3,7,20-29 python benchmarks/scenarios.py

For each seed `hushtag simulate` makes a run of a quarter of an hour (MINUTES, RATE) with campaigns, protests,
counter-speech, quoting news, a match, a festival and a bot flood; `hushtag replay --early` judges it (POLICY, the
demo's by default). Texts are those that people wrote: the dev splits of ../shared/data/harm, which no training used.
Without them the simulator's texts are used, and a line reports it. TEXTS=all adds HatemojiBuild: sentences that were
written to mislead a classifier, and half of them do.

A campaign is found where a settled decision suppresses its hashtag, or discounts it to a weight of .1 or less. The exit
code is 3 if one is not found, or if another hashtag is suppressed, early or settled (hold and review do not count). It
is also 3 if more than 5% of the early flags were withdrawn.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from devkit.simulation.cli import load_texts
from devkit.simulation.texts import LabelledTexts

ROOT = Path(__file__).resolve().parent.parent
DEV = ROOT.parent / "shared" / "data" / "harm" / "dev"
MAX_WITHDRAWN = 0.05
LEAST_WEIGHT = 0.1
"""Weight up to which a discount finds a campaign: it keeps at most a tenth of its tweets in the rankings."""
EXIT_NO = 3

LANGUAGES = {
    "davidson": "en",
    "mhs_ken20_dev": "en",
    "mhs_ken20_test": "en",
    "hatemojibuild_dev": "en",
    "hatemojibuild_test": "en",
    "uli_en": "en",
    "uli_hi": "hi-Latn",
    "identity_templates_en": "en",
    "identity_templates_hi-latn": "hi-Latn",
}
IDENTITY_EVERY = 30
"""One in this many clean identity sentences ("Aki is a kind muslim") is used: all would dominate the texts."""

Truth = dict[str, Any]
Decision = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """Result of one campaign's hashtag. Seconds since the campaign's start; None: never."""

    hashtag: str
    country: str
    language: str
    settled_seconds: float | None
    early_seconds: float | None
    weight: float | None = None
    """Least weight of a settled discount; None: it was never discounted."""

    @property
    def found(self) -> bool:
        """Whether a settled decision hides the tag, or takes nine tenths of its tweets from its rank."""
        return self.settled_seconds is not None or (self.weight is not None and self.weight <= LEAST_WEIGHT)

    @property
    def seconds(self) -> float | None:
        """To the first suppression of either kind."""
        found = [one for one in (self.settled_seconds, self.early_seconds) if one is not None]
        return min(found, default=None)


@dataclass(frozen=True, slots=True, order=True)
class FalseOne:
    """A suppression of a tag that should stand."""

    hashtag: str
    country: str
    kind: str
    """The ground truth's word, or `one-use` for a tag that it does not list."""
    early: bool
    category: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """One scenario's outcome. Early flags are counted per (hashtag, country, category, surface)."""

    seed: int
    campaigns: list[CampaignResult] = field(default_factory=list)
    false_ones: list[FalseOne] = field(default_factory=list)
    early_flags: int = 0
    withdrawn: int = 0
    discounted: frozenset[str] = frozenset()
    """Harmless tags with a settled discount."""


def judge(seed: int, truth: Iterable[Truth], decisions: Iterable[Decision]) -> Verdict:
    """Compare what was decided with what should have been.

    A campaign counts as suppressed where its tag is, in its own country or everywhere (`*`).

    Args:
        seed: seed of the scenario, for the verdict.
        truth: the `tags` of a ground truth.
        decisions: records as `hushtag replay --early` prints them, as dicts.
    """
    known = {tag["hashtag"]: tag for tag in truth}
    first: dict[tuple[str, bool], int] = {}
    false_ones: set[FalseOne] = set()
    early: set[tuple[object, ...]] = set()
    withdrawn: set[tuple[object, ...]] = set()
    weights: dict[str, float] = {}
    for decision in decisions:
        hashtag, country = decision["hashtag"], decision["country"]
        tag = known.get(hashtag)
        for ruling in decision["rulings"]:
            provisional = ruling.get("provisional", False)
            mark = (hashtag, country, ruling["category"], ruling["surface"], ruling["since_ms"])
            if provisional and ruling["action"] == "clear":
                withdrawn.add(mark)
            if ruling["action"] == "discount" and not provisional:
                weights[hashtag] = min(ruling["weight"], weights.get(hashtag, 1.0))
            if ruling["action"] != "suppress":
                continue
            if provisional:
                early.add(mark)
            if tag is None or not tag["harmful"]:
                kind = "one-use" if tag is None else tag["kind"]
                false_ones.add(FalseOne(hashtag, country, kind, provisional, ruling["category"]))
            elif country == "*" or country in tag["countries"]:
                at = first.get((hashtag, provisional))
                first[hashtag, provisional] = min(decision["decided_at_ms"], at if at is not None else sys.maxsize)
    return Verdict(
        seed=seed,
        campaigns=[_result(tag, first, weights) for tag in known.values() if tag["harmful"]],
        false_ones=sorted(false_ones),
        early_flags=len(early),
        withdrawn=len(withdrawn),
        discounted=frozenset(weights) - {name for name, tag in known.items() if tag["harmful"]},
    )


def _result(tag: Truth, first: dict[tuple[str, bool], int], weights: dict[str, float]) -> CampaignResult:
    def seconds(provisional: bool) -> float | None:
        at = first.get((tag["hashtag"], provisional))
        return None if at is None else (at - tag["from_ms"]) / 1000

    name = tag["hashtag"]
    return CampaignResult(name, tag["countries"][0], tag["language"], seconds(False), seconds(True), weights.get(name))


def failures(verdicts: Iterable[Verdict]) -> list[str]:
    """Every reason to say no; empty if all is well. A settled decision must find each campaign."""
    verdicts = list(verdicts)
    found = []
    for verdict in verdicts:
        for campaign in verdict.campaigns:
            if not campaign.found:
                how = "only early" if campaign.early_seconds is not None else "not"
                found.append(f"seed {verdict.seed}: campaign {campaign.hashtag} ({campaign.language}) {how} suppressed")
        for one in verdict.false_ones:
            how = "early" if one.early else "settled"
            found.append(
                f"seed {verdict.seed}: {one.kind} {one.hashtag} suppressed in {one.country}, {how}, as {one.category}"
            )
    early, withdrawn = sum(v.early_flags for v in verdicts), sum(v.withdrawn for v in verdicts)
    if withdrawn > MAX_WITHDRAWN * early:
        found.append(f"{withdrawn} of {early} early flags withdrawn, more than {MAX_WITHDRAWN:.0%}")
    if not any(verdict.campaigns for verdict in verdicts):
        found.append("no scenario had a campaign")
    return found


def seeds_of(text: str) -> list[int]:
    """Seeds as SEEDS names them.

    >>> seeds_of("3,7,20-22")
    [3, 7, 20, 21, 22]
    """
    found: list[int] = []
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        found += range(int(low), int(high) + 1) if dash else [int(low)]
    return found


def dev_texts(folder: Path, *, adversarial: bool = False) -> Iterator[dict[str, object]]:
    """Lines for --texts out of the dev splits: tweets with their labels, and some clean identity sentences.

    `adversarial` takes HatemojiBuild in as well.

    Davidson's "offensive" is left out, as its source advises: neither clean nor hateful.
    """
    for name, language in LANGUAGES.items():
        if name.startswith("hatemoji") and not adversarial:
            continue
        with (folder / f"{name}.jsonl").open(encoding="utf-8") as file:
            for number, line in enumerate(file):
                row = json.loads(line)
                if row["detail"] == "offensive":
                    continue
                if name.startswith("identity") and (row["y"] or number % IDENTITY_EVERY):
                    continue
                yield {
                    "text": row["text"],
                    "harmful": bool(row["y"]),
                    "lang": "hi" if row["script"] == "deva" else language,
                }


def run_seed(seed: int, folder: Path, texts: Path | None, policy: str, minutes: str, rate: str) -> Verdict:
    """Simulate, replay and judge all seeds."""
    log, truth = folder / f"{seed}.jsonl", folder / f"{seed}.truth.json"
    making = ["simulate", "--seed", str(seed), "--minutes", minutes, "--rate", rate, "--truth", str(truth)]
    with log.open("wb") as file:
        _hushtag([*making, *(["--texts", str(texts)] if texts else [])], file)
    decided = folder / f"{seed}.decisions.jsonl"
    with decided.open("wb") as file:
        _hushtag(["replay", str(log), "--policy", policy, "--early"], file)
    log.unlink()
    with decided.open("rb") as file:
        return judge(seed, json.loads(truth.read_bytes())["tags"], map(json.loads, file))


def _hushtag(arguments: list[str], out: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli.main", *arguments],
        stdout=out,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stderr.decode(errors="replace"))
        raise SystemExit(f"hushtag {arguments[0]} ended with {done.returncode}")


def table(verdicts: Iterable[Verdict]) -> Table:
    """Return a country's name for the table."""
    shown = Table(title="Scenarios", caption="seconds: event time from the campaign's first tweet to the decision")
    for column in (
        "seed",
        "campaigns",
        "settled",
        "early",
        "seconds to suppression",
        "false",
        "early flags",
        "withdrawn",
    ):
        shown.add_column(column, justify="left" if column in ("seconds to suppression", "false") else "right")
    for verdict in verdicts:
        times = [
            f"{one.hashtag} ({one.country} {one.language}) {'never' if one.seconds is None else f'{one.seconds:.0f}'}"
            for one in verdict.campaigns
        ]
        shown.add_row(
            str(verdict.seed),
            str(len(verdict.campaigns)),
            str(sum(one.settled_seconds is not None for one in verdict.campaigns)),
            str(sum(one.early_seconds is not None for one in verdict.campaigns)),
            "\n".join(times),
            "\n".join(sorted({f"{one.kind} {one.hashtag}" for one in verdict.false_ones})) or "-",
            str(verdict.early_flags),
            str(verdict.withdrawn),
        )
    return shown


def main() -> int:
    """Run all seeds; returns the exit code."""
    seeds = seeds_of(os.environ.get("SEEDS", "0-9"))
    minutes, rate = os.environ.get("MINUTES", "15"), os.environ.get("RATE", "40")
    policy = os.environ.get("POLICY", str(ROOT / "config" / "demo-policy.yaml"))
    console, verdicts = Console(width=None if sys.stdout.isatty() else 160), []
    with tempfile.TemporaryDirectory(prefix="hushtag-scenarios-") as name:
        folder, texts = Path(name), None
        if DEV.is_dir():
            texts = folder / "texts.jsonl"
            rows = dev_texts(DEV, adversarial=os.environ.get("TEXTS") == "all")
            texts.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            found = load_texts(texts)
            assert isinstance(found, LabelledTexts)
            counts = ", ".join(f"{language} {n}" for language, n in found.n_harmful_in.items())
            console.print(
                f"texts: the dev splits of ../shared/data/harm, unseen by training; {found.n_clean} clean; "
                f"harmful: {counts} (a language with fewer than {found.FEW} borrows: hi-Latn of hi, hi of en)"
            )
        else:
            console.print("texts: the simulator's own, since ../shared/data/harm/dev is absent")
        for seed in seeds:
            verdicts.append(run_seed(seed, folder, texts, policy, minutes, rate))
            print(f"seed {seed} done", file=sys.stderr)
    console.print(table(verdicts))
    campaigns = [campaign for verdict in verdicts for campaign in verdict.campaigns]
    times = [campaign.seconds for campaign in campaigns if campaign.seconds is not None]
    if times:
        late = sorted(times)[math.ceil(0.95 * len(times)) - 1]
        console.print(
            f"time to suppression: median {statistics.median(times):.0f} s, 95% within {late:.0f} s, "
            f"slowest {max(times):.0f} s"
        )
    problems = failures(verdicts)
    for problem in problems:
        console.print(f"FAILED {problem}", markup=False)
    false_ones = sum(len({one.hashtag for one in verdict.false_ones}) for verdict in verdicts)
    early, withdrawn = sum(v.early_flags for v in verdicts), sum(v.withdrawn for v in verdicts)
    suppressed = sum(one.settled_seconds is not None for one in campaigns)
    found_ones = sum(one.found for one in campaigns)
    if campaigns and found_ones:
        precision, recall = found_ones / (found_ones + false_ones), found_ones / len(campaigns)
        console.print(f"tag precision {precision:.3f}, recall {recall:.3f}")
    innocent = sum(len(one.discounted) for one in verdicts)
    console.print(
        f"{found_ones - suppressed} campaigns discounted to a weight of {LEAST_WEIGHT} or less instead of suppressed; "
        f"{innocent} other tags discounted"
    )
    console.print(
        f"{'FAILED' if problems else 'PASSED'}: {suppressed} of {len(campaigns)} campaigns suppressed, "
        f"{false_ones} other tags suppressed, {withdrawn} of {early} early flags withdrawn"
    )
    return EXIT_NO if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
