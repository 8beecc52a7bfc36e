"""Trains stage 2: the network on vectors of a part of the training texts, then what it weighs beside stage 1.

The encoder does a hundred texts a second and core, so a part is taken, by a hash of the text: all of the small sources,
less of the large one and of what was made from others. What both stages weigh is fitted on some of the folds that
stage 1 was calibrated on: neither its margins there nor the networks' are of a model that has seen the text.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from models import calibration, data, templates, training
from models.encoder import stack_file
from models.encoder.encoder import Encoder
from models.encoder.stack import Head, log_odds_of
from models.scorer import LANGUAGES, LinearScorer

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
N_COLUMNS = training.N_COLUMNS
_AT_ONCE = 512  # texts encoded between two words about progress


@dataclass(frozen=True, slots=True)
class StackRecipe:
    """What was chosen, on the dev splits.

    n_hidden, penalty and epochs are the network's; n_folds: so many of stage 1's are held out to weigh both by;
    tenths: of a source's texts that are encoded, all ten elsewhere; kept: of the network's weight in a language group,
    where it is fitted on few tweets and knows spellings worse than stage 1 does, 1 elsewhere.
    """

    n_hidden: int = 128
    penalty: float = 3.0
    epochs: int = 12
    n_folds: int = 2
    tenths: tuple[tuple[str, int], ...] = (("mhs_ken20_train", 4), (templates.SOURCE, 4), (training.ROMANISED, 5))
    kept: tuple[tuple[str, float], ...] = (("hi-Latn", 0.3),)


@dataclass(frozen=True, slots=True, eq=False)
class _Texts:
    """Vectors (n_texts, width), labels (n_texts, n_columns) and weights (n_texts,) of all texts; `taken`: encoded."""

    vectors: npt.NDArray[np.float32]
    labels: training.Labels
    weights: Floats
    taken: npt.NDArray[np.bool_]

    def usable(self, rows: Rows, column: int) -> Rows:
        found: Rows = rows[self.taken[rows] & (self.labels[rows, column] != data.UNLABELLED)]
        return found


def train(
    folder: Path,
    stage_1: LinearScorer,
    encoder: Encoder,
    recipe: StackRecipe | None = None,
    *,
    tenth: int = 0,
    progress: training.Progress = lambda step, part: None,
) -> bytes:
    """The bytes of a stack file on top of `stage_1`, from the files that it was trained on, without the same tenth.

    `progress` is told the step and the part of all work that is done. Raises TrainingDataError.
    """
    recipe, of_stage_1 = recipe or StackRecipe(), training.Recipe()
    texts = training.prepare(folder, of_stage_1, tenth)
    examples, n_real, languages = texts.examples, len(texts.real), texts.languages()
    progress("linear margins", 0.0)
    margins = training.cross_validate(texts, of_stage_1, recipe.n_folds, lambda step, part: progress(step, part / 10))
    numbers = stage_1.numbers
    linear = 1 / (1 + np.exp(-(numbers.slopes[languages] * margins + numbers.intercepts[languages])))
    linear[:, 1:] = np.minimum(linear[:, 1:], linear[:, :1])

    taken = np.array([_is_taken(example, recipe) for example in examples])
    vectors = _encoded([example.text for example in examples], taken, encoder, progress)
    ready = _Texts(vectors, data.labels_of(examples), training.weights_of(examples, of_stage_1), taken)
    seen = np.zeros((n_real, N_COLUMNS))
    with threadpool_limits(1):  # sums in one order, so that the same numbers come out whatever the number of cores
        for fold in range(recipe.n_folds):
            progress(f"fold {fold + 1}", 0.7 + 0.2 * fold / recipe.n_folds)
            out = np.flatnonzero((texts.folds == fold) & taken[:n_real])
            seen[out] = _fitted(ready, texts.rows_without(fold), recipe, of_stage_1.seed).margins(vectors[out])
        progress("whole", 0.9)
        head = _fitted(ready, np.arange(len(examples)), recipe, of_stage_1.seed)
        use = taken[:n_real] & (texts.folds < recipe.n_folds)
        weighed = _weighed(head, log_odds_of(linear), seen, ready.labels[:n_real], languages, use, dict(recipe.kept))
    about: dict[str, object] = {"recipe": asdict(recipe), "encoded": int(taken.sum())}
    return stack_file.dump(weighed, stage_1.revision, about)


def _is_taken(example: data.Example, recipe: StackRecipe) -> bool:
    hashed = hashlib.sha256(example.text.encode("utf-8", "surrogatepass")).digest()[:8]
    return int.from_bytes(hashed, "big") % 10 < dict(recipe.tenths).get(example.source, 10)


def _encoded(
    texts: list[str], taken: npt.NDArray[np.bool_], encoder: Encoder, progress: training.Progress
) -> npt.NDArray[np.float32]:
    vectors, rows = np.zeros((len(texts), encoder.width), np.float32), np.flatnonzero(taken)
    for at in range(0, len(rows), _AT_ONCE):
        progress("vectors", 0.1 + 0.6 * at / len(rows))
        some = rows[at : at + _AT_ONCE]
        vectors[some] = encoder.encode([texts[row] for row in some.tolist()])
    return vectors


def _fitted(texts: _Texts, rows: Rows, recipe: StackRecipe, seed: int) -> Head:
    """Networks alone: nothing is weighed yet."""
    found = [_network(texts, texts.usable(rows, column), column, recipe, seed) for column in range(N_COLUMNS)]
    inward, inward_bias, outward, outward_bias = (np.array(part) for part in zip(*found, strict=True))
    nothing = np.zeros((len(LANGUAGES), N_COLUMNS))
    return Head(inward, inward_bias, outward, outward_bias, nothing, nothing, nothing)


def _network(
    texts: _Texts, rows: Rows, column: int, recipe: StackRecipe, seed: int
) -> tuple[npt.NDArray[np.float16], Floats, Floats, float]:
    """Of one column; the scaling of its inputs is a part of the first layer."""
    scaler = StandardScaler().fit(texts.vectors[rows])
    model = MLPClassifier(
        (recipe.n_hidden,), alpha=recipe.penalty, max_iter=recipe.epochs, batch_size=200, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # so many epochs and no more is the recipe
        model.fit(scaler.transform(texts.vectors[rows]), texts.labels[rows, column], sample_weight=texts.weights[rows])
    first, second = (layer.astype(np.float64) for layer in model.coefs_)
    inward = (first / scaler.scale_[:, None]).astype(np.float16)
    bias = model.intercepts_[0].astype(np.float64) - scaler.mean_ @ inward.astype(np.float64)
    return inward, bias, second[:, 0], float(model.intercepts_[1][0])


def _weighed(
    head: Head,
    linear: Floats,
    seen: Floats,
    labels: training.Labels,
    languages: Rows,
    rows: npt.NDArray[np.bool_],
    kept: dict[str, float],
) -> Head:
    """The same networks, with what they weigh beside stage 1 in each language group: logistic regression on both.

    Of the network's weight the part `kept` stays; the sum is calibrated anew.
    """
    shape = (len(LANGUAGES), N_COLUMNS)
    of_linear, of_margin, intercept = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    prevalences = training.prevalences_of(labels)
    for group, language in enumerate(LANGUAGES):
        for column in range(N_COLUMNS):
            use = rows & (languages == group) & (labels[:, column] != data.UNLABELLED)
            both = np.column_stack((linear[use, column], seen[use, column]))
            weights = calibration.to_prevalence(labels[use, column], prevalences[column])
            model = LogisticRegression(C=1e3, max_iter=1_000).fit(both, labels[use, column], sample_weight=weights)
            weighs = np.maximum(model.coef_[0], 0.0) * (1.0, kept.get(language, 1.0))
            slope, intercept[group, column] = calibration.fit_platt(both @ weighs, labels[use, column], weights)
            of_linear[group, column], of_margin[group, column] = slope * weighs
    return Head(head.inward, head.inward_bias, head.outward, head.outward_bias, of_linear, of_margin, intercept)
