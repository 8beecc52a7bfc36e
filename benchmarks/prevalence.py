"""Detection by share of harmful authors, and precision and recall over scenarios of unseen texts.

    python -m benchmarks.prevalence [--scenarios 50] [--first 0] [--policy FILE] [--stage 2] [--picture FILE]

A light run: hashtags are made of scored texts and judged tick by tick with the judge's evidence tables, levels and
decisions, at the policy's thresholds in any mode. There is no log, no block and no early firing, so times to
suppression are those of settled ticks. Every hashtag has all the corroboration that the policy asks for: only its texts
protect a protest here. Harmful and clean texts are the dev tweets, which no training used (the model was chosen on
them). Protest, counter-speech, quoting news, matches, festivals and promotion are the simulator's texts; reclaimed use
is that of the probes.

Each scenario has campaigns in one language, with 60 to 95% harmful authors, and innocent hashtags of each kind. Up to a
tenth of an innocent hashtag's authors write clean tweets of another sort, and up to a twentieth harmful ones.
Authors come over ten minutes, 60 to 400 of them. Sensitivity: of tags with as many authors as a sample holds, the part
that is over its threshold, by the share of them that is harmful. With stage 2 it has read the first of every sample in
time. The exit code is 3 below a precision of .97 or a recall of .9, or if protected speech is suppressed.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from benchmarks.machine import machine
from benchmarks.prevalence_picture import picture
from devkit.simulation.data import own_texts
from models import data, load_stack
from models.evaluation.probes import probes
from models.evaluation.run import DEFAULT_DATA
from models.share import Scale
from streams.constants import PANE_MS
from streams.counting.block_counts import to_lines
from streams.counting.sketch import K
from streams.judging.author_group import AuthorGroup
from streams.judging.evidence import EvidenceTable
from streams.judging.hysteresis import decide
from streams.judging.levels import OVER, levels
from streams.judging.side_inputs.corrections import SampleCorrections
from streams.judging.two_stage_share import ShareCorrection, correct
from streams.log.decisions import ScopeDecision
from streams.policy import Policy, parse_policy
from streams.scoring import TextScorer, load_text_scorer
from streams.signals.registry import MEASURED

if TYPE_CHECKING:
    from models.encoder.stack import StackScorer

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("en", "hi", "hi-Latn")
SPARED = ("protest", "counter_speech", "news", "reclaimed")
KINDS = (*SPARED, "sports", "festival", "promotion")
SAMPLE = K  # authors of a tag that a judge knows
PANES, WINDOW_PANES = 60, 60
SHARES = tuple(tenth / 10 for tenth in range(1, 10))
N_TAGS, N_DRAWN = 400, 300
LEAST_PRECISION, LEAST_RECALL = 0.97, 0.9
EXIT_NO = 3

Scores = npt.NDArray[np.float64]
Pools = Mapping[tuple[str, str], Scores]
"""Scored texts by (kind, language), a row per text: probabilities, language group, and stage 2's scores if it runs.

