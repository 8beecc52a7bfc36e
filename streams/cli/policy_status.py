"""`hushtag policy status`: which policy runs, where, since when, by whom; and whose file differs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.moments import in_utc
from streams.cli.quiet import quieten
from streams.clock import now_ms
from streams.errors import EXIT_NO
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.log.decisions import Progress
    from streams.log.policies import PolicyTopic, WorkerReport

GONE_MS = 90_000
"""A worker that has not reported for so long is not there any more."""
STALLED_MS = 120_000
"""A shard that is so far behind does not count: the alert HushtagSettlingStalled is of the same mind."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the live policy."""

    revision: str
    serial: int
    since_ms: int | None
    """None: not known any more, and neither is by whom and why."""
    actor: str
    reason: str
    changes: tuple[str, ...]
    shards: dict[int, str]
    """The revision that each judge last settled a tick under."""
    stalled: dict[int, int]
    """Shards that are far behind, with the tick up to which each has settled."""
    shards_total: int
    workers: list[WorkerReport]
    """Those that are there."""

    @property
    def shards_live(self) -> int:
        return sum(revision == self.revision for shard, revision in self.shards.items() if shard not in self.stalled)

    @property
    def workers_live(self) -> int:
        return sum(worker.verdict == "same" and worker.revision == self.revision for worker in self.workers)

    @property
    def well(self) -> bool:
        """Whether it runs everywhere and every worker's file is it."""
        return self.shards_live == self.shards_total and 0 < self.workers_live == len(self.workers)


def standing_of(topic: PolicyTopic, progress: Mapping[int, Progress], shards: int, at_ms: int) -> Standing | None:
    """Put together what the logs say at a moment; None where no policy was ever live."""
    from streams.policy.activation import ActivationLog

    live = topic.live
    if live is None:
        return None
    found = {}
    for shard, one in progress.items():
        activation = ActivationLog.from_list(one.activations).in_force(one.settled_ms)
        if activation is not None:
            found[shard] = activation.revision
    return Standing(
        revision=live.revision,
        serial=live.serial,
        since_ms=live.proposed_at_ms or None,
        actor=live.actor or live.proposed_by,
        reason=live.reason,
        changes=live.changes,
        shards=found,
        stalled={shard: one.settled_ms for shard, one in progress.items() if at_ms - one.settled_ms > STALLED_MS},
        shards_total=shards,
        workers=workers_there(topic, at_ms),
    )


def workers_there(topic: PolicyTopic, at_ms: int) -> list[WorkerReport]:
    """The last reports of the workers that are there at a moment, by name."""
    return sorted((one for one in topic.reports.values() if at_ms - one.at_ms < GONE_MS), key=lambda one: one.worker)


def lines(standing: Standing) -> list[str]:
    """The standing in words."""
    since, by = "an unknown time", "by whom and why is not known: an earlier version wrote a change of model over it"
    if standing.since_ms is not None:
        since = in_utc(standing.since_ms)
        by = f"by {standing.actor}" + (f": {standing.reason}" if standing.reason else "")
    said = [
        f"revision {standing.revision} live on {standing.shards_live}/{standing.shards_total} shards, "
        f"{standing.workers_live}/{len(standing.workers)} workers, since {since} (serial {standing.serial})",
        by,
        *(f"  {change}" for change in standing.changes),
    ]
    others: dict[str, list[int]] = {}
    for shard in range(standing.shards_total):
        revision = standing.shards.get(shard, "none yet")
        if revision != standing.revision:
            others.setdefault(revision, []).append(shard)
    said += [f"shards {', '.join(map(str, shards))}: revision {one}" for one, shards in sorted(others.items())]
    said += [
        f"shard {shard}: settled up to {in_utc(settled_ms)} only"
        for shard, settled_ms in sorted(standing.stalled.items())
    ]
    if not standing.workers:
        said.append("no worker with the stage ingest has reported lately: none runs, or none reaches Kafka")
    said += [
        f"worker {worker.worker}: {worker.file}: {_how(worker)}"
        for worker in standing.workers
        if worker.verdict != "same" or worker.revision != standing.revision
    ]
    return said


def _how(worker: WorkerReport) -> str:
    """What is the matter with a worker's file."""
    return f"still {worker.revision}" if worker.verdict == "same" else f"{worker.verdict}: {worker.why}"


def status(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Say which policy runs on how many shards and workers, since when, by whom, and whose file differs.

    Exit 3 unless it runs on all of them: on every shard that there is, and on one worker at least.
    """
    quieten()
    standing = asyncio.run(_gather(load_settings()))
    if standing is None:
        print(json.dumps({"revision": None}) if as_json else "no policy was ever live: start a worker")
        raise typer.Exit(EXIT_NO)
    if as_json:
        import msgspec

        whole = {name: value for name, value in asdict(standing).items() if name != "workers"}
        whole |= {"shards_live": standing.shards_live, "workers_live": standing.workers_live}
        print(json.dumps(whole | {"workers": msgspec.to_builtins(standing.workers)}, ensure_ascii=False))
    else:
        print("\n".join(lines(standing)))
    if not standing.well:
        raise typer.Exit(EXIT_NO)


async def _gather(settings: Settings) -> Standing | None:
    from streams.log.decisions import Progress, decode_record
    from streams.log.policies import read_policy_topic
    from streams.log.reading import LogReader, connection

    topic = await read_policy_topic(settings)
    progress: dict[int, Progress] = {}
    async with LogReader(connection(settings), settings.topic("suppression-decisions")) as reader:
        shards = len(reader.partitions)  # as the topic has it, whatever this shell's settings say
        async for batch in reader.to_end():
            for record in batch:
                said = decode_record(record.value)
                if isinstance(said, Progress):
                    known = progress.get(said.shard)
                    if known is None or said.version > known.version:
                        progress[said.shard] = said
    return standing_of(topic, progress, shards, now_ms())
