"""The example of a remote scorer in docs/plug-in-scorer.md runs as it is printed."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import numpy as np
import pytest

from tests.support.paths import ROOT

EXAMPLE = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "plug-in-scorer.md").read_text("utf-8"), re.DOTALL)


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the example against a service that answers with the length of each text."""
    names: dict[str, Any] = {"requests": 0, "fails": False}

    def answer(request: httpx.Request) -> httpx.Response:
        names["requests"] += 1
        texts = json.loads(request.content)["texts"]
        scores = [[len(text) / 100, len(text) / 200] for text in texts]
        return httpx.Response(503) if names["fails"] else httpx.Response(200, json={"revision": "r1", "scores": scores})

    client = httpx.Client(transport=httpx.MockTransport(answer))
    monkeypatch.setattr(httpx, "Client", lambda timeout: client)
    assert EXAMPLE is not None
    exec(EXAMPLE[1], names)
    return names


def test_remote_scorer_scores_in_batches_and_order(example: dict[str, Any]) -> None:
    scorer = example["RemoteScorer"]("http://scorer.test", "r1", ("abuse",))
    texts = ["a", "bb", "\ud800cc", "", *["x" * 50] * 300]
    np.testing.assert_allclose(scorer.score(texts)[:5, 0], [0.01, 0.02, 0.03, 0, 0.5])
    assert scorer.score([]).shape == (0, 2) and example["requests"] == 2


@pytest.mark.parametrize(("revision", "categories"), [("r2", ("abuse",)), ("r1", ())])
def test_remote_scorer_refuses_other_revision_and_shape(
    example: dict[str, Any], revision: str, categories: tuple[str, ...]
) -> None:
    with pytest.raises(example["ScorerUnavailable"], match="wrong revision or shape"):
        example["RemoteScorer"]("http://scorer.test", revision, categories).score(["a"])


def test_remote_scorer_stops_requests_after_three_failures(example: dict[str, Any]) -> None:
    scorer = example["RemoteScorer"]("http://scorer.test", "r1", ("abuse",))
    example["fails"] = True
    for _ in range(4):
        with pytest.raises(example["ScorerUnavailable"]):
            scorer.score(["a"])
    assert example["requests"] == 3
