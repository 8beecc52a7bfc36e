"""Encode texts to vectors: tokenise, run the network, average over tokens, normalise to length 1.

Texts are encoded one at a time, and vectors are cached. Hashtags, URLs and handles are masked first, as for the linear
scorer: a hashtag must not influence its own score.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import Metaspace

from models.encoder import network
from models.encoder.vector_cache import VectorCache, Vectors
from models.encoder.weights import SHA256, WIDTH, EncoderWeights
from models.kernels.points import MAX_POINTS

MAX_TOKENS = 96  # read of a text, including the begin and end marks; a tweet of 280 characters has about 70
_PREFIX = "query: "  # of the model's two training prefixes, the one for similarity and classification
_MASKED = re.compile(r"https?://\S+|www\.\S+|t\.co/\S+|[@#＠＃][\w\u0900-\u0963\u200c\u200d]+")
_BLANKS = re.compile(" {2,}")
# Version of everything else that vectors depend on: increase it with the prefix, the mask or the network.
_RECIPE = 1


class Encoder:
    """Encoder of texts. Raises EncoderUnavailable if the weights are missing.

    Args:
        cache: cache of vectors; None: every vector is computed.
        threads: threads that share the texts of a call; vectors do not depend on their number.
    """

    revision = f"{SHA256[:12]}.{_RECIPE}"
    width = WIDTH

    def __init__(self, cache: VectorCache | None = None, threads: int = 1) -> None:
        self._weights = weights = EncoderWeights()
        self._words = weights.vocabulary
        self._tokenizer = Tokenizer(Unigram(self._words.pieces, self._words.unknown, False))
        self._tokenizer.pre_tokenizer = Metaspace("▁", "first")
        places = weights.tensor("emb.pos").reshape(-1, weights.width)[:MAX_TOKENS]
        self._places = places + weights.tensor("emb.type")[: weights.width]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(network.graph(weights), options, ["CPUExecutionProvider"])
        self._cache, self._threads = cache, threads

    @classmethod
    def with_cache(cls, folder: Path | None, threads: int = 1) -> Encoder:
        """Create an encoder that caches vectors in a folder; None: without a cache."""
        return cls(None if folder is None else VectorCache(folder, cls.revision, WIDTH), threads)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode texts to vectors of length 1, shape (n_texts, width). Every str is accepted."""
        cache = self._cache
        new = list(dict.fromkeys(text for text in texts if cache is None or text not in cache))
        with ThreadPoolExecutor(self._threads) as pool:
            vectors = dict(zip(new, pool.map(self._encoded, new), strict=True))
        if cache is not None:
            cache.add(vectors)
        rows = [vectors[text] if text in vectors or cache is None else cache[text] for text in texts]
        return np.array(rows, np.float16).reshape(len(texts), self.width)

    def pieces(self, text: str) -> list[int]:
        """Tokenise a text to piece ids, including the begin and end marks."""
        readable = text[:MAX_POINTS].encode("utf-8", "replace").decode()  # lone surrogates become "?"
        normal = (_PREFIX + _MASKED.sub(" ", readable)).translate(self._words.normal)
        ids = self._tokenizer.encode(_BLANKS.sub(" ", normal), add_special_tokens=False).ids
        return [self._words.begin, *ids[: MAX_TOKENS - 2], self._words.end]

    def _encoded(self, text: str) -> npt.NDArray[np.float16]:
        ids = self.pieces(text)
        tokens = self._weights.rows("emb.word", np.array(ids)) + self._places[: len(ids)]
        vector = self._session.run([network.OUTPUT], {network.INPUT: tokens[None]})[0][0]
        unit_vector: npt.NDArray[np.float16] = (vector / np.linalg.norm(vector)).astype(np.float16)
        return unit_vector
