"""Play the story through the services that lawyers and moderators use, and check the effect on the surfaces."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from hushtag_client import AsyncFlagsClient

from devkit.scenario import hashtags, languages
from devkit.scenario.evidence_files import published_files
from devkit.scenario.india import AUTHORITY, CRITICAL, REDUCED, REFERENCE, RELEASED, SECOND, THIRD, OrderStory
from devkit.scenario.outsider import OutsiderResult, ask_third_party
from devkit.scenario.public_log import StoryLog
from devkit.scenario.publications import Publications, publish_story
from devkit.scenario.surfaces import SURFACES, ExpectedEffect, until_applied
from moderation.domain.orders.intake import parse_csv
from moderation.domain.orders.selection import Selection
from moderation.domain.orders.service import OrderService
from moderation.domain.orders.view import plan_words, ruling_words
from moderation.domain.restrictions.collection import order_restrictions
from moderation.domain.speakers import registry
from moderation.log.drafts import End, UndoDraft
from moderation.log.producer import DeadlineProducer
from moderation.log.service import ModerationService
from moderation.outward.report.openings import OPENINGS
from streams.clock import monotonic_seconds, now_ms
from streams.constants import DAY_MS, HOUR_MS
from streams.errors import CallerMistake, DependencyAway
from streams.log.decisions import encode_record
from streams.log.reading import connection
from streams.log.topic_specs import DECISIONS
from streams.naming import tag_of
from streams.orders.records import Outcome
from streams.settings import Settings

INTERIM_MS = 5_000
"""Life of the interim decision that ends within the story."""
STATED = "HateWave13"
"""Hashtag whose statement goes to the third party: the pipeline alone holds it back."""
_COMMAND_SECONDS = 60
_UNLAWFUL = "incitement under local law"
_LAWFUL = "criticism that breaks no law and none of our rules"
_SPEECH = "news media, journalists, activists and politicians speak under protection"
Report = Callable[[str], None]


@dataclass(slots=True)
class StoryResult:
    """Documents and problems of a played story."""

    documents: Publications
    checked: int
    """Number of published numbers that were compared with the log."""
    problems: list[str] = field(default_factory=list)
    """Violated conditions; [] if there are none."""
    outsider: OutsiderResult = field(default_factory=OutsiderResult)


@dataclass(slots=True)
class _Stage:
    """Services of the story, and the state that surfaces must show."""

    story: OrderStory
    desk: OrderService
    flags: AsyncFlagsClient
    report: Report
    expected: ExpectedEffect
    problems: list[str] = field(default_factory=list)

    async def shows(self, what: str, *, withheld: set[str], reduced: Sequence[str]) -> None:
        """Wait until a surface shows a state, and report how long it took."""
        suspended = frozenset(self.story.rule_breakers)
        expected = ExpectedEffect(
            self.expected.accounts, suspended, frozenset(withheld) - suspended, frozenset(reduced), self.expected.tags
        )
        seconds, wrong = await until_applied(self.flags, expected)
        self.problems += [f"{what}: {problem}" for problem in wrong]
        self.report(f"{what}: every surface applies it after {seconds:.2f} s")


async def play(story: OrderStory, settings: Settings, report: Report, log: StoryLog) -> StoryResult:
    """Play the whole story and report each step in a line.

    Args:
        story: the orders.
        settings: addresses and topic names.
        report: receives the lines.
        log: public log of the story, whose witnesses run.

    Raises:
        HushtagError: a part does not answer.
    """
    began_ms = now_ms()
    later = (*story.second.withheld, *story.second.declined, *story.third.withheld, *story.third.declined)
    accounts = tuple(dict.fromkeys((*story.speakers, *story.rule_breakers, *story.unlawful, *story.lawful, *later)))
    async with AsyncFlagsClient(settings.redis_url) as flags, ModerationService(settings) as service:
        desk = OrderService(service)
        await flags.wait_until_ready(10)
        stage = _Stage(story, desk, flags, report, ExpectedEffect(accounts, tags=(*REDUCED, *CRITICAL)))
        parsed = registry.parse(story.registry_csv.encode(), "registry.csv")
        plan = await desk.change_registry(
            lambda cases: registry.plan_import(parsed.entries, cases.speakers), actor="policy lead", reason="accredited"
        )
        report(f"the registry of protected speakers has {len(plan.added)} accounts")
        first = await _first_order(stage, began_ms)
        await asyncio.to_thread(log.publish)
        earlier = published_files(log.folder)
        report("the public log is published, cosigned by two witnesses; a third party sees its checkpoint")
        third = await _interim_order(stage, began_ms)
        second = await _second_order(stage, began_ms)
        await _revoke_first(stage, first)
        released = await _appeal(stage, second)
        await _interim_ends(stage, third)
        await stage.shows(
            "all of it together",
            withheld=set(story.second.withheld) - released,
            reduced=story.second.reduced,
        )
        await _hold_back_hashtags(service, settings, report)
    await asyncio.to_thread(log.publish)
    days = (began_ms - 24 * HOUR_MS) // DAY_MS, now_ms() // DAY_MS + 1
    documents, check = await publish_story(settings, *(day * DAY_MS for day in days))
    documents.statement = (await _command("statement", STATED, "--country", "IN", "--json")).splitlines()[0] + "\n"
    documents.published, documents.keys = published_files(log.folder), log.key_options()
    outsider = await asyncio.to_thread(_third_party, log, earlier, documents)
    return StoryResult(documents, check.checked, [*stage.problems, *check.problems, *outsider.problems], outsider)


def _third_party(log: StoryLog, earlier: Mapping[str, bytes], documents: Publications) -> OutsiderResult:
    with tempfile.TemporaryDirectory() as folder:
        openings = Path(folder) / OPENINGS
        if documents.openings is not None:
            documents.openings.copy_to(openings)
        return ask_third_party(log, earlier, json.loads(documents.statement), documents.report.facts, openings)


async def _first_order(stage: _Stage, now: int) -> str:
    story, desk, report = stage.story, stage.desk, stage.report
    order = await _take_in(stage, story.order_csv, REFERENCE, now)
    began = monotonic_seconds()
    await _rule(stage, order, [
        ("declined", _SPEECH, Selection(protected=True), "counsel"),
        ("suspended", "coordinated spam and manipulation", Selection(targets=story.rule_breakers), "trust and safety"),
        ("withheld", _UNLAWFUL, Selection(targets=story.unlawful), "counsel"),
        ("reduced", "the hashtags incite to violence", Selection(targets=tuple(f"#{tag}" for tag in REDUCED)),
         "trust and safety"),
        ("declined", _LAWFUL, Selection(undecided=True), "counsel"),
    ])  # fmt: skip
    await _two_people(stage, order)
    report(f"{len(desk.get(order).rows):,} targets decided in bulk in {monotonic_seconds() - began:.2f} s")
    await desk.step(
        order, "interim", actor="counsel", reason="while the authority is asked for particulars",
        end=End(lasts_ms=48 * HOUR_MS),
    )  # fmt: skip
    await stage.shows("interim for 48 h", withheld=set(story.unlawful), reduced=REDUCED)
    await desk.step(order, "final", actor="counsel", reason="no particulars were received")
    await stage.shows("final", withheld=set(story.unlawful), reduced=REDUCED)
    return order


async def _interim_order(stage: _Stage, now: int) -> str:
    order = await _take_in(stage, stage.story.third.csv, THIRD, now)
    await _rule(stage, order, [
        ("withheld", _UNLAWFUL, Selection(targets=stage.story.third.withheld), "counsel"),
        ("declined", _LAWFUL, Selection(undecided=True), "counsel"),
    ])  # fmt: skip
    await stage.desk.step(
        order, "interim", actor="counsel", reason="until the court rules",
        end=End(lasts_ms=INTERIM_MS),
    )  # fmt: skip
    withheld = {*stage.story.unlawful, *stage.story.third.withheld}
    await stage.shows(f"a third order, interim for {INTERIM_MS // 1000} s", withheld=withheld, reduced=REDUCED)
    return order


async def _second_order(stage: _Stage, now: int) -> str:
    """Take in an order of the same country that names 100 of the same accounts, and make it final."""
    second = stage.story.second
    order = await _take_in(stage, second.csv, SECOND, now)
    await _rule(stage, order, [
        ("withheld", _UNLAWFUL, Selection(targets=second.withheld), "counsel"),
        ("reduced", "the hashtags incite to violence", Selection(targets=tuple(f"#{name}" for name in second.reduced)),
         "counsel"),
        ("declined", _LAWFUL, Selection(undecided=True), "counsel"),
    ])  # fmt: skip
    await stage.desk.step(order, "final", actor="counsel", reason="all targets are decided")
    return order


async def _revoke_first(stage: _Stage, first: str) -> None:
    await stage.desk.step(first, "revoked", actor="counsel", reason="set aside by the court")
    stage.report("the court sets the first order aside; the second one stays")


async def _appeal(stage: _Stage, second: str) -> set[str]:
    """Release an account by appeal and the others like it by a new ruling; return them all."""
    named_once = stage.story.second.withheld[-RELEASED:]
    order = stage.desk.get(second)
    row = next(row for row in order.rows if row.target.value == named_once[0])
    [restriction] = order_restrictions(order, now_ms(), [row])
    filed = await _command(
        "appeal", "file", restriction.reference, "--reason", "I quoted the speech", "--actor", "case system", "--json"
    )
    await _command(
        "appeal", "decide", json.loads(filed)["id"], "overturn", "--reason", "a quotation", "--actor", "appeals lead"
    )
    await stage.desk.refresh()
    others = Selection(targets=named_once[1:])
    await stage.desk.rule(
        second, others, "declined", actor="appeals lead", reason="the same quotation", ground="not_unlawful"
    )
    stage.report(f"one account is released by appeal, {len(named_once) - 1} by a new ruling")
    return set(named_once)


async def _interim_ends(stage: _Stage, third: str) -> None:
    remaining_ms = stage.desk.get(third).expires_at_ms - now_ms()
    if remaining_ms > 0:
        await asyncio.sleep(remaining_ms / 1000)
    stage.report("the interim decision on the third order has ended")


async def _hold_back_hashtags(log: ModerationService, settings: Settings, report: Report) -> None:
    """Write decisions of people and of the pipeline about hashtags, without tweets."""
    at_ms = now_ms()
    drafts = hashtags.before(SURFACES, at_ms)
    await log.override(drafts)
    await log.undo(UndoDraft(tag_of(hashtags.UNDONE), "IN", None, "second moderator", "it is a football match"))
    decided = hashtags.decisions(SURFACES, now_ms())
    counted = [(encode_record(record), b"coverage") for record in languages.coverage(at_ms)]
    producer = DeadlineProducer(connection(settings), settings.topic(DECISIONS), 10.0)
    try:
        await asyncio.to_thread(
            producer.send, [*((encode_record(decision), decision.hashtag.encode()) for decision in decided), *counted]
        )
    finally:
        await asyncio.to_thread(producer.close)
    await asyncio.sleep(max(0, max(decision.decided_at_ms for decision in decided) - now_ms() + 1) / 1000)
    blocks = hashtags.after(SURFACES, at_ms)
    await log.override(blocks)
    report(f"{len(drafts) + len(blocks)} decisions of people and {len(decided)} of the pipeline about hashtags")


async def _take_in(stage: _Stage, order_csv: str, reference: str, now: int) -> str:
    desk, report = stage.desk, stage.report
    began = monotonic_seconds()
    head_fields = {
        "authority": AUTHORITY, "country": "IN", "legal_basis": "IT Act 2000, section 69A", "reference": reference,
        "issued": _iso(now - 24 * HOUR_MS), "received": _iso(now - 2 * HOUR_MS), "deadline": "+48h",
    }  # fmt: skip
    read = parse_csv(order_csv.encode(), "order.csv", head_fields, now_ms())
    [plan] = await desk.take_in(read.drafts, actor="intake")
    report(f"intake of the order: {plan_words(plan)} ({monotonic_seconds() - began:.2f} s)")
    for problem in read.problems:
        report(f"  not taken in: {problem}")
    for note in read.notes:
        report(f"  {note}")
    [again] = await desk.take_in(read.drafts, actor="intake")
    report(f"second intake of the same order: {again.fate}, nothing is written")
    order = plan.head.id
    for state, reason in (("acknowledged", "the order has arrived"), ("under_review", "each target is reviewed")):
        await desk.step(order, state, actor="counsel", reason=reason)  # type: ignore[arg-type]
    report("the order is acknowledged and under review")
    return order


async def _rule(stage: _Stage, order: str, rulings: Sequence[tuple[Outcome, str, Selection, str]]) -> None:
    for outcome, reason, selection, actor in rulings:
        decided = await stage.desk.rule(
            order, selection, outcome, actor=actor, reason=reason,
            ground="not_unlawful" if selection.undecided else None,
            surfaces=SURFACES,
        )  # fmt: skip
        stage.report(f"  {ruling_words(decided.plan, dry_run=False)}: {reason}")


async def _two_people(stage: _Stage, order: str) -> None:
    """Let one person alone try to act against a journalist; note a problem if that succeeds."""
    desk = stage.desk
    account = next(account for account, category in stage.story.speakers.items() if category == "journalist")
    selection = Selection(targets=(account,))
    try:
        await desk.rule(
            order, selection, "withheld", actor="under pressure", reason="do it now", against_protected=True
        )
        await desk.step(order, "final", actor="under pressure", reason="do it now")
    except CallerMistake as error:
        stage.report(f"  one person tries to withhold a journalist: {str(error).partition(': ')[2]}")
    row = next(row for row in desk.get(order).rows if row.target.value == account)
    if row.ruling is None or row.ruling.outcome != "declined":
        stage.problems.append("one person alone acted against a protected speaker")
    await desk.rule(order, selection, "declined", actor="counsel", ground="protected_speech", reason=_SPEECH)


async def _command(*words: str) -> str:
    """Run a `hushtag` command as its user would; return its output.

    Raises:
        DependencyAway: it fails.
    """
    program = [sys.executable, "-m", "streams.cli.main", *words]
    ran = await asyncio.to_thread(
        subprocess.run, program, capture_output=True, text=True, check=False, timeout=_COMMAND_SECONDS
    )
    if ran.returncode:
        raise DependencyAway(f"hushtag {' '.join(words[:2])} ended with {ran.returncode}: {ran.stderr.strip()[-300:]}")
    return ran.stdout


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