Kinds are KINDS, "harmful" and "clean"."""
N_COLUMNS = len(data.COLUMNS)


@dataclass(frozen=True, slots=True)
class Tag:
    """One simulated hashtag: the pane in which each author comes, and what their text scores, as in `Pools`."""

    kind: str
    language: str
    panes: npt.NDArray[np.int64]
    scores: Scores


@dataclass(frozen=True, slots=True)
class TagOutcome:
    """Result of one hashtag. `seconds`: from its first author to its suppression; None: never suppressed."""

    kind: str
    language: str
    seconds: float | None


def pools(folder: Path, scorer: TextScorer, stack: StackScorer | None = None) -> Pools:
    """Every text that tags are made of, scored, by stage 2 too if there is one."""
    texts: dict[tuple[str, str], list[str]] = {}
    for example in data.read_folder(folder, ("davidson", "mhs_ken20_dev", "mhs_ken20_test", "uli_en", "uli_hi")):
        texts.setdefault(("harmful" if example.labels[0] else "clean", example.language), []).append(example.text)
    for probe in probes():
        if probe.detail == "reclaimed":
            texts.setdefault((probe.detail, probe.language), []).append(probe.text)
    own, rng = own_texts(), random.Random(0)
    for kind in set(KINDS) - {"reclaimed"}:
        for language in LANGUAGES:
            texts[kind, language] = [own.draw(kind, language, rng, subject) for subject in range(N_DRAWN)]
    scores = {key: scorer(to_lines([" ".join(text.split()) for text in some])) for key, some in texts.items()}
    columns = {
        key: np.column_stack(
            (scored.probabilities, scored.groups, *([stack.score(texts[key])] if stack else []))
        ).astype(float)
        for key, scored in scores.items()
    }
    return {key: of[~np.isnan(of).any(axis=1)] for key, of in columns.items()}  # without texts that are not read


def scenario(of: Pools, seed: int) -> Iterator[Tag]:
    """Draw two campaigns and a hashtag of each innocent kind, each in one language."""
    rng = np.random.default_rng(seed)
    for kind in ("harmful", "harmful", *KINDS):
        language = LANGUAGES[rng.integers(len(LANGUAGES))]
        n = int(rng.integers(60, 400))
        harmful = round(n * (rng.uniform(0.6, 0.95) if kind == "harmful" else rng.uniform(0, 0.05)))
        other = round(n * rng.uniform(0, 0.1)) if kind != "harmful" else n - harmful
        parts = [("harmful", harmful), ("clean", other)]
        if kind != "harmful":
            parts.append((kind, n - harmful - other))
        scores = np.concatenate([rng.choice(of[which, language], size) for which, size in parts])
        panes = np.minimum((PANES * rng.beta(1.2, 1.2, n)).astype(np.int64), PANES - 1)
        yield Tag(kind, language, panes, rng.permutation(scores))


def judged(tags: Sequence[Tag], policy: Policy, scale: Scale | None, scale_2: Scale | None = None) -> list[TagOutcome]:
    """Judge every hashtag at the end of every pane, as the judge does. The scales convert scores to shares."""
    since: list[int | None] = [None] * len(tags)
    standing: dict[tuple[int, str], ScopeDecision | None] = {}
    for pane in range(PANES):
        table = tabled(tags, pane, scale, scale_2)
        for category in policy.category_names:
            column = data.COLUMNS.index(category)
            rule = replace(policy.rule(category, policy.surfaces[0], "*"), mode="suppress")
            levels_of_tags = levels(table, rule, column, np.ones(len(tags), bool), rule.confidence)
            for row in range(len(tags)):
                key = row, category
                standing[key] = decide(
                    levels_of_tags.result(row),
                    standing.get(key),
                    rule,
                    (pane + 1) * PANE_MS,
                    scope=(category, policy.surfaces[0]),
                    protected=False,
                    max_automated_ms=policy.max_automated_ms,
                )
                now = standing[key]
                if since[row] is None and now is not None and now.action == "suppress":
                    since[row] = pane
    return [
        TagOutcome(tag.kind, tag.language, None if at is None else (at + 1 - int(tag.panes.min())) * PANE_MS / 1000)
        for tag, at in zip(tags, since, strict=True)
    ]


def tabled(tags: Sequence[Tag], pane: int, scale: Scale | None, scale_2: Scale | None = None) -> EvidenceTable:
    """The evidence at the end of a pane, all corroboration granted."""
    n_groups = 1 if scale is None else scale.n_groups
    groups, samples = np.zeros((len(tags), n_groups), np.int64), []
    share, authors = np.full((len(tags), N_COLUMNS), np.nan), np.zeros(len(tags), np.int64)
    for row, tag in enumerate(tags):
        present = tag.scores[(tag.panes <= pane) & (tag.panes > pane - WINDOW_PANES)]
        authors[row] = len(present)
        sample = present[:SAMPLE]  # authors are in no order, and so are their hashes
        samples.append(sample)
        if len(sample):
            share[row] = sample[:, :N_COLUMNS].mean(axis=0)
            groups[row] = np.bincount(sample[:, N_COLUMNS].astype(np.int64), minlength=n_groups)
    share, correction = corrected(share, samples, scale_2)
    everyone = AuthorGroup(authors, np.minimum(authors, SAMPLE), share, correction, scale, groups)
    return EvidenceTable(
        window_ms=WINDOW_PANES * PANE_MS,
        keys=np.arange(len(tags)),
        tweets=2 * authors,
        everyone=everyone,
        established=everyone,
        signals={signal.name: np.full(len(tags), float(signal.kind.most)) for signal in MEASURED},
    )


def corrected(share: Scores, samples: Sequence[Scores], scale_2: Scale | None) -> tuple[Scores, ShareCorrection | None]:
    """Return the means, corrected by stage 2's scores of the first authors of each sample where it ran."""
    whole = np.concatenate(samples)
    differences = (whole[:, N_COLUMNS + 1 :] - whole[:, :N_COLUMNS]) if whole.shape[1] > N_COLUMNS + 1 else None
    if differences is None:
        return share, None
    packed = b"" if scale_2 is None else scale_2.to_bytes()
    group = np.repeat(np.arange(len(samples)), [len(sample) for sample in samples])
    seen = SampleCorrections(differences.astype(np.float32), np.zeros(len(whole), np.int64), ["stage 2"], [packed])
    return correct(share, group, np.ones(len(whole), bool), seen)


