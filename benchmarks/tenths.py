"""Ten tenths of the training files, each scored by models that never saw it: the baseline, stage 1 and stage 2.

    make encoder; python -m benchmarks.tenths [--data DIR] [--only 3] [--json] [--picture docs/images/ten_tenths.svg]

For each tenth all three are trained on the other nine, by the recipes and seeds of `hushtag train`, and the known words
are those of the other nine. Texts with a near-copy among the dev texts are left out, as they are of the held-out tenth
of `hushtag evaluate`, which is the first of the ten. A run takes about an hour of one core. Finished parts are kept in
.cache/tenths by a hash of the files and the code, so that an interrupted run continues.

`--only`: that tenth alone, without a table. `--json`: a figure a line, for `python -m models.evaluation.card --tenths`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

import models
from benchmarks import intervals
from models import artefact, build_vocabulary, data, sources, splits, training, vocabulary
from models.baseline import Baseline
from models.evaluation import tenths
from models.evaluation.figures import NOT_TWEETED
from models.evaluation.reading import reading_all
from models.evaluation.run import DEFAULT_DATA
from models.evaluation.tenths import DIFFERENCE, PAIRS, SCORERS, TEXTS, TenthScores
from models.evaluation.wording import NAMES, Figures

try:
    from models.encoder import stack_file, stacking
    from models.encoder.encoder import Encoder
except ImportError as error:
    raise SystemExit(f"error: stage 2 is not here: {error}\nfix: make encoder") from error

CACHE = Path(".cache")
MODELS = Path(models.__file__).parent
REVISIONS = "revisions"  # of the three scorers, next to their scores

Arrays = dict[str, np.ndarray]
Progressed = Callable[[str, float], None]


def scored(folder: Path, tenth: int, encoder: Encoder, report: Progressed) -> Arrays:
    """Sources, languages and labels of `harmful` of a tenth's texts, and scores of SCORERS, trained on the rest."""
    report("texts", 0.0)
    read = splits.read_training(folder / "train", tenth)
    judged = splits.evaluation_split(folder / "dev", read).held_out
    texts = [example.text for example in judged]
    with vocabulary.override(build_vocabulary.known_keys(folder / "train", tenth)):
        content = training.train(
            folder / "train", tenth=tenth, progress=lambda step, part: report(f"stage 1, {step}", 0.05 + 0.5 * part)
        )
        stage_1 = artefact.loads(content)
        content = stacking.train(
            folder / "train",
            stage_1,
            encoder,
            tenth=tenth,
            progress=lambda step, part: report(f"stage 2, {step}", 0.55 + 0.35 * part),
        )
        stage_2 = stack_file.loads(content, stage_1, encoder)
        report("baseline", 0.9)
        scorers = dict(zip(SCORERS, (Baseline(read.examples), stage_1, stage_2), strict=True))
        report("scores", 0.95)
        scores = {name: reading_all(scorer).score(texts)[:, 0].astype(np.float64) for name, scorer in scorers.items()}
    return {
        "source": np.array([example.source for example in judged]),
        "language": np.array([example.language for example in judged]),
        "label": data.labels_of(judged)[:, 0],
        REVISIONS: np.array([scorer.revision for scorer in scorers.values()]),
        **scores,
    }


def tweets_of(arrays: Arrays) -> TenthScores:
    """Leave out texts that are not tweets, as figures of all tweets do."""
    use = np.array([not source.startswith(NOT_TWEETED) for source in arrays["source"].tolist()])
    return TenthScores(arrays["language"][use], arrays["label"][use], {name: arrays[name][use] for name in SCORERS})


def kept_in(folder: Path) -> Path:
    """Another folder for other labelled texts, another encoder or other code of the models."""
    digest = hashlib.sha256(Encoder.revision.encode())
    code = [*MODELS.glob("*.py"), *MODELS.glob("encoder/*.py"), MODELS / "templates.toml"]
    texts = [folder / path for source in sources.sources().values() for path in source["sha256"]]
    for path in (*sorted(filter(Path.exists, texts)), *sorted(code)):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return CACHE / "tenths" / digest.hexdigest()[:12]


def run(folder: Path, numbers: list[int]) -> Iterator[Arrays]:
    """The tenths, trained and scored where that is not done yet."""
    kept, encoder = kept_in(folder), None
    kept.mkdir(parents=True, exist_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=float(len(numbers)))
        for done, tenth in enumerate(numbers):
            path = kept / f"tenth-{tenth}.npz"
            if not path.exists():
                encoder = encoder or Encoder.with_cache(CACHE / "encoder")

                def report(step: str, part: float, done: int = done, tenth: int = tenth) -> None:
                    bar.update(task, completed=done + part, description=f"tenth {tenth}: {step}")

                _keep(path, scored(folder, tenth, encoder, report))
            with np.load(path) as file:
                yield dict(file)
            bar.update(task, completed=done + 1)


def _keep(path: Path, arrays: Arrays) -> None:
    """Whole or not at all."""
    partial = path.with_name(f".{os.getpid()}.npz")
    np.savez_compressed(partial, **arrays)
    partial.replace(path)


def picture(of: Figures) -> str:
    """The differences as SVG."""
    rows = []
    for language, name in NAMES.items():
        for series, pair in enumerate(PAIRS):
            subject = " less ".join(pair)
            whole = of.get(DIFFERENCE, TEXTS, subject, language)
            if whole is not None:
                of_pair = [f for f in of.select(DIFFERENCE) if (f.subject, f.language) == (subject, language)]
                parts = [f.value for f in of_pair if f != whole]
                rows.append(
                    intervals.IntervalRow("" if series else name, series, whole.value, whole.low, whole.high, parts)
                )
    title = "Difference in AUC: mean of ten tenths, its 90% interval, and each tenth"
    return intervals.svg(title, [" less ".join(pair) for pair in PAIRS], rows, 0.05)


def _readable(of: Figures) -> list[str]:
    return [*tenths.table(of), "", tenths.summary(of)]


def main() -> None:
    """Score every tenth and print the figures of both stages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_DATA, help="folder of labelled texts, with train/ and dev/"
    )
    parser.add_argument("--only", type=int, choices=range(splits.TENTHS), help="train and score this tenth, and end")
    parser.add_argument("--json", action="store_true", help="one JSON object a figure on standard output")
    parser.add_argument("--picture", type=Path, help="draw the differences there")
    options = parser.parse_args()
    problems = sources.problems(options.data)
    if problems:
        parser.exit(2, f"error: {'; '.join(problems)}\nfix: get the files that models/sources.toml names\n")
    if options.only is not None:
        for arrays in run(options.data, [options.only]):
            print(f"tenth {options.only}: {len(arrays['label'])} texts; {', '.join(arrays[REVISIONS].tolist())}")
        return
    measured = list(tenths.figures([tweets_of(arrays) for arrays in run(options.data, list(range(splits.TENTHS)))]))
    for line in (json.dumps(f.as_dict()) for f in measured) if options.json else _readable(Figures(measured)):
        print(line)
    if options.picture is not None:
        options.picture.write_text(picture(Figures(measured)), "utf-8")


if __name__ == "__main__":
    main()
