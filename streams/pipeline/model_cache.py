"""The models that a worker can score by: the one that it came with, and those that it has read from the `models` topic.

Which one is in force is said by the shard's log. A worker that cannot load it does not guess with another: it scores
nothing while it is in force, so nothing is hidden anew, what stands runs out, and a gauge and the log say why.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

import models
from models import artefact
from models.drift import Recent
from models.share import Scale
from streams.clock import monotonic_seconds
from streams.log.models import read_models, revision_of
from streams.metrics import Metrics
from streams.scoring import TextScorer
from streams.settings import Settings

RETRY_SECONDS = 10.0
"""An artefact that was not in the topic is looked for again after so long."""


class ModelShelf:
    """Scorers by revision.

    Args:
        own: the scorer that the worker came with; others must have its categories, in its order.
    """

    def __init__(self, settings: Settings, own: TextScorer, metrics: Metrics, log: Any = None) -> None:
        self.own = own
        self._settings = settings
        self._metrics = metrics
        self._log = log or structlog.get_logger("hushtag.models")
        self._scorers: dict[str, TextScorer] = {own.revision: own}
        self._refused: dict[str, str] = {}
        self._absent: dict[str, float] = {}
        """Revisions that the topic did not have, and when it was asked."""
        self._recent: dict[str, Recent] = {}
        self._loading = asyncio.Lock()

    async def scorer(self, revision: str) -> TextScorer | None:
        """The scorer of a revision; None where its artefact is not in the topic, or cannot be used here."""
        found = self._scorers.get(revision)
        if found is not None or revision in self._refused:
            return found
        async with self._loading:
            if revision not in self._scorers and monotonic_seconds() >= self._absent.get(revision, 0.0):
                await self._fetch(revision)
        return self._scorers.get(revision)

    def scale(self, revision: str) -> Scale | None:
        """What the probabilities of a model at hand mean as shares; None: it says nothing of it, or is not at hand."""
        found = self._scorers.get(revision)
        return None if found is None else found.scale

    def is_at_hand(self, revision: str) -> bool:
        """Whether texts can be scored by a revision here and now."""
        return revision in self._scorers

    async def has(self, revision: str) -> bool:
        """Whether the artefact of a revision is to be had at all, if not for this worker."""
        await self.scorer(revision)
        return revision in self._scorers or revision in self._refused

    def drift(self, scorer: TextScorer) -> Recent | None:
        """How far the recent scores of a model are from its reference; None: it has none."""
        if scorer.deciles is not None and scorer.revision not in self._recent:
            self._recent[scorer.revision] = Recent(scorer.deciles)
        return self._recent.get(scorer.revision)

    def own_artefact(self) -> bytes | None:
        """The bytes that the own scorer was read from; None of a scorer that is no artefact."""
        path = self._settings.model or artefact.ARTEFACT_PATH
        data = path.read_bytes() if path.exists() else b""
        return data if revision_of(data) == self.own.revision else None

    async def _fetch(self, revision: str) -> None:
        data = (await read_models(self._settings, wanted=revision)).get(revision)
        if data is None:
            self._absent[revision] = monotonic_seconds() + RETRY_SECONDS
            self._say(revision, f"it is not in {self._settings.topic('models')}")
            return
        try:
            self._scorers[revision] = await asyncio.to_thread(usable, data, revision, self.own.categories)
        except models.ArtefactError as error:
            self._refused[revision] = str(error)
            self._say(revision, str(error))

    def _say(self, revision: str, why: str) -> None:
        self._log.error(
            "a model cannot be used: while it is in force nothing new is suppressed", model=revision, why=why
        )


def usable(data: bytes, revision: str, categories: tuple[str, ...]) -> TextScorer:
    """The scorer in the bytes of an artefact, if it is the one that is meant and fits what is counted.

    Args:
        categories: of the model in force: samples keep a score for each, in this order.

    Raises:
        ArtefactError: with the reason.
    """
    if revision_of(data) != revision:
        raise models.ArtefactError(f"model {revision} was altered: its bytes are {revision_of(data)}")
    scorer = artefact.loads(data, f"model {revision}")
    if scorer.categories != categories:
        raise models.ArtefactError(
            f"model {revision} tells {', '.join(scorer.categories)} apart, samples keep scores for "
            f"{', '.join(categories)}: other categories ask for new topics"
        )
    scorer.score([""])
    return TextScorer(scorer)
