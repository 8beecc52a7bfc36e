"""Stage 2 in memory, which may say anything at any time."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

from streams.counting.sharding import Sharding
from streams.log.corrections import encode_corrections
from streams.windows.corrections import Corrections
from tests.support.simulated_run import Run
from tests.support.simulated_sizes import PARTITIONS, SHARDS
from tests.support.simulated_words import SCORER


class Reads(Run):
    """As `streams.pipeline.stage_2.StageTwo`, one for each shard, and without manners: it reads what nobody asked for,
    again and again, before or long after it counts, of another tag's authors; and no two of them say the same."""

    topic = "stage 2"

    def work(self) -> Iterator[None]:
        world, rng = self.world, self.world.rng
        revision = rng.choice(["old", "new"])
        model_revision = rng.choice([SCORER.revision] * 9 + ["another"])
        self.done = True
        for _ in range(rng.choice(world.span.reads)):
            for _ in range(rng.randint(1, 8)):
                yield
            if world.calm or world.now_ms >= world.span.closed_ms:  # nobody reads what settles no more
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
                )))  # fmt: skip
