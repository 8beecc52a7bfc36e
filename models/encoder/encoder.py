"""A text to its vector: pieces, the network, the mean over them, length one. One text at a time, each remembered.

Hashtags, URLs and handles are masked first, as for the linear scorer: a tag must not vote for itself.
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
from models.encoder.remembered import Remembered, Vectors
from models.encoder.weights import SHA256, WIDTH, Weights
from models.kernels.points import MAX_POINTS

MAX_TOKENS = 96  # of a text are read, its begin and end among them: a tweet of 280 characters has some 70
_PREFIX = "query: "  # of the two that the model was trained with, the one for texts that are compared or sorted
_MASKED = re.compile(r"https?://\S+|www\.\S+|t\.co/\S+|[@#＠＃][\w\u0900-\u0963\u200c\u200d]+")
_BLANKS = re.compile(" {2,}")
# Of whatever else the vectors depend on: change it with the prefix, the mask or the network.
_RECIPE = 1


class Encoder:
    """Vectors of texts. Raises EncoderUnavailable where the weights are not there.

    Args:
        remembered: where vectors are kept; None: they are computed each time.
        threads: that share the texts of a call; a text's vector does not depend on it.
    """

    revision = f"{SHA256[:12]}.{_RECIPE}"
    width = WIDTH

    def __init__(self, remembered: Remembered | None = None, threads: int = 1) -> None:
        self._weights = weights = Weights()
        self._words = weights.vocabulary
        self._tokenizer = Tokenizer(Unigram(self._words.pieces, self._words.unknown, False))
        self._tokenizer.pre_tokenizer = Metaspace("▁", "first")
        places = weights.tensor("emb.pos").reshape(-1, weights.width)[:MAX_TOKENS]
        self._places = places + weights.tensor("emb.type")[: weights.width]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(network.graph(weights), options, ["CPUExecutionProvider"])
        self._remembered, self._threads = remembered, threads

    @classmethod
    def remembering(cls, folder: Path | None, threads: int = 1) -> Encoder:
        """One that keeps its vectors in a folder, if one is given."""
        return cls(None if folder is None else Remembered(folder, cls.revision, WIDTH), threads)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(n_texts, width), each of length 1. Takes every str."""
        kept = self._remembered
        new = list(dict.fromkeys(text for text in texts if kept is None or text not in kept))
        with ThreadPoolExecutor(self._threads) as pool:
            vectors = dict(zip(new, pool.map(self._encoded, new), strict=True))
        if kept is not None:
            kept.add(vectors)
        found = [vectors[text] if text in vectors or kept is None else kept[text] for text in texts]
        return np.array(found, np.float16).reshape(len(texts), self.width)

    def pieces(self, text: str) -> list[int]:
        """The ids of the pieces that are read, the mark of the begin and of the end among them."""
        readable = text[:MAX_POINTS].encode("utf-8", "replace").decode()  # lone surrogates become "?"
        normal = (_PREFIX + _MASKED.sub(" ", readable)).translate(self._words.normal)
        ids = self._tokenizer.encode(_BLANKS.sub(" ", normal), add_special_tokens=False).ids
        return [self._words.begin, *ids[: MAX_TOKENS - 2], self._words.end]

    def _encoded(self, text: str) -> npt.NDArray[np.float16]:
        ids = self.pieces(text)
        tokens = self._weights.rows("emb.word", np.array(ids)) + self._places[: len(ids)]
        vector = self._session.run([network.OUTPUT], {network.INPUT: tokens[None]})[0][0]
        found: npt.NDArray[np.float16] = (vector / np.linalg.norm(vector)).astype(np.float16)
        return found
