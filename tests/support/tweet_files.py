"""The files of one tweet, from its record to an answer: those that docs/architecture.md lists, and all that run.

    python -m tests.support.tweet_files [--list]

Tweets of one hashtag pass the stages over Kafka in memory, scored by the committed model, until a client hides it. A
file counts as executed if a function of it runs meanwhile, also a compiled one, or if docs/architecture.md lists it:
what speaks to Kafka and Redis is replaced here. Kernels count from the start of the process, which needs to be new.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hushtag_client.memory import MemoryFlagsClient
from numba.core.dispatcher import Dispatcher

from models import compiled
from streams.constants import PANE_MS
from streams.counting.times import TimeRules
from streams.flags.decision_fold import DecisionFold
from streams.flags.memory_store import MemoryFlagStore
from streams.log.partials import encode_partial
from streams.pipeline.ingest_stage import IngestStage
from streams.pipeline.publish_stage import DecisionsStage
from streams.policy import parse_policy
from streams.policy.activation import Activation
from streams.scoring import load_text_scorer
from tests.support import shells as memory
from tests.support.block_counts import TOPIC_ID
from tests.support.judge_shell import DECISIONS, PARTIALS, deliver, keep_policies, started
from tests.support.paths import ROOT
from tests.support.shells import NOW_MS, Kept, make_shells, settle_down

_OURS = tuple(f"{ROOT / room}/" for room in ("streams", "models", "client"))
_POLICY = """
serial: 1
surfaces: [trends]
windows: [30s]
score_floor: 2
evidence_floor: 2
categories:
  abuse:
    mode: suppress
    min_tweets: 6
    min_authors: 4
    suppress_at: 0.3
    clear_at: 0.2
    corroborate: {need: 1, authors: 1}
"""


def listed_files() -> set[str]:
    """Return the files that docs/architecture.md lists in their order."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    section = text.partition("### The files, in order")[2].partition("\n## ")[0].partition("\n1. ")[2]
    files, folder = set(), ""
    for name in re.findall(r"`([\w./]+)`", section):
        if name.endswith("/"):
            folder = name
        else:
            files.add(name if (ROOT / name).is_file() else folder + name)
    return files


class Trace:
    """The files whose functions run while `on`, in this thread and in all that begin later."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.on = False
        sys.setprofile(self._note)
        threading.setprofile(self._note)

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        if self.on and event == "call" and frame.f_code.co_name != "<module>":
            self.files.add(frame.f_code.co_filename)


def kernel_files() -> Iterator[str]:
    """Yield the files of the kernels that have run, and of the compiled functions that they name."""
    kernels = [kernel for kernel in compiled._kernels if kernel.signatures]
    seen = set(map(id, kernels))
    while kernels:
        function = kernels.pop().py_func
        yield function.__code__.co_filename
        for name in function.__code__.co_names:
            callee = function.__globals__.get(name)
            if isinstance(callee, Dispatcher) and id(callee) not in seen:
                seen.add(id(callee))
                kernels.append(callee)


def _tweets(pane: int) -> list[Kept]:
    at_ms = NOW_MS + pane * PANE_MS
    return [
        Kept(number, at_ms, None, json.dumps(
            {"id": number, "author_id": number, "created_at_ms": at_ms, "text": f"#a shut up, stupid liars {number}"}
        ).encode())
        for number in range(20 * pane, 20 * pane + 20)
    ]  # fmt: skip


async def _hide(trace: Trace, patch: pytest.MonkeyPatch) -> None:
    """Let tweets of a hashtag pass all stages until a client hides it."""
    scorer = load_text_scorer()
    patch.setattr(memory, "SCORER", scorer)
    policy = parse_policy(_POLICY, "tweet_files.yaml")
    first = Activation(policy.revision, 0, 0, policy.canonical, scorer.revision)
    store = MemoryFlagStore(partitions=1)
    shells = make_shells(patch, store=store, at_once=True, shards=1)
    keep_policies(patch, first)
    shells.topics.logs |= {(topic, 0): [] for topic in ("tweets", PARTIALS, DECISIONS)}
    shells.topics.append(PARTIALS, 0, encode_partial(first))
    source = IngestStage(shells.context, TOPIC_ID, TimeRules(), lambda: 1).partition(0)
    source.start_at(None, 0)
    judge = await started(shells)
    publish = DecisionsStage(shells.context, lambda: DecisionFold(longest_expiry_ms=1_000, max_broker_skew_ms=5))
    flags = publish.partition(0)
    flags.start_at(None, 0)
    await settle_down()
    client = MemoryFlagsClient(store.server, clock=lambda: NOW_MS + 5 * PANE_MS)
    judged = published = 0
    for pane in range(6):
        trace.on = pane > 0  # after the policy has come into force
        await source.process(_tweets(pane))
        await source.flush()
        await deliver(shells, judge, judged)
        judged = shells.topics.end(PARTIALS, 0)
        await flags.process(shells.topics.read(DECISIONS, 0, published))
        published = shells.topics.end(DECISIONS, 0)
        await settle_down()
    await store.heartbeat({0: flags.settled_ms}, NOW_MS + 5 * PANE_MS)
    assert not client.check("a", "trends").shown, "the tweets reach a client"
    trace.on = False
    for partition in (source, judge, flags):
        partition.drop()
    shells.context.executor.shutdown()


def executed_files() -> set[str]:
    """Return the files that run for a tweet in this process, with those that docs/architecture.md lists."""
    trace = Trace()
    with pytest.MonkeyPatch.context() as patch:
        asyncio.run(_hide(trace, patch))
    files = trace.files | set(kernel_files())
    return {str(Path(file).relative_to(ROOT)) for file in files if file.startswith(_OURS)} | listed_files()


if __name__ == "__main__":
    executed = executed_files()
    if "--list" in sys.argv:
        print("\n".join(sorted(executed)))
    print(json.dumps({"listed": len(listed_files()), "executed": len(executed)}))
