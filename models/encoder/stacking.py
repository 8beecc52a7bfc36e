"""Train stage 2: the networks on vectors of a sample of the training texts, then the weights of both stages.

The encoder processes 100 texts a second and core. A hash of the text therefore selects a sample: all of the small
sources, less of the large one, of generated sentences and of romanised copies. The weights of both stages and the scale
of shares are fitted on folds of stage 1's calibration, with margins of models that have not seen the text.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from models import calibration, data, share, templates, training
from models.encoder import stack_file
from models.encoder.devanagari import Transliterator, frequent_words
from models.encoder.encoder import Encoder
from models.encoder.stack import StackHead, encodable, log_odds_of
from models.scorer import LANGUAGES, LinearScorer, LinearWeights

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
N_COLUMNS = training.N_COLUMNS
_LARGEST = "mhs_ken20_train"
_LEAST_SPREAD = 1e-9
_AT_ONCE = 512  # texts encoded between two reports of progress


@dataclass(frozen=True, slots=True)
class StackRecipe:
    """Settings of a stage 2 training, chosen by leaving out each source in turn.

    n_hidden, penalty and epochs: of the network.
    n_folds: number of stage 1's folds that are held out to fit the weights of both stages and the scale.
    tenths: tenths of a source's texts that are encoded; all ten of other sources.
    template_weight: of a generated sentence, relative to a labelled text of its language.
    network: spread of the network's part in a language group, relative to stage 1's part; 1 in others.
    """

    n_hidden: int = 128
    penalty: float = 3.0
    epochs: int = 12
    n_folds: int = 5
    tenths: tuple[tuple[str, int], ...] = ((_LARGEST, 4), (templates.SOURCE, 4), (training.ROMANISED, 5))
    template_weight: float = 4.0
    network: tuple[tuple[str, float], ...] = (("hi", 0.5),)


@dataclass(frozen=True, slots=True, eq=False)
class _Texts:
    """Vectors (n_texts, width), labels (n_texts, n_columns) and weights (n_texts,) of all texts.

    taken (n_texts,): whether a text is in the sample and has a vector.
    """

    vectors: npt.NDArray[np.float32]
    labels: training.Labels
    weights: Floats
    taken: npt.NDArray[np.bool_]

    def usable(self, rows: Rows, column: int) -> Rows:
        usable: Rows = rows[self.taken[rows] & (self.labels[rows, column] != data.UNLABELLED)]
        return usable


def train(
    folder: Path,
    stage_1: LinearScorer,
    encoder: Encoder,
    *,
    tenth: int = 0,
    without: str = "",
    progress: training.Progress = lambda step, part: None,
) -> bytes:
    """Train stage 2 on the training files of `stage_1`, without the same tenth and source, and return a stack file.

    `progress` receives the step and the finished part of all work. Raises TrainingDataError.
    """
    recipe, of_stage_1 = StackRecipe(), training.Recipe()
    texts = training.prepare(folder, of_stage_1, tenth, without)
    examples, n_real, languages = texts.examples, len(texts.real), texts.languages()
    progress("linear margins", 0.0)
    margins = training.cross_validate(texts, of_stage_1, recipe.n_folds, lambda step, part: progress(step, part / 10))
    numbers = stage_1.numbers
    linear = 1 / (1 + np.exp(-(numbers.slopes[languages] * margins + numbers.intercepts[languages])))
    linear[:, 1:] = np.minimum(linear[:, 1:], linear[:, :1])

    taken = np.array([_is_taken(example, recipe) for example in examples])
    transliterator = Transliterator(frequent_words(e.text for e in examples if e.language == "hi"))
    encodables = [encodable(example.text, example.language, transliterator) for example in examples]
    vectors = _encoded(encodables, taken, encoder, progress)
    weights = training.weights_of(examples, replace(of_stage_1, template_weight=recipe.template_weight))
    ready = _Texts(vectors, data.labels_of(examples), weights, taken)
    seen = np.zeros((n_real, N_COLUMNS))
    with threadpool_limits(1):  # a fixed order of sums, so that results do not depend on the number of cores
        for fold in range(recipe.n_folds):
            progress(f"fold {fold + 1}", 0.7 + 0.2 * fold / recipe.n_folds)
            out = np.flatnonzero((texts.folds == fold) & taken[:n_real])
            seen[out] = _fitted(ready, texts.rows_without(fold), recipe, of_stage_1.seed).margins(vectors[out])
        progress("whole", 0.9)
        head = _fitted(ready, np.arange(len(examples)), recipe, of_stage_1.seed)
        use = taken[:n_real] & (texts.folds < recipe.n_folds)
        weighed = _weighed(head, log_odds_of(linear), seen, ready.labels[:n_real], languages, use, dict(recipe.network))
        measured = use & np.array([_is_measured(example, recipe) for example in texts.real])
        probabilities = weighed.probabilities(linear[measured], seen[measured], languages[measured])
        scaled = _scaled(
            weighed, probabilities, ready.labels[:n_real][measured], languages[measured], texts.folds[measured], numbers
        )
    about: dict[str, object] = {"recipe": asdict(recipe), "encoded": int(taken.sum())}
    return stack_file.dump(scaled, transliterator, stage_1.revision, about)


def _is_taken(example: data.Example, recipe: StackRecipe) -> bool:
    return _tenth(example) < dict(recipe.tenths).get(example.source, 10)


def _is_measured(example: data.Example, recipe: StackRecipe) -> bool:
    """Return whether a tweet counts for the scale: of each English source the same part, as in stage 1's scale."""
    part = dict(recipe.tenths).get(_LARGEST, 10) if example.language == "en" else 10
    return _tenth(example) < part and not example.source.startswith(training.NOT_TWEETED)


