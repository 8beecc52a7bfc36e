"""Settled decisions of a worker that was killed, against judges that were never killed and read the same log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from streams.counting.sketch import KeyedHash
from streams.judging.recovered_state import RecoveredState
from streams.judging.shard_judge import ShardJudge
from streams.judging.shard_state import ShardState
from streams.log.decisions import Decision, Progress, decode_record
from streams.log.partials import decode_partial
from streams.log.reading import LogReader, connection
from streams.pipeline.recovery import read_panes
from streams.scoring import TextScorer, load_text_scorer, score_batches
from streams.settings import Settings
from tests.support.settled_history import SettledHistory, history


@dataclass
class SettledComparison:
    """Settled decisions of all shards, the worker's and the reference's."""

    changes: int = 0
    """Settled changes of the reference."""
    different: list[str] = field(default_factory=list)
    """Hashtags and countries whose settled changes differ, with both."""
    settled_new: dict[str, int] = field(default_factory=dict)
    """First settled tick since the kill, in milliseconds, by hashtag: settled changes of the reference."""


async def compare_settled(settings: Settings, stood_ms: dict[int, int]) -> SettledComparison:
    """Compare the settled decisions on the log with those of judges that read the whole log of partials.

    Args:
        settings: of the worker that was killed; its history is the first progress record and the panes before it.
        stood_ms: last settled tick before the kill, by shard.
    """
    comparison, scorer = SettledComparison(), load_text_scorer(settings.model)
    for shard in range(settings.shards):
        first, last_ms, decisions = await _read_decisions(settings, shard)
        expected = history(await _judge(settings, shard, first, scorer))
        _compare(comparison, _until(expected, last_ms), _until(history(decisions), last_ms), stood_ms.get(shard, 0))
    return comparison


async def _read_decisions(settings: Settings, shard: int) -> tuple[Progress, int, list[Decision]]:
    """Return a shard's first progress record, its last settled tick, and its decisions."""
    progress: list[Progress] = []
    decisions: list[Decision] = []
    async with LogReader(connection(settings), settings.topic("suppression-decisions")) as reader:
        async for batch in reader.to_end({shard: None}):
            for entry in (decode_record(record.value) for record in batch):
                if isinstance(entry, Progress):
                    progress.append(entry)
                elif isinstance(entry, Decision) and not entry.is_renewal:
                    decisions.append(entry)
    return progress[0], max(record.settled_ms for record in progress), decisions


async def _judge(settings: Settings, shard: int, first: Progress, scorer: TextScorer) -> list[Decision]:
    """Judge a shard's whole log from the history on; return its settled decisions."""
    judge = ShardJudge(
        ShardState(
            shard,
            categories=scorer.categories,
            model_revision=scorer.revision,
            hashes=KeyedHash(settings.hash_key.get_secret_value().encode()),
            early=False,
            shards=settings.shards,
            scale_of={scorer.revision: scorer.scale}.get,
        )
    )
    state = RecoveredState(progress=first)
    await read_panes(settings, shard, judge.state.tags, state, lambda _: False, columns=1 + len(scorer.categories))
    judge.state.recover(state)
    decisions: list[Decision] = []
    async with LogReader(connection(settings), settings.topic("hashtag-partials")) as reader:
        async for batch in reader.to_end({shard: None}):
            for record in batch:
                judge.apply(record.offset, decode_partial(record.value))
                while (job := judge.next_tick()) is not None:
                    scores = score_batches([job.texts.batch], {scorer.revision: scorer}.get, 1 + len(scorer.categories))
                    decisions += judge.settle(job, scores).decisions
    return decisions


def _until(changes: SettledHistory, last_ms: int) -> SettledHistory:
    """Return the changes up to a tick, without keys that have none."""
    kept = {key: [change for change in past if change[0] <= last_ms] for key, past in changes.items()}
    return {key: past for key, past in kept.items() if past}


def _compare(comparison: SettledComparison, expected: SettledHistory, seen: SettledHistory, stood_ms: int) -> None:
    comparison.changes += sum(map(len, expected.values()))
    for key in sorted(expected.keys() | seen.keys()):
        if expected.get(key) != seen.get(key):
            comparison.different.append(f"{key}: {seen.get(key)} instead of {expected.get(key)}")
    for (hashtag, _), past in expected.items():
        since = [tick_ms for tick_ms, _ in past if tick_ms > stood_ms]
        if since:
            comparison.settled_new[hashtag] = min(since[0], comparison.settled_new.get(hashtag, since[0]))


def explain_new(new: Sequence[str], comparison: SettledComparison) -> str:
    """Say for hashtags that are suppressed since the kill whether a settled tick or an early decision did it."""
    settled = [name for name in new if name in comparison.settled_new]
    return f"{len(settled)} by a tick that settled since, also without a kill; {len(new) - len(settled)} early"
