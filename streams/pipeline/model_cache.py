"""The models that a worker has loaded: its own artefact, and those read from the `models` topic.

A shard's log names the active model. A worker that cannot load it does not score with another one. It scores nothing,
so nothing new is suppressed and existing suppressions expire; a gauge and the log report the reason.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

import models
from models import artefact
from models.drift import RecentDrift
from models.share import Scale
from streams.clock import monotonic_seconds
from streams.log.models import read_models, revision_of
from streams.metrics import Metrics
from streams.scoring import TextScorer
from streams.settings import Settings

RETRY_SECONDS = 10.0
"""Pause before the topic is read again for an artefact that it did not have."""


class ModelCache:
    """Scorers by revision.

    Args:
        own: the scorer of the worker's own artefact; other models must have its categories, in its order.
    """

    def __init__(self, settings: Settings, own: TextScorer, metrics: Metrics, log: Any = None) -> None:
        self.own = own
        self._settings = settings
        self._metrics = metrics
        self._log = log or structlog.get_logger("hushtag.models")
        self._scorers: dict[str, TextScorer] = {own.revision: own}
        self._refused: dict[str, str] = {}
        """Reasons of refused artefacts, by revision."""
        self._retry_at: dict[str, float] = {}
        """Time of the next read for a revision that the topic did not have."""
        self._recent: dict[str, RecentDrift] = {}
        self._loading = asyncio.Lock()

    async def scorer(self, revision: str) -> TextScorer | None:
        """Return the scorer of a revision, loading it if needed; None if it is missing from the topic or unusable."""
        scorer = self._scorers.get(revision)
        if scorer is not None or revision in self._refused:
            return scorer
        async with self._loading:
            if revision not in self._scorers and monotonic_seconds() >= self._retry_at.get(revision, 0.0):
                await self._load(revision)
        return self._scorers.get(revision)

    def loaded(self, revision: str) -> TextScorer | None:
        """Return the scorer of a revision; None if it is not loaded."""
        return self._scorers.get(revision)

    def scale(self, revision: str) -> Scale | None:
        """Return the scale from probabilities to shares; None for a model without one, or a model not loaded."""
        scorer = self.loaded(revision)
        return None if scorer is None else scorer.scale

    def is_loaded(self, revision: str) -> bool:
        """Return whether this worker can score with a revision now."""
        return revision in self._scorers

    async def exists(self, revision: str) -> bool:
        """Return whether the artefact of a revision exists, even if this worker cannot use it."""
        await self.scorer(revision)
        return revision in self._scorers or revision in self._refused

    def drift(self, scorer: TextScorer) -> RecentDrift | None:
        """Return the window of recent scores of a model; None for a model without reference deciles."""
        if scorer.deciles is not None and scorer.revision not in self._recent:
            self._recent[scorer.revision] = RecentDrift(scorer.deciles)
        return self._recent.get(scorer.revision)

    def own_artefact(self) -> bytes | None:
        """Return the bytes of the own scorer's artefact; None for a scorer that has none."""
        path = self._settings.model or artefact.ARTEFACT_PATH
        data = path.read_bytes() if path.exists() else b""
        return data if revision_of(data) == self.own.revision else None

    async def _load(self, revision: str) -> None:
        data = (await read_models(self._settings, only=revision)).get(revision)
        if data is None:
            self._retry_at[revision] = monotonic_seconds() + RETRY_SECONDS
            self._report(revision, f"it is not in {self._settings.topic('models')}")
            return
        try:
            self._scorers[revision] = await asyncio.to_thread(load_usable, data, revision, self.own.categories)
        except models.ArtefactError as error:
            self._refused[revision] = str(error)
            self._report(revision, str(error))

    def _report(self, revision: str, why: str) -> None:
        self._log.error(
            "a model cannot be loaded: while it is active nothing new is suppressed", model=revision, why=why
        )


def load_usable(data: bytes, revision: str, categories: tuple[str, ...]) -> TextScorer:
    """Load an artefact, and check that it is the expected model and fits the samples.

    Args:
        data: bytes of the artefact.
        revision: revision that the bytes must have.
        categories: of the worker's own model: samples have a score for each, in this order.

    Raises:
        ArtefactError: the artefact cannot be used, with the reason.
    """
    if revision_of(data) != revision:
        raise models.ArtefactError(f"model {revision} was altered: its bytes are {revision_of(data)}")
    scorer = artefact.loads(data, f"model {revision}")
    if scorer.categories != categories:
        raise models.ArtefactError(
            f"model {revision} has the categories {', '.join(scorer.categories)}, samples have scores for "
            f"{', '.join(categories)}: other categories need new topics"
        )
    scorer.score([""])
    return TextScorer(scorer)
