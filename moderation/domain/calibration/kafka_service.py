"""A calibration service on the configured Kafka."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from moderation.domain.appeals.automated_decisions import DecisionsFollower
from moderation.domain.appeals.service import ReviewService
from moderation.domain.calibration.label_book import LabelBook
from moderation.domain.calibration.live_models import KafkaModels
from moderation.domain.calibration.service import CalibrationService
from moderation.domain.cases.case_log import CaseLog
from moderation.domain.cases.markings import MarkingService
from moderation.domain.texts.reader import TextReader, open_text_reader
from moderation.log.present_time import open_moderation
from moderation.log.service import ModerationService
from streams.settings import Settings


@asynccontextmanager
async def open_calibration(settings: Settings) -> AsyncGenerator[CalibrationService, None]:
    """Open the service with the services that it reads from.

    Raises:
        DependencyAway: Kafka does not answer.
        TopicsError: a topic is missing.
    """
    async with (
        open_moderation(settings) as moderation,
        DecisionsFollower(settings, share=0.0) as follower,
        open_text_reader(settings, moderation) as texts,
    ):
        cases = CaseLog(moderation, ReviewService(moderation, follower))
        yield CalibrationService(label_book(settings, moderation, MarkingService(moderation), cases, texts))


def label_book(
    settings: Settings, moderation: ModerationService, markings: MarkingService, cases: CaseLog, texts: TextReader
) -> LabelBook:
    """Build the book of labels on services that are open."""
    secret = settings.hash_key.get_secret_value().encode()
    return LabelBook(moderation, markings, cases, texts, KafkaModels(settings), secret=secret)
