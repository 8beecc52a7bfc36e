"""Helpers for tests of the simulator: small runs, their tweets, and labelled texts."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator

from devkit.simulation import data
from devkit.simulation.config import SimulationConfig
from devkit.simulation.draft import TweetDraft
from devkit.simulation.faults import NO_FAULTS, FaultRates
from devkit.simulation.lines import SimulatedRecord, encode_line
from devkit.simulation.run import Simulation
from devkit.simulation.scenario import scenario_config
from devkit.simulation.texts import LabelledText
from streams.errors import ContractError
from streams.events.parse import parse
from streams.events.tweet import Tweet

NAMES = data.tag_names()
OWN = data.own_texts()
LOTS = FaultRates(late=0.1, duplicate=0.1, broken=0.1, ahead=0.05, far_ahead=0.03, far_past=0.03, control=0.1)
LABELLED = [
    LabelledText(f"{word} sentence number {i} of the {lang} set", harmful=word == "wicked", lang=lang)
    for i in range(400)
    for word, lang in (("wicked", "en"), ("kindly", "en"), ("kindly", "hi"), ("wicked", "hi"), ("kindly", "hi-Latn"))
]


def small(seed: int, minutes: float = 0.5, rate: float = 30.0, **more: object) -> SimulationConfig:
    return dataclasses.replace(scenario_config(seed, NAMES, minutes=minutes, rate=rate), **more)  # type: ignore[arg-type]


def digest(run: Simulation) -> str:
    """Hash all records and the ground truth of a run."""
    found = hashlib.sha256()
    for entry in run.lines():
        found.update(encode_line(entry) + b"\n")
    found.update(json.dumps(run.truth(), sort_keys=True).encode())
    return found.hexdigest()


def read(entries: Iterable[SimulatedRecord]) -> Iterator[tuple[SimulatedRecord, Tweet]]:
    """Select the records that are tweets, retries included."""
    for entry in entries:
        try:
            event = parse(entry.payload)
        except ContractError:
            continue
        if isinstance(event, Tweet):
            yield entry, event


def drafts(seed: int = 1, n: int = 400) -> Iterator[TweetDraft]:
    run = Simulation(small(seed, minutes=2, faults=NO_FAULTS))
    made = (draft for begin_ms in range(0, 120_000, 1000) for draft in run._drafts(begin_ms, 1000))
    yield from (draft for draft, _ in zip(made, range(n), strict=False))