def _tenth(example: data.Example) -> int:
    hashed = hashlib.sha256(example.text.encode("utf-8", "surrogatepass")).digest()[:8]
    return int.from_bytes(hashed, "big") % 10


def _encoded(
    texts: list[str], taken: npt.NDArray[np.bool_], encoder: Encoder, progress: training.Progress
) -> npt.NDArray[np.float32]:
    vectors, rows = np.zeros((len(texts), encoder.width), np.float32), np.flatnonzero(taken)
    for at in range(0, len(rows), _AT_ONCE):
        progress("vectors", 0.1 + 0.6 * at / len(rows))
        some = rows[at : at + _AT_ONCE]
        vectors[some] = encoder.encode([texts[row] for row in some.tolist()])
    return vectors


def _fitted(texts: _Texts, rows: Rows, recipe: StackRecipe, seed: int) -> StackHead:
    """Fit the networks; the weights of both stages stay 0."""
    networks = [_network(texts, texts.usable(rows, column), column, recipe, seed) for column in range(N_COLUMNS)]
    inward, inward_bias, outward, outward_bias = (np.array(part) for part in zip(*networks, strict=True))
    shape = (len(LANGUAGES), N_COLUMNS)
    weights = dict.fromkeys(("linear", "margin", "intercept"), np.zeros(shape))
    scale = {
        "moments": np.zeros((*shape, share.N_MOMENTS)),
        "errors": np.zeros((*shape, share.N_ERRORS)),
        "between": np.zeros((*shape, share.N_BETWEEN)),
    }
    return StackHead(inward, inward_bias, outward, outward_bias, **weights, **scale)


def _network(
    texts: _Texts, rows: Rows, column: int, recipe: StackRecipe, seed: int
) -> tuple[npt.NDArray[np.float16], Floats, Floats, float]:
    """Fit the network of one column, with the scaling of its inputs merged into the first layer."""
    scaler = StandardScaler().fit(texts.vectors[rows])
    model = MLPClassifier(
        (recipe.n_hidden,), alpha=recipe.penalty, max_iter=recipe.epochs, batch_size=200, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the recipe fixes the number of epochs
        model.fit(scaler.transform(texts.vectors[rows]), texts.labels[rows, column], sample_weight=texts.weights[rows])
    first, second = (layer.astype(np.float64) for layer in model.coefs_)
    inward = (first / scaler.scale_[:, None]).astype(np.float16)
    bias = model.intercepts_[0].astype(np.float64) - scaler.mean_ @ inward.astype(np.float64)
    return inward, bias, second[:, 0], float(model.intercepts_[1][0])


def _weighed(
    head: StackHead,
    linear: Floats,
    seen: Floats,
    labels: training.Labels,
    languages: Rows,
    rows: npt.NDArray[np.bool_],
    network: dict[str, float],
) -> StackHead:
    """Divide each stage by its spread in each language group, multiply the network by `network`, calibrate the sum.

    Fitted weights favour stage 1, which knows the words of its sources. The network is better on other sources.
    """
    shape = (len(LANGUAGES), N_COLUMNS)
    of_linear, of_margin, intercept = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    prevalences = training.prevalences_of(labels)
    for group, language in enumerate(LANGUAGES):
        for column in range(N_COLUMNS):
            use = rows & (languages == group) & (labels[:, column] != data.UNLABELLED)
            both = np.column_stack((linear[use, column], seen[use, column]))
            weights = calibration.to_prevalence(labels[use, column], prevalences[column])
            weighs = np.array([1.0, network.get(language, 1.0)]) / np.maximum(both.std(axis=0), _LEAST_SPREAD)
            slope, intercept[group, column] = calibration.fit_platt(both @ weighs, labels[use, column], weights)
            of_linear[group, column], of_margin[group, column] = slope * weighs
    return replace(head, linear=of_linear, margin=of_margin, intercept=intercept)


def _scaled(
    head: StackHead,
    probabilities: Floats,
    labels: training.Labels,
    languages: Rows,
    folds: Rows,
    stage_1: LinearWeights,
) -> StackHead:
    """Estimate the scale of shares on tweets that no network has seen; see `models.share.of_held_out`.

    The covariance between sources is stage 1's, in units of the gap between clean and harmful texts.
    """
    moments, errors, between = head.moments.copy(), head.errors.copy(), head.between.copy()
    for group in range(len(LANGUAGES)):
        for column in range(N_COLUMNS):
            use = (languages == group) & (labels[:, column] != data.UNLABELLED)
            moments[group, column], errors[group, column] = share.of_held_out(
                probabilities[use, column], labels[use, column], folds[use], training.Recipe().seed
            )
            gap_1, gap_2 = (of[group, column, 1] - of[group, column, 0] for of in (stage_1.moments, moments))
            between[group, column] = stage_1.between[group, column] * (gap_2 / gap_1) ** 2
    return replace(head, moments=moments, errors=errors, between=between)
