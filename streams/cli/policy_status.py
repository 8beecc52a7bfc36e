"""`hushtag policy status`: the live policy, where it runs, and the workers whose file differs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import typer

from streams.cli.options import Json
from streams.cli.output import in_utc, print_json, quieten
from streams.clock import now_ms
from streams.errors import EXIT_NO, ContractError
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.log.decisions import Progress
    from streams.log.policies import PolicyTopic, WorkerReport

STALLED_MS = 120_000
"""Lag of a shard after which it counts as stalled, as for the alert HushtagSettlingStalled."""


@dataclass(frozen=True, slots=True)
class PolicyStatus:
    """State of the live policy on all shards and workers."""

    revision: str
    serial: int
    since_ms: int
    actor: str
    reason: str
    changes: tuple[str, ...]
    shards: dict[int, str]
    """Revision under which each judge settled its last tick, by shard."""
    stalled: dict[int, int]
    """Stalled shards, each with its last settled tick in milliseconds."""
    shards_total: int
    workers: list[WorkerReport]
    """Last reports of the workers that are not gone."""
    source: str = "file"
    """`topic`: written by `hushtag policy apply --to topic`; `file`: proposed by a worker from its policy file."""
    proposed_by: str = ""
    """Worker whose file it was; for `topic` the actor."""
    unreadable: tuple[int, ...] = ()
    """Offsets of records of the topic that cannot be read and are skipped."""

    @property
    def shards_live(self) -> int:
        """Number of shards that judge by the live revision and are not stalled."""
        return sum(revision == self.revision for shard, revision in self.shards.items() if shard not in self.stalled)

    @property
    def workers_live(self) -> int:
        """Number of workers that follow the live revision: their policy file is it, or only their file is older."""
        return sum(self._follows(worker) for worker in self.workers)

    @property
    def well(self) -> bool:
        """Whether the policy runs on every shard and every worker follows it, and the topic is readable."""
        all_follow = self.shards_live == self.shards_total and 0 < self.workers_live == len(self.workers)
        return all_follow and not self.unreadable

    def _follows(self, worker: WorkerReport) -> bool:
        if self.source == "topic" and worker.verdict == "behind":
            return True
        return worker.verdict == "same" and worker.revision == self.revision


def status_of(topic: PolicyTopic, progress: Mapping[int, Progress], shards: int, at_ms: int) -> PolicyStatus | None:
    """Combine the policy topic and the judges' progress; None where no policy was ever live."""
    from streams.policy.activation import ActivationLog
    from streams.policy_activation import workers_there

    live = topic.live
    if live is None:
        return None
    revisions = {}
    for shard, last in progress.items():
        activation = ActivationLog.from_list(last.activations).in_force(last.settled_ms)
        if activation is not None:
            revisions[shard] = activation.revision
    return PolicyStatus(
        revision=live.revision,
        serial=live.serial,
        since_ms=live.proposed_at_ms,
        actor=live.actor or live.proposed_by,
        reason=live.reason,
        changes=live.changes,
        shards=revisions,
        stalled={shard: last.settled_ms for shard, last in progress.items() if at_ms - last.settled_ms > STALLED_MS},
        shards_total=shards,
        workers=workers_there(topic, at_ms),
        source=live.via,
        proposed_by=live.proposed_by,
        unreadable=tuple(sorted(topic.unreadable)),
    )


def lines(status: PolicyStatus) -> list[str]:
    """Describe a status in lines of text."""
    since = f"since {in_utc(status.since_ms)} (serial {status.serial})"
    rows = [
        f"revision {status.revision} live on {status.shards_live}/{status.shards_total} shards, "
        f"{status.workers_live}/{len(status.workers)} workers, {since}",
        f"by {status.actor}" + (f": {status.reason}" if status.reason else ""),
        "from: hushtag policy apply --to topic" if status.source == "topic" else f"from: file of {status.proposed_by}",
        *(f"  {change}" for change in status.changes),
    ]
    others: dict[str, list[int]] = {}
    for shard in range(status.shards_total):
        revision = status.shards.get(shard, "none yet")
        if revision != status.revision:
            others.setdefault(revision, []).append(shard)
    rows += [f"shards {', '.join(map(str, shards))}: revision {other}" for other, shards in sorted(others.items())]
    rows += [
        f"shard {shard}: settled up to {in_utc(settled_ms)} only"
        for shard, settled_ms in sorted(status.stalled.items())
    ]
    rows += [f"record {offset} of the topic cannot be read and is skipped" for offset in status.unreadable]
    if not status.workers:
        rows.append("no worker with the stage ingest has reported lately: start one, or check that it reaches Kafka")
    rows += [
        f"worker {worker.worker}: {worker.file}: {_difference(worker)}"
        for worker in status.workers
        if worker.verdict != "same" or worker.revision != status.revision
    ]
    return rows


def _difference(worker: WorkerReport) -> str:
    return f"still {worker.revision}" if worker.verdict == "same" else f"{worker.verdict}: {worker.why}"


def status(as_json: Json = False) -> None:
    """Show the live policy: on how many shards and workers it runs, since when, by whom, and whose file differs.

    Exits with 3 unless it runs on every shard, and on every worker, of which there is at least one.
    """
    quieten()
    status = asyncio.run(_read(load_settings()))
    if status is None:
        if as_json:
            print_json({"revision": None})
        else:
            print("no policy was ever live: start a worker")
        raise typer.Exit(EXIT_NO)
    if as_json:
        print_json(asdict(status) | {"shards_live": status.shards_live, "workers_live": status.workers_live})
    else:
        print("\n".join(lines(status)))
    if not status.well:
        raise typer.Exit(EXIT_NO)


async def _read(settings: Settings) -> PolicyStatus | None:
    from streams.log.decisions import Progress, decode_record
    from streams.log.policies import read_policy_topic
    from streams.log.reading import LogReader, connection
    from streams.log.unreadable import read_value

    topic = await read_policy_topic(settings)
    progress: dict[int, Progress] = {}
    async with LogReader(connection(settings), settings.topic("suppression-decisions")) as reader:
        shards = len(reader.partitions)  # the topic's number, not this shell's setting
        async for batch in reader.to_end():
            for record in batch:
                try:
                    decoded = read_value(decode_record, record.value)
                except ContractError:  # publish reports it
                    continue
                if isinstance(decoded, Progress):
                    earlier = progress.get(decoded.shard)
                    if earlier is None or decoded.version > earlier.version:
                        progress[decoded.shard] = decoded
    return status_of(topic, progress, shards, now_ms())
