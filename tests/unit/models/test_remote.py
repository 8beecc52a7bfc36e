"""A scorer behind HTTP: batches, refusals, and a circuit that opens and closes."""

from __future__ import annotations

import json
from typing import Any

import httpx
import numpy as np
import pytest

from models.remote import RemoteScorer, ScorerUnavailable


class Service:
    """Answers with the length of each text, or with whatever it was told to."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.answer: Any = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        texts = json.loads(request.content)["texts"]
        self.asked.append(texts)
        if isinstance(self.answer, Exception):
            raise self.answer
        if isinstance(self.answer, httpx.Response):
            return self.answer
        scores = [[len(text) / 100, len(text) / 200] for text in texts]
        return httpx.Response(200, json=self.answer or {"revision": "r1", "scores": scores})


@pytest.fixture
def now() -> list[float]:
    return [100.0]


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def scorer(service: Service, now: list[float]) -> RemoteScorer:
    return RemoteScorer(
        "http://scorer.test/score",
        "r1",
        ("abuse",),
        batch=2,
        transport=httpx.MockTransport(service),
        clock=lambda: now[0],
    )


def test_scores_in_batches_and_in_order(scorer: RemoteScorer, service: Service) -> None:
    texts = ["a", "bb", "\ud800cc", "", "ठीक"]
    np.testing.assert_allclose(scorer.score(texts)[:, 0], [0.01, 0.02, 0.03, 0, 0.03])
    assert [len(part) for part in service.asked] == [2, 2, 1]
    assert scorer.score([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (httpx.ConnectTimeout("too slow"), "ConnectTimeout"),
        (httpx.Response(503), "503"),
        (httpx.Response(200, content=b"not json"), "JSONDecodeError"),
        ({"revision": "r2", "scores": [[0, 0]]}, "revision 'r2', expected 'r1'"),
        ({"revision": "r1", "scores": [[0.5]]}, "shape"),
        ({"revision": "r1", "scores": [[1.5, 0]]}, "outside"),
        ({"scores": []}, "KeyError"),
        ([1], "TypeError"),
    ],
)
def test_what_is_no_answer_is_refused(scorer: RemoteScorer, service: Service, answer: Any, reason: str) -> None:
    service.answer = answer
    with pytest.raises(ScorerUnavailable, match=reason):
        scorer.score(["a"])


def test_the_circuit_opens_and_closes(scorer: RemoteScorer, service: Service, now: list[float]) -> None:
    service.answer = httpx.ConnectError("refused")
    for _ in range(3):
        with pytest.raises(ScorerUnavailable):
            scorer.score(["a"])
    with pytest.raises(ScorerUnavailable, match="not asked") as caught:
        scorer.score(["a"])
    assert (len(service.asked), caught.value.retry_after_seconds) == (3, 30)
    now[0] += 31
    with pytest.raises(ScorerUnavailable, match="refused"):
        scorer.score(["a"])
    with pytest.raises(ScorerUnavailable, match="not asked"):
        scorer.score(["a"])
    now[0] += 31
    service.answer = None
    assert scorer.score(["a"]).shape == (1, 2)
    service.answer = httpx.ConnectError("refused")
    with pytest.raises(ScorerUnavailable, match="refused") as caught:
        scorer.score(["a"])
    assert caught.value.retry_after_seconds == 0, "one failure after a success opens nothing"
