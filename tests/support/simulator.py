"""What tests of the simulator share: small runs of it, what they send, and labelled texts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path

from devkit.simulation import data
from devkit.simulation.config import Config
from devkit.simulation.draft import Draft
from devkit.simulation.faults import NO_FAULTS, Faults
from devkit.simulation.lines import Line
from devkit.simulation.run import Simulation
from devkit.simulation.scenario import scenario
from devkit.simulation.texts import LabelledText
from streams.errors import ContractError
from streams.events.parse import parse
from streams.events.tweet import Tweet

ROOT = Path(__file__).resolve().parents[2]
NAMES = data.tag_names()
OWN = data.own_texts()
LOTS = Faults(late=0.1, duplicate=0.1, broken=0.1, ahead=0.05, far_ahead=0.03, far_past=0.03, control=0.1)
LABELLED = [
    LabelledText(f"{word} sentence number {i} of the {lang} set", harmful=word == "wicked", lang=lang)
    for i in range(400)
    for word, lang in (("wicked", "en"), ("kindly", "en"), ("kindly", "hi"), ("wicked", "hi"), ("kindly", "hi-Latn"))
]


def small(seed: int, minutes: float = 0.5, rate: float = 30.0, **more: object) -> Config:
    return dataclasses.replace(scenario(seed, NAMES, minutes=minutes, rate=rate), **more)  # type: ignore[arg-type]


def read(entries: Iterable[Line]) -> Iterator[tuple[Line, Tweet]]:
    """The lines that are tweets, retries too."""
    for entry in entries:
        try:
            event = parse(entry.payload)
        except ContractError:
            continue
        if isinstance(event, Tweet):
            yield entry, event


def drafts(seed: int = 1, n: int = 400) -> Iterator[Draft]:
    run = Simulation(small(seed, minutes=2, faults=NO_FAULTS))
    made = (draft for begin_ms in range(0, 120_000, 1000) for draft in run._drafts(begin_ms, 1000))
    yield from (draft for draft, _ in zip(made, range(n), strict=False))
