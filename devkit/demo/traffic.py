"""Produce the simulator's demo to Kafka in real time, and give its ground truth in wall-clock time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

from aiokafka import AIOKafkaProducer

from devkit.demo.truth import PlannedTag, planned_tags
from devkit.simulation.data import own_texts, tag_names
from devkit.simulation.demo import demo_config
from devkit.simulation.lines import SimulatedRecord
from devkit.simulation.play import play
from devkit.simulation.run import Simulation
from devkit.simulation.stories import Story
from streams.clock import now_ms
from streams.log.reading import connection
from streams.settings import Settings

RATE = 100.0
"""Average tweets a second."""
_YIELDS_EACH = 50
_CAMPAIGN = {"per_second": 20, "n_authors": 400}
_HIJACK = {"per_second": 30, "n_authors": 800}
_COPY_SHARE, _YOUNG_SHARE = 0.8, 0.95
"""Campaigns and hijacks are louder than in the preset: a flag needs some fifty authors, and the demo lasts a minute."""


class Traffic:
    """Producer of the demo's tweets. `stories` and `began_ms` are known once the first tweet was sent."""

    def __init__(self, settings: Settings, *, seed: int, rate: float = RATE, partitions: int = 4) -> None:
        self.sent = 0
        self.stories: list[PlannedTag] = []
        self.began_ms = 0
        self.late_ms = 0
        """Greatest delay of a record that was sent, against the simulator's log."""
        self.started = asyncio.Event()
        self._settings = settings
        config = demo_config(tag_names(), seed=seed, rate=rate, partitions=partitions)
        self._run = Simulation(replace(config, stories=tuple(map(_louder, config.stories))), own_texts())
        self._last_ms = 0

    async def play(self) -> None:
        """Send tweets until cancelled."""
        async with AIOKafkaProducer(**connection(self._settings), linger_ms=5, acks=1) as producer:
            topic = self._settings.topic("tweets")

            async def send(line: SimulatedRecord) -> None:
                if not self.stories:
                    by_ms = line.log_time_ms - self._last_ms
                    self.stories = [story.moved(by_ms) for story in planned_tags(self._run.truth())]
                    self.began_ms = self._run.config.start_ms + by_ms
                    self.started.set()
                await producer.send(topic, line.payload, key=line.key_bytes, partition=line.partition)
                self.sent += 1
                self.late_ms = max(self.late_ms, now_ms() - line.log_time_ms)
                if self.sent % _YIELDS_EACH == 0:
                    await asyncio.sleep(0)  # else a log that is behind leaves no time to the view and its end

            await play(self._remembering(self._run.lines()), send, now_ms, asyncio.sleep)

    def _remembering(self, lines: Iterator[SimulatedRecord]) -> Iterator[SimulatedRecord]:
        """Keep each line's simulated time: its difference from the time after `play` is the time shift."""
        for line in lines:
            self._last_ms = line.log_time_ms
            yield line


def _louder(plan: Story) -> Story:
    if not plan.harmful and not plan.hijacks:
        return plan
    size = _HIJACK if plan.hijacks else _CAMPAIGN
    return replace(
        plan,
        per_second=float(size["per_second"]),
        n_authors=size["n_authors"],
        copy_share=_COPY_SHARE,
        young_share=_YOUNG_SHARE,
    )
