"""Write the model card's tables and summaries from the output of the measuring commands.

    hushtag evaluate --json > one.json; hushtag evaluate --stage 2 --json > two.json
    python -m models.evaluation.attacks > attacks.md
    python -m benchmarks.scoring --kinds > kinds.md
    python -m benchmarks.calibration > calibration.md

    python -m models.evaluation.card --stage-1 one.json --stage-2 two.json
    python -m models.evaluation.card --attacks attacks.md --kinds kinds.md --calibration calibration.md

    python -m benchmarks.tenths --json > ten.json; python -m models.evaluation.card --tenths ten.json

The text of the card between `<!-- made: NAME -->` and `<!-- made -->` is replaced; the rest is written by hand. No
table is copied by hand, and no summary can contradict its table.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from models import artefact, data
from models.evaluation import figures, tenths
from models.evaluation.figures import ALL, POOLED, Figure
from models.evaluation.probes import SPARED
from models.evaluation.wording import NAMES, Figures, describe_differences, format_figure, significance

CARD_PATH = artefact.ARTEFACT_PATH.parents[1] / "MODEL_CARD.md"
MINUS_AUC, MINUS_FLAGGED = "AUC" + figures.MINUS, figures.FLAGGED + figures.MINUS
_PART = re.compile(r"(<!-- made: ([\w -]+) -->\n).*?(<!-- made -->)", re.DOTALL)
_TEXTS = ("dev", "held out")


def ranking(of: Figures, texts: str) -> Iterator[str]:
    """Write the table of every source, language and column of a set of texts."""
    yield (
        "| source | language | column | texts | AUC | AUC minus baseline | AP | macro-F1 | recall at 5% FPR "
        "| ECE (as collected) |"
    )
    yield "|---" * 10 + "|"
    for auc in sorted(of.select("AUC", texts), key=lambda f: (f.subject != POOLED, f.subject, f.language, _column(f))):
        key = (auc.texts, auc.subject, auc.language, auc.column)
        minus, ece, collected = (of.get(m, *key) for m in (MINUS_AUC, figures.ECE, figures.ECE_AS_COLLECTED))
        rest = [(of.get(m, *key), digits) for m, digits in (("AP", 3), ("macro-F1", 3), ("recall at 5% FPR", 2))]
        cells = [auc.subject, auc.language, auc.column, str(auc.n_texts), format_figure(auc), format_figure(minus)]
        cells += ["" if f is None else f"{f.value:.{digits}f}" for f, digits in rest]
        cells += ["" if ece is None or collected is None else f"{ece.value:.3f} ({collected.value:.3f})"]
        yield f"| {' | '.join(cells)} |"


def _column(figure: Figure) -> int:
    return data.COLUMNS.index(figure.column)


def ranking_summary(of: Figures, other: str) -> str:
    """Write in which languages all tweets are ranked better than by `other`, on dev and held out."""
    parts = []
    for texts in _TEXTS:
        differences = {language: of.get(MINUS_AUC, texts, POOLED, language) for language in NAMES}
        parts.append(f"{texts}: {describe_differences(differences)}")
    return f"AUC compared with {other}, {'. '.join(parts)}."


def spared(of: Figures) -> Iterator[str]:
    """Write the table of false positives: probes by purpose, identity sentences, the simulator's kinds."""
    yield "| purpose | all | en | hi-Latn | hi | minus baseline |"
    yield "|---" * 6 + "|"
    columns = (ALL, "en", "hi-Latn", "hi")
    rows = list(dict.fromkeys((f.texts, f.subject) for f in of.select(figures.FLAGGED)))
    order = {"probes": 0, "dev": 1, "simulated": 2}
    for texts, subject in sorted(rows, key=lambda row: (order.get(row[0], 3), _place(row[1]))):
        flagged = [of.get(figures.FLAGGED, texts, subject, language) for language in columns]
        first = next(f for f in flagged if f is not None)
        minus = of.get(MINUS_FLAGGED, texts, subject, first.language)
        digits = 2 if texts == "probes" else 3
        name = f"simulator's {subject}" if texts == "simulated" else subject
        counted = f"{first.n_texts}{', dev' if texts == 'dev' else ''}"
        yield f"| {name} ({counted}) | {' | '.join(format_figure(f, digits) for f in (*flagged, minus))} |"


def _place(purpose: str) -> tuple[int, str]:
    return (SPARED.index(purpose) if purpose in SPARED else len(SPARED), purpose)


def spared_summary(of: Figures, other: str) -> str:
    """Write which sentences are flagged less, or more, than by `other` beyond noise."""
    words = {-1: "less", 1: "more"}
    parts = []
    for direction, word in words.items():
        differing = [f for f in of.select(MINUS_FLAGGED) if f.texts != "simulated" and significance(f) == direction]
        names = [f"{f.subject} ({f.language}, {format_figure(f)})" for f in differing]
        parts.append(f"flagged {word} beyond noise than by {other}: {', '.join(names) or 'none'}")
    return f"{'. '.join(parts)}."


