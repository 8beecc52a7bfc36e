"""Service of calibration: labels in, a scale for the live model out, and back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moderation.domain.calibration.agreed_labels import MOST_OF_ONE
from moderation.domain.calibration.label_book import LabelBook, Labels
from moderation.domain.calibration.live_models import LiveModel, load_live
from moderation.log.drafts import words_of
from streams.errors import CallerMistake
from streams.log.policies import PolicyRecord

if TYPE_CHECKING:  # it loads scikit-learn and numba
    from moderation.domain.calibration.fitting import ScaleFit

_MORE = "label more texts: hushtag calibrate labels FILE, or mark texts in the cases of the console"


@dataclass(frozen=True, slots=True)
class Preview:
    """Labels, and the scale that they would give."""

    labels: Labels
    fit: ScaleFit

    @property
    def is_live(self) -> bool:
        """Whether the live model has this scale already."""
        return self.fit.is_ready and self.fit.platform.scale.to_bytes() == self.labels.live.scorer.scale.to_bytes()

    @property
    def may_go_live(self) -> bool:
        """Whether `apply` takes this scale, but for the labels of one person."""
        return self.fit.is_ready and not self.fit.inverted and not self.is_live


class CalibrationService:
    """Fits the scale to the labels of a book, and puts it live.

    Raises (from every method):
        CallerMistake: no model is live, or it cannot be used.
        DependencyAway: Kafka does not answer.
    """

    def __init__(self, book: LabelBook) -> None:
        self.book = book
        self._preview: tuple[object, Preview] | None = None
        """Last preview, with the labels and the model that it is of."""

    async def preview(self) -> Preview:
        """Fit the scale to the labels; it is kept until a label or the live model changes."""
        from moderation.domain.calibration.fitting import fit_scale

        labels = await self.book.labels()
        state = (labels.live.revision, labels.texts)
        if self._preview is None or self._preview[0] != state:
            fit = await asyncio.to_thread(fit_scale, labels.live.scorer, labels.texts.texts)
            self._preview = state, Preview(labels, fit)
        return Preview(labels, self._preview[1].fit)

    async def apply(
        self,
        *,
        actor: str,
        reason: str,
        if_live: str | None = None,
        if_scale: str | None = None,
        one_person: bool = False,
    ) -> PolicyRecord:
        """Put the fitted scale live, as a new model with the same weights.

        Args:
            actor: person who puts it live.
            reason: text for the record.
            if_live: revision of the model that was live when the person looked; None: any.
            if_scale: revision of the fitted scale that the person saw; None: any. Labels change it.
            one_person: accept labels of which one person gave most; the record states it.

        Raises:
            CallerMistake: labels are missing, one person gave most of them, another model is live, the labels give
                another scale, or the live model has this scale already.
        """
        actor, reason = words_of(actor, reason)
        preview = await self.preview()
        live, texts, fit = preview.labels.live, preview.labels.texts, preview.fit
        if if_live is not None and if_live != live.revision:
            raise CallerMistake(f"model {live.revision} is live, not {if_live}", fix="look at the labels again")
        if if_scale is not None and if_scale != fit.revision:
            raise CallerMistake(
                f"labels have changed: they give scale {fit.revision} now, not {if_scale}", fix="look at it again"
            )
        if not fit.is_ready:
            raise CallerMistake(f"no language has enough labels: {fit.missing_words()}", fix=_MORE)
        if fit.inverted:
            raise CallerMistake(
                f"texts labelled harmful score no higher than clean ones ({'; '.join(fit.inverted)})",
                fix="look whether the labels are swapped; such a scale would find no harm",
            )
        if preview.is_live:
            raise CallerMistake(f"model {live.revision} has the scale of these labels already", fix="there is no need")
        if texts.greatest is not None and texts.is_one_person and not one_person:
            raise CallerMistake(
                f"{texts.greatest.words}, and one person may give at most {MOST_OF_ONE:.0%}",
                fix="let a second person label texts, too; or accept it with --one-person, which is recorded",
            )
        about = {
            "actor": actor, "before": live.revision, "labels": len(texts.texts), "people": len(texts.people),
            "one_person": texts.is_one_person, "languages": list(fit.fitted_languages),
        }  # fmt: skip
        data = await asyncio.to_thread(fit.artefact, live.scorer, about)
        _check_same_scores(data, live)
        people = "1 person" if len(texts.people) == 1 else f"{len(texts.people)} people"
        note = f"scale of {', '.join(fit.fitted_languages)} fitted to {len(texts.texts)} labelled texts of {people}"
        note += ", most of one person" if texts.is_one_person else ""
        return await self.book.models.publish(data, live, actor=actor, reason=f"{reason} ({note})")

    async def rollback(self, *, actor: str, reason: str, if_live: str | None = None) -> PolicyRecord:
        """Put the model before the live one live again.

        Raises:
            CallerMistake: no other model was live before, or the live one is not `if_live`.
        """
        actor, reason = words_of(actor, reason)
        live = await self.book.models.live()
        if if_live is not None and if_live != live.revision:
            raise CallerMistake(f"model {live.revision} is live, not {if_live}", fix="look at the live model again")
        return await self.book.models.rollback(actor=actor, reason=reason, if_live=live.revision)


def _check_same_scores(data: bytes, live: LiveModel) -> None:
    """Check that a calibrated artefact scores every text as the live model does.

    Its ranking figures are then those of the live model, so that the guard of `hushtag model apply` has nothing to
    measure.
    """
    calibrated = load_live(data)
    assert calibrated.scores == live.scores, "a calibration changes the scale alone"
    assert calibrated.revision != live.revision
