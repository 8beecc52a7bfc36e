"""A shard's judge for tests, and a writer of its log."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from streams.constants import PANE_MS
from streams.counting.sketch import KeyedHash
from streams.judging.early_trigger import EarlyFiring
from streams.judging.recovered_state import RecoveredState
from streams.judging.shard_judge import ShardJudge
from streams.judging.shard_state import ShardState
from streams.judging.side_inputs.account_facts import AccountFactStore
from streams.judging.ticks import SettledTick
from streams.log.account_facts import FactsMark
from streams.log.decisions import Decision, Progress
from streams.log.pane_assembly import assemble
from streams.log.panes import decode_pane_record, encode_pane
from streams.log.partials import Partial
from streams.policy import Policy
from streams.policy.activation import Activation
from streams.scoring import TextScorer, score_batches
from streams.windows.open_pane import Scores
from tests.support.block_counts import BlockCount, Entry, flush
from tests.support.word_policy import POLICY, WordScorer, make_policy

HASHES = KeyedHash(b"k")
SCORER = TextScorer(WordScorer())
COSTLY_COPIES = POLICY.replace("score_floor", "harmless_below: 0\nscore_floor")
"""Policy under which every repeated text costs its authors the standing: the harness repeats all texts."""
SUPPRESS = make_policy(
    COSTLY_COPIES.replace("mode: shadow", "mode: suppress\n    corroborate: {need: 1, authors: 1}").replace(
        "[2m]", "[30s]"
    )
)
SCOPE = ("hateful_conduct", "trends")


def activation(policy: Policy, sequence: int = 0, from_tick_ms: int = 0) -> Activation:
    return Activation(policy.revision, sequence, from_tick_ms, policy.canonical, SCORER.revision)


def action(decision: Decision) -> tuple[str, bool, int]:
    (ruling,) = decision.rulings
    return ruling.action, ruling.provisional, ruling.since_ms


def early_scores(firing: EarlyFiring) -> Scores:
    """Score the texts of an early firing."""
    return score_batches(firing.batches, lambda _: SCORER, 1 + len(SCORER.categories))


class JudgeHarness:
    """A judge, and a writer of its log. Panes are numbered from 0; the log has two sources."""

    def __init__(
        self,
        policy: Policy | None = SUPPRESS,
        *,
        judge: ShardJudge | None = None,
        offset: int = -1,
        fact_store: AccountFactStore | None = None,
    ) -> None:
        self.fact_store = fact_store or AccountFactStore(HASHES)
        self.judge = judge or self.new_judge()
        self.offset = offset
        self.decisions: list[Decision] = []
        self.settled: list[SettledTick] = []
        self.side_records: list[list[bytes]] = []
        """Side records of each settled tick."""
        self._blocks = [offset + 1, offset + 1]
        self._author = 1_000 * (offset + 2)
        if policy is not None:
            self.activate(policy)

    def new_judge(self) -> ShardJudge:
        state = ShardState(
            0, categories=SCORER.categories, model_revision=SCORER.revision, hashes=HASHES, max_lag_ms=40_000,
            fact_store=self.fact_store,
        )  # fmt: skip
        return ShardJudge(state)

    def write(self, record: Partial) -> None:
        """Append a record to the log, and apply it."""
        self.offset += 1
        self.judge.apply(self.offset, record)

    def activate(self, policy: Policy, sequence: int = 0, from_tick_ms: int = 0) -> None:
        self.write(activation(policy, sequence, from_tick_ms))

    def mark(self, upto: int) -> None:
        """Let the moderation log count up to an offset."""
        self.write(FactsMark("", upto))

    def count(
        self,
        pane: int,
        *,
        bad: int = 0,
        good: int = 0,
        watermark_ms: int = 0,
        source: int = 0,
        tag: str = "a",
        early: bool = True,
    ) -> list[Decision]:
        """Write tweets of new authors, settle what is due, and decide early; return the decisions."""
        self._blocks[source] += 1
        entries = []
        for text in ["bad"] * bad + ["good"] * good:
            self._author += 1
            author = int(HASHES.authors([self._author])[0])
            entries.append(Entry(author, self._author, 100, 0, "", f"{text} {self._author}", 7 * self._author))
        block = self._blocks[source]
        registers = [BlockCount(tag, "", pane, len(entries), entries, block)] if entries else []
        newest_ms = max((pane + 1) * PANE_MS, watermark_ms)
        self.write(
            flush(registers, source=source, sources=2, block=block, watermark_ms=watermark_ms, newest_ms=newest_ms)
        )
        decisions = self.settle()
        if early:
            decisions += self.decide_early()
        self.decisions += decisions
        return decisions

    def decide_early(self) -> list[Decision]:
        """Decide early on what the records so far have touched."""
        firing = self.judge.next_early()
        return [] if firing is None else self.judge.decide_early(firing, early_scores(firing))

    def reach(self, newest_ms: int, *sources: int, watermark_ms: int) -> None:
        """Let sources read up to a log time; nothing settles."""
        for source in sources:
            self._blocks[source] += 1
            block = self._blocks[source]
            marker = flush(source=source, sources=2, block=block, watermark_ms=watermark_ms, newest_ms=newest_ms)
            self.write(marker)

    def tweet(
        self, pane: int, tag: str, authors: Iterable[int], *, text: str = "bad", copied: bool = False,
        age_days: int = 100, country: str = "", source: int = 0,
    ) -> None:  # fmt: skip
        """Write a tweet of each author, all with other words or all with the same ones; nothing settles."""
        self._blocks[source] += 1
        entries = []
        for author in authors:
            self._author += 1
            words = "and again" if copied else "".join("bcdfghjklm"[int(digit)] for digit in str(author))
            number = int(HASHES.authors([author])[0])
            entries.append(Entry(number, self._author, age_days, 0, "", f"{text} {words}", 7 * self._author))
        block = self._blocks[source]
        counts = [BlockCount(tag, country, pane, len(entries), entries, block)]
        self.write(flush(counts, source=source, sources=2, block=block, newest_ms=(pane + 1) * PANE_MS))

    def settle(self, score: Callable[[bytes], Scores] = SCORER) -> list[Decision]:
        """Settle every pane that is due."""
        decisions = []
        while (job := self.judge.next_tick()) is not None:
            self.settled.append(self.judge.settle(job, score(job.texts.batch.lines)))
            self.side_records.append(list(self.settled[-1].side_records))
            decisions += self.settled[-1].decisions
        return decisions

    def advance(self, watermark_ms: int, *, early: bool = True) -> list[Decision]:
        """Advance both sources to a watermark."""
        decisions = self.count(0, watermark_ms=watermark_ms, early=early)
        return decisions + self.count(0, watermark_ms=watermark_ms, source=1, early=early)

    @property
    def counted_authors(self) -> dict[int, int]:
        """Authors of the only tag in the shortest window, by settled tick."""
        counted = {}
        for one in self.settled:
            assert one.evidence is not None
            table = one.evidence.tables[min(one.evidence.tables)]
            counted[one.tick_ms] = int(table.authors.max(initial=0))
        return counted

    @property
    def progress(self) -> Progress:
        found = self.settled[-1].progress
        assert found is not None
        return found

    def recovered_state(
        self,
        judge: ShardJudge,
        decisions: list[Decision] | None = None,
        *,
        after: int | None = None,
        policy: Policy = SUPPRESS,
    ) -> RecoveredState:
        """Return what a judge recovers from after the tick `settled[after]`, with every decision that was written."""
        progress = (self.settled[-1] if after is None else self.settled[after]).progress
        assert progress is not None
        panes = [pane for settled in self.settled for pane in settled.panes if pane.start_ms < progress.settled_ms]
        values = [value for pane in panes for value in encode_pane(pane, 0, self.judge.state.tags)]
        back = assemble(map(decode_pane_record, values), judge.state.tags)
        body = activation(policy).policy
        return RecoveredState(
            self.decisions if decisions is None else decisions,
            replace(progress, activations=[replace(one, policy=body) for one in progress.activations]),
            [pane for pane in back if pane.length_ms == PANE_MS],
            [pane for pane in back if pane.length_ms != PANE_MS],
            [value for values in self.side_records for value in values],
        )

    def successor(
        self, decisions: list[Decision] | None = None, *, after: int | None = None, policy: Policy = SUPPRESS
    ) -> JudgeHarness:
        """Return the next owner, recovered after the tick `settled[after]`."""
        judge = self.new_judge()
        state = self.recovered_state(judge, decisions, after=after, policy=policy)
        judge.state.recover(state)
        assert state.progress is not None
        return JudgeHarness(None, judge=judge, offset=state.progress.position, fact_store=self.fact_store)