def groups(of: Figures) -> Iterator[str]:
    """Write the table of identity groups on dev."""
    yield "| texts | group | subgroup AUC | BPSN AUC | BNSP AUC |"
    yield "|---" * 5 + "|"
    measures = (figures.SUBGROUP, figures.BPSN, figures.BNSP)
    rows = dict.fromkeys((f.subject, f.language) for m in measures for f in of.select(m, "dev"))
    places = list(figures.IDENTITIES)
    for subject, language in sorted(rows, key=lambda row: (row[0].split(": ")[0], places.index(row[0].split(": ")[1]))):
        areas = [of.get(measure, "dev", subject, language) for measure in measures]
        yield f"| {subject.replace(': ', ' | ')} | {' | '.join(format_figure(f) or '–' for f in areas)} |"


def shares(of: Figures) -> Iterator[str]:
    """Write the table of tags with known shares."""
    yield "| texts | tags of | language | authors | Spearman | MAE | coverage of the 90% interval | mean width |"
    yield "|---" * 8 + "|"
    for f in of.select("share coverage"):
        key = (f.texts, f.subject, f.language)
        spearman, error, width = (of.get(f"share {name}", *key) for name in ("Spearman", "MAE", "width"))
        if spearman is None or error is None or width is None:
            continue
        subject, n = f.subject.removesuffix(" authors").rsplit(", ", 1)
        numbers = f"{spearman.value:.2f} | {error.value:.3f} | {format_figure(f, 2)} | {width.value:.2f}"
        yield f"| {f.texts} | {subject} | {f.language} | {n} | {numbers} |"


def stage_2_ranking(of: Figures) -> Iterator[str]:
    """Write the ranking table of stage 2, for `harmful` only, with the difference to stage 1."""
    yield "| set | source | language | texts | AUC | minus stage 1 | ECE |"
    yield "|---" * 7 + "|"
    for texts in _TEXTS:
        areas = [f for f in of.select("AUC", texts) if f.column == data.COLUMNS[0]]
        for f in sorted(areas, key=lambda f: (f.subject != POOLED, f.subject, f.language)):
            key = (f.texts, f.subject, f.language)
            minus, ece = of.get(MINUS_AUC, *key), of.get(figures.ECE, *key)
            cells = [
                *key,
                str(f.n_texts),
                format_figure(f),
                format_figure(minus),
                "" if ece is None else f"{ece.value:.3f}",
            ]
            yield f"| {' | '.join(cells)} |"


def card_parts(
    stage_1: Figures | None, stage_2: Figures | None, more: Mapping[str, str], of_tenths: Figures | None = None
) -> dict[str, str]:
    """Write the parts of the card that the given figures allow: name -> text."""
    parts = dict(more)
    if stage_1 is not None:
        parts |= {texts: "\n".join(ranking(stage_1, texts)) for texts in _TEXTS}
        parts["reading ranking"] = f"Summary: {ranking_summary(stage_1, 'the baseline')}"
        parts["spared"] = "\n".join(spared(stage_1))
        parts["reading spared"] = f"Summary: {spared_summary(stage_1, 'the baseline')}"
        parts |= {"groups": "\n".join(groups(stage_1)), "shares": "\n".join(shares(stage_1))}
    if stage_2 is not None:
        parts["stage 2 ranking"] = "\n".join(stage_2_ranking(stage_2))
        parts["stage 2 spared"] = "\n".join(spared(stage_2)).replace("minus baseline", "minus stage 1")
        parts["reading stage 2"] = (
            f"Summary: {ranking_summary(stage_2, 'stage 1')} {spared_summary(stage_2, 'stage 1')}"
        )
    if of_tenths is not None:
        parts["ten tenths"] = "\n".join(tenths.table(of_tenths))
        parts["reading ten tenths"] = f"Summary: {tenths.summary(of_tenths)}"
    return parts


def insert_parts(card: str, parts: Mapping[str, str]) -> str:
    """Replace parts of the card. Raises ValueError if the card has no place for one."""
    missing = set(parts) - {match[2] for match in _PART.finditer(card)}
    if missing:
        raise ValueError(f"the card has no part {', '.join(sorted(missing))}: <!-- made: NAME --> ... <!-- made -->")
    return _PART.sub(lambda m: f"{m[1]}{parts[m[2]].strip()}\n{m[3]}" if m[2] in parts else m[0], card)


def main() -> None:
    """Write the given figures into the model card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stage-1", type=Path, help="figures of `hushtag evaluate --json`")
    parser.add_argument("--stage-2", type=Path, help="figures of `hushtag evaluate --stage 2 --json`")
    parser.add_argument("--tenths", type=Path, help="figures of `python -m benchmarks.tenths --json`")
    parser.add_argument("--attacks", type=Path, help="output of `python -m models.evaluation.attacks`")
    parser.add_argument("--kinds", type=Path, help="output of `python -m benchmarks.scoring --kinds`")
    parser.add_argument("--calibration", type=Path, help="output of `python -m benchmarks.calibration`")
    parser.add_argument("--card", type=Path, default=CARD_PATH)
    options = parser.parse_args()
    stage_1, stage_2, of_tenths = (
        None if path is None else Figures.read(path) for path in (options.stage_1, options.stage_2, options.tenths)
    )
    tables = {"attacks": options.attacks, "simulated kinds": options.kinds, "calibration": options.calibration}
    parts = card_parts(
        stage_1,
        stage_2,
        {name: path.read_text("utf-8") for name, path in tables.items() if path is not None},
        of_tenths,
    )
    try:
        options.card.write_text(insert_parts(options.card.read_text("utf-8"), parts), "utf-8")
    except ValueError as error:
        parser.exit(2, f"error: {error}\n")


if __name__ == "__main__":
    main()
