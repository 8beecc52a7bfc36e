"""The live model, and the way in which a calibrated one replaces it: through the topics, without a worker's rights."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from moderation.domain.calibration.scoring import scores_revision
from streams.errors import CallerMistake
from streams.log.models import MAX_BYTES, read_models
from streams.log.policies import PolicyRecord, read_policy_topic
from streams.settings import Settings

if TYPE_CHECKING:  # it loads numba
    from models.scorer import LinearScorer


@dataclass(frozen=True, slots=True)
class LiveModel:
    """The model that workers score with."""

    revision: str
    scorer: LinearScorer
    scores: str
    """Digest of the part that scores; see `scores_revision`."""
    before: str
    """Revision of the model that a rollback returns to; "" for none."""


class ModelStore(Protocol):
    """Reader and writer of models; `KafkaModels` on the topics."""

    async def live(self) -> LiveModel:
        """Return the live model."""

    async def publish(self, data: bytes, live: LiveModel, *, actor: str, reason: str) -> PolicyRecord:
        """Make an artefact live in place of a model; raises CallerMistake if another one is live."""

    async def rollback(self, *, actor: str, reason: str, if_live: str) -> PolicyRecord:
        """Make the model before a model live again; raises CallerMistake if another one is live."""


class KafkaModels:
    """Models in the topics `models` and `policy`; the live one is kept until another one is live.

    Raises (from every method):
        CallerMistake: no policy is live, or the live model cannot be used.
        DependencyAway: Kafka does not answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._live: LiveModel | None = None
        self._one = asyncio.Lock()

    async def live(self) -> LiveModel:
        """Return the live model."""
        async with self._one:
            topic = await read_policy_topic(self._settings)
            if topic.live is None:
                raise CallerMistake("no policy is live yet", fix="start a worker: it makes its policy and model live")
            revision, named = topic.live.model_revision, topic.model_named_by
            change = named.model_change if named is not None else None
            before = change.before if change is not None else ""
            if self._live is None or self._live.revision != revision:
                data = (await read_models(self._settings, only=revision)).get(revision)
                if data is None:
                    raise CallerMistake(f"the live model {revision} is not kept", fix="hushtag model apply FILE")
                self._live = await asyncio.to_thread(load_live, data)
            return replace(self._live, before=before)  # the model may have been live twice

    async def publish(self, data: bytes, live: LiveModel, *, actor: str, reason: str) -> PolicyRecord:
        """Make an artefact live in place of a model."""
        from streams.model_activation import activate_model

        if len(data) > MAX_BYTES:
            raise CallerMistake(
                f"the model has {len(data):,} bytes, at most {MAX_BYTES:,} fit", fix="train a smaller one"
            )
        return await activate_model(
            self._settings, data, live.scorer.categories, actor=actor, reason=reason, by_workers=True,
            if_live=live.revision,
        )  # fmt: skip

    async def rollback(self, *, actor: str, reason: str, if_live: str) -> PolicyRecord:
        """Make the model before a model live again."""
        from streams.model_activation import rollback_model

        return await rollback_model(self._settings, actor=actor, reason=reason, by_workers=True, if_live=if_live)


def load_live(data: bytes, before: str = "") -> LiveModel:
    """Load a model from its artefact.

    Raises:
        CallerMistake: this version cannot use it.
    """
    from models import ArtefactError, artefact

    try:
        scorer = artefact.loads(data)
    except ArtefactError as error:
        raise CallerMistake(f"the live model cannot be used: {error}", fix="hushtag model apply FILE") from error
    return LiveModel(scorer.revision, scorer, scores_revision(scorer), before)
