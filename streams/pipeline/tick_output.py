"""A settled tick with its history as records: they are encoded in the thread that settles, outside the event loop."""

from __future__ import annotations

from dataclasses import dataclass

from streams.counting.keys import Tags
from streams.judging.evidence_codec import records_of
from streams.judging.stage_2_candidates import Candidate
from streams.judging.ticks import SettledTick
from streams.log.evidence import encode_evidence_record
from streams.log.panes import encode_pane, topic_of
from streams.log.topic_specs import EVIDENCE, PANES


@dataclass(frozen=True, slots=True)
class TickOutput:
    """The output of a settled tick, ready to be sent."""

    settled: SettledTick
    history: list[tuple[str, bytes]]
    """Records of panes, side inputs and evidence, each with its topic (without the prefix)."""
    candidates: list[Candidate] | None
    """Texts for stage 2; None: it is offered nothing."""


def history_of(settled: SettledTick, shard: int, tags: Tags) -> list[tuple[str, bytes]]:
    """Encode the panes, side records and evidence of a tick, each record with its topic (without the prefix)."""
    history = [
        (topic_of(pane.length_ms), record) for pane in settled.panes for record in encode_pane(pane, shard, tags)
    ]
    history += [(PANES, record) for record in settled.side_records]
    if settled.evidence is not None:
        records = records_of(settled.evidence, shard, tags)
        history += [(EVIDENCE, encode_evidence_record(record)) for record in records]
    return history
