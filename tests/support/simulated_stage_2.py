"""Stage 2 in memory, which emits arbitrary records at any time."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

from models.share import Scale
from streams.counting.block_counts import Flush
from streams.counting.keys import Sharding
from streams.log.corrections import encode_corrections
from streams.windows.corrections import Corrections
from tests.support.simulated_run import Run
from tests.support.simulated_sizes import PARTITIONS, SHARDS
from tests.support.simulated_words import SCORER

SCALES = {
    "old": b"",
    "new": Scale(np.broadcast_to([0.1, 0.8, 0.01, 0.02], (1, 3, 4)), np.full((1, 3, 3), 1e-4)).to_bytes(),
}
"""Meaning of the probabilities by revision; the old one has that of stage 1's."""


class Reads(Run):
    """Adversarial `streams.pipeline.stage_2.Stage2` of one shard.

    It emits unrequested records, repeatedly, before or long after they count, of another tag's authors. No two of them
    are equal. None precedes all counts of the shard: a judge asks for texts that it has counted.
    """

    topic = "stage 2"

    def work(self) -> Iterator[None]:
        world, rng = self.world, self.world.rng
        revision = rng.choice(["old", "new"])
        model_revision = rng.choice([SCORER.revision] * 9 + ["another"])
        self.done = True
        for _ in range(rng.choice(world.span.reads)):
            for _ in range(rng.randint(1, 8)):
                yield
            partials = world.partials(self.number)
            if not any(isinstance(one, Flush) and one.watermark_ms >= 0 for one in partials):
                continue
            if world.calm or world.now_ms >= world.span.closed_ms:  # later panes never settle
                return
            wanted: list[tuple[str, int]] = []
            for record in world.visible(rng.randrange(PARTITIONS))[-rng.choice([10, 100]) :]:
                tweet = json.loads(record.value or b"{}") if record.value not in (b"{", b"the end") else {}
                tags = {tag.lower() for tag in tweet.get("hashtags", ()) if isinstance(tag, str)}
                ours = [tag for tag in sorted(tags) if Sharding(SHARDS).of(tag) == self.number]
                wanted += [(tag, int(tweet["id"])) for tag in ours if "text" in tweet]
            wanted = [one for one in wanted if rng.random() < 0.7]
            if wanted:
                self.outbox.put(("partials", self.number), encode_corrections(Corrections(
                    revision, model_revision, [tag for tag, _ in wanted],
                    np.array([tweet for _, tweet in wanted], "<i8").tobytes(),
                    np.array([[rng.choice([-0.75, -0.5, 0.5, 0.75])] * 3 for _ in wanted], "<f4").tobytes(),
                    scale=SCALES[revision],
                )))  # fmt: skip
