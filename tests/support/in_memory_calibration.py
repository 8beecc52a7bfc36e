"""Calibration over models in memory: the committed model is live at first."""

from __future__ import annotations

from models import artefact
from moderation.domain.calibration.drafts import LabelDraft
from moderation.domain.calibration.live_models import LiveModel, load_live
from moderation.domain.calibration.scoring import score_texts
from moderation.domain.calibration.service import CalibrationService
from streams.errors import CallerMistake
from streams.log.policies import ModelChange, PolicyRecord
from tests.support.in_memory_policies import SHIPPED, record_of

_loaded: dict[bytes, LiveModel] = {}


def _live(data: bytes, before: str) -> LiveModel:
    if data not in _loaded:
        _loaded[data] = load_live(data)
    found = _loaded[data]
    return LiveModel(found.revision, found.scorer, found.scores, before)


def compile_scorer() -> None:
    """Score a text and load skops, so that no later call waits for them."""
    import skops.io  # noqa: F401

    score_texts(_live(artefact.ARTEFACT_PATH.read_bytes(), "").scorer, ["a text"], ["en"])


class InMemoryModels:
    """Models that were live, the last one now; the committed one is loaded on first use."""

    def __init__(self) -> None:
        self.records: list[PolicyRecord] = []
        self._data: list[bytes] = []

    async def live(self) -> LiveModel:
        if not self._data:
            self._data.append(artefact.ARTEFACT_PATH.read_bytes())
        before = _live(self._data[-2], "").revision if len(self._data) > 1 else ""
        return _live(self._data[-1], before)

    async def publish(self, data: bytes, live: LiveModel, *, actor: str, reason: str) -> PolicyRecord:
        assert live.revision == (await self.live()).revision
        self._data.append(data)
        return await self._record(live.revision, actor, reason)

    async def rollback(self, *, actor: str, reason: str, if_live: str) -> PolicyRecord:
        live = await self.live()
        assert live.revision == if_live
        if len(self._data) < 2:
            raise CallerMistake("no other model was live before this one", fix="hushtag model status")
        self._data.append(self._data[-2])
        return await self._record(live.revision, actor, reason)

    async def _record(self, before: str, actor: str, reason: str) -> PolicyRecord:
        change = ModelChange(before=before, actor=actor, reason=reason)
        self.records.append(record_of(SHIPPED, model_revision=(await self.live()).revision, model_change=change))
        return self.records[-1]


HARMFUL = ("send them all back to where they came from, filthy rats", "these women are whores, all of them",
           "kill every one of those dogs", "you stupid bitch, go and die")  # fmt: skip
CLEAN = ("the match begins at six in the evening", "what a lovely day at the book fair", "thank you for the recipe",
         "our train is late again")  # fmt: skip


def drafts(n_clean: int, n_harmful: int, *, first: int = 0) -> list[LabelDraft]:
    """Build labels of English texts, no two alike; the harmful ones are abuse."""
    clean = [LabelDraft(text=f"{CLEAN[n % 4]}, part {first + n}", harmful=False, lang="en")
             for n in range(n_clean)]  # fmt: skip
    harmful = [
        LabelDraft(
            text=f"{HARMFUL[n % 4]}, part {first + n}",
            harmful=True,
            categories={"abuse": True},
            lang="en",
        )
        for n in range(n_harmful)
    ]
    return clean + harmful


def two_people(n_clean: int, n_harmful: int) -> dict[str, list[LabelDraft]]:
    """Build labels of which two people give half each, by person."""
    clean, harmful = n_clean // 2, n_harmful // 2
    return {"asha": drafts(clean, harmful), "meera": drafts(n_clean - clean, n_harmful - harmful, first=1_000)}


async def add_of_two(calibration: CalibrationService, n_clean: int, n_harmful: int) -> None:
    """Hand in labels of which two people give half each."""
    for person, labels in two_people(n_clean, n_harmful).items():
        await calibration.book.add(labels, actor=person, reason="r")