def sensitivity(
    of: Pools, policy: Policy, language: str, scale: Scale | None, scale_2: Scale | None = None
) -> dict[str, list[float]]:
    """Category -> for each of SHARES, the part of tags that is over its threshold."""
    rng, parts_over = np.random.default_rng(0), {category: [] for category in policy.category_names}
    for share in SHARES:
        tags = []
        for _ in range(N_TAGS):
            n = round(SAMPLE * share)
            parts = [rng.choice(of["harmful", language], n), rng.choice(of["clean", language], SAMPLE - n)]
            tags.append(Tag("harmful", language, np.zeros(SAMPLE, np.int64), np.concatenate(parts)))
        table = tabled(tags, 0, scale, scale_2)
        for category in policy.category_names:
            column = data.COLUMNS.index(category)
            rule = policy.rule(category, policy.surfaces[0], "*")
            parts_over[category].append(
                float((levels(table, rule, column, np.ones(N_TAGS, bool), rule.confidence).level == OVER).mean())
            )
    return parts_over


def main() -> None:
    """Prints what this module's first lines promise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", type=int, default=50)
    parser.add_argument("--first", type=int, default=0, help="the first seed; thresholds were chosen on 100 to 349")
    parser.add_argument("--policy", type=Path, default=ROOT / "config" / "policy.yaml")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of labelled texts, with dev/")
    parser.add_argument("--stage", type=int, choices=(1, 2), default=1, help="2: the encoder reads along")
    parser.add_argument("--remember", type=Path, default=Path(".cache") / "encoder", help="cache folder of vectors")
    parser.add_argument("--picture", type=Path, help="where the curves of sensitivity go, as SVG")
    options = parser.parse_args()
    policy = parse_policy(options.policy.read_bytes(), str(options.policy))
    scorer = load_text_scorer()
    stack = cast("StackScorer", load_stack(remember=options.remember)) if options.stage == 2 else None
    of, scale, scale_2 = pools(options.data / "dev", scorer, stack), scorer.scale, stack and stack.scale
    seeds = range(options.first, options.first + options.scenarios)
    outcomes = [outcome for seed in seeds for outcome in judged(list(scenario(of, seed)), policy, scale, scale_2)]
    print(f"{machine()}\n{options.scenarios} scenarios, thresholds of {options.policy.name}")
    campaigns = [outcome for outcome in outcomes if outcome.kind == "harmful"]
    seconds = [outcome.seconds for outcome in campaigns if outcome.seconds is not None]
    others = [outcome for outcome in outcomes if outcome.kind != "harmful" and outcome.seconds is not None]
    for language in LANGUAGES:
        own = [outcome for outcome in campaigns if outcome.language == language]
        print(
            f"campaigns in {language}: {sum(outcome.seconds is not None for outcome in own)} of {len(own)} suppressed"
        )
    for kind in KINDS:
        own = [outcome for outcome in outcomes if outcome.kind == kind]
        print(f"{kind}: {sum(outcome.seconds is not None for outcome in own)} of {len(own)} suppressed")
    precision, recall = len(seconds) / max(1, len(seconds) + len(others)), len(seconds) / len(campaigns)
    print(f"tag precision {precision:.3f}, recall {recall:.3f}")
    if seconds:
        median, late = np.quantile(seconds, (0.5, 0.95))
        print(f"seconds from the first tweet to the settled suppression: median {median:.0f}, 95% within {late:.0f}")
    curves = {language: sensitivity(of, policy, language, scale, scale_2) for language in LANGUAGES}
    for language, by_category in curves.items():
        for category, parts in by_category.items():
            print(f"over the threshold, {language}, {category}: {', '.join(f'{part:.2f}' for part in parts)}")
    if options.picture:
        options.picture.write_text(picture(SHARES, curves), "utf-8")
    silenced = any(outcome.kind in SPARED for outcome in others)
    raise SystemExit(EXIT_NO if precision < LEAST_PRECISION or recall < LEAST_RECALL or silenced else 0)


if __name__ == "__main__":
    main()
