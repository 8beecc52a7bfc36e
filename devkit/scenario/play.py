"""Play the story through the services that lawyers and moderators use, and check the effect on the surfaces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from hushtag_client import AsyncFlagsClient

from devkit.scenario.india import AUTHORITY, REDUCED, REFERENCE, OrderStory
from devkit.scenario.verify import PlainCount, disagreements
from moderation.orders.intake import parse_csv
from moderation.orders.letter import letter
from moderation.orders.selection import Selection
from moderation.orders.service import OrderService
from moderation.orders.view import plan_words, ruling_words
from moderation.report import page
from moderation.report.facts import count_facts
from moderation.report.publish import PublishedReport, publish
from moderation.service import ModerationService
from moderation.speakers import registry
from streams.clock import monotonic_seconds, now_ms
from streams.constants import HOUR_MS
from streams.errors import CallerMistake, DependencyAway
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import MODERATION
from streams.orders.records import Outcome
from streams.settings import Settings

SURFACES = ("search", "trends")
_VISIBLE_SECONDS = 20.0
Report = Callable[[str], None]


@dataclass(slots=True)
class StoryResult:
    """Documents and problems of a played story."""

    update: str
    letter: str
    report: PublishedReport
    problems: list[str] = field(default_factory=list)
    """Violated conditions; [] if there are none."""


async def play(story: OrderStory, settings: Settings, report: Report) -> StoryResult:
    """Play the whole story and report each step in a line.

    Raises:
        HushtagError: a part does not answer.
    """
    problems: list[str] = []
    began_ms = now_ms()
    async with AsyncFlagsClient(settings.redis_url) as flags, ModerationService(settings) as log:
        desk = OrderService(log)
        await flags.wait_until_ready(10)
        parsed = registry.parse(story.registry_csv.encode(), "registry.csv")
        plan = await desk.change_registry(
            lambda cases: registry.plan_import(parsed.entries, cases.speakers), actor="policy lead", reason="accredited"
        )
        report(f"the registry of protected speakers has {len(plan.added)} accounts")

        order = await _take_in(story, desk, began_ms, report)
        for state, reason in (("acknowledged", "the order has arrived"), ("under_review", "each target is reviewed")):
            await desk.step(order, state, actor="counsel", reason=reason)  # type: ignore[arg-type]
        report("the order is acknowledged and under review")
        began = monotonic_seconds()
        await _decide(story, desk, order, report)
        problems += await _two_people(story, desk, order, report)
        seconds = monotonic_seconds() - began
        report(f"{len(desk.case(order).rows):,} targets decided in bulk in {seconds:.2f} s")

        await desk.step(
            order, "interim", actor="counsel", reason="while the authority is asked for particulars",
            expires_at_ms=now_ms() + 48 * HOUR_MS,
        )  # fmt: skip
        began = monotonic_seconds()
        await _until(lambda: not _wrong(story, flags))
        problems += _wrong(story, flags)
        report(f"interim for 48 h: every surface applies it after {monotonic_seconds() - began:.2f} s")
        case = await desk.step(order, "final", actor="counsel", reason="no particulars were received")
        await _until(lambda: not _wrong(story, flags))
        problems += _wrong(story, flags)
        report(f"final: {len(story.unlawful)} accounts withheld in IN and visible in US, {len(story.rule_breakers)} "
             f"suspended everywhere, {len(REDUCED)} hashtags out of trends and search in IN")  # fmt: skip

        at_ms = now_ms()
        published = publish(count_facts(log.view, [], began_ms - 24 * HOUR_MS, at_ms + 1, "IN", now_ms=at_ms))
        reply = letter(case, at_ms, sender="The legal response team")
    update = page.update(published)
    problems += disagreements(PlainCount(await _values(settings)), update, reply, published.facts)
    return StoryResult(update, reply, published, problems)


def write(ended: StoryResult, folder: Path, json_text: str) -> list[Path]:
    """Write the update, the letter, and the report as a page and as JSON; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "public-update.txt": ended.update,
        "reply-to-the-authority.txt": ended.letter,
        "transparency-report.html": page.html(ended.report, now_ms()),
        "transparency-report.json": json_text,
    }
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return [folder / name for name in files]


async def _take_in(story: OrderStory, desk: OrderService, now: int, report: Report) -> str:
    began = monotonic_seconds()
    day_ms = 24 * HOUR_MS
    given = {
        "authority": AUTHORITY, "country": "IN", "legal_basis": "IT Act 2000, section 69A", "reference": REFERENCE,
        "issued": _iso(now - day_ms), "received": _iso(now - 2 * HOUR_MS), "deadline": "+48h",
    }  # fmt: skip
    read = parse_csv(story.order_csv.encode(), "order.csv", given, now_ms())
    [plan] = await desk.take_in(read.drafts, actor="intake")
    report(f"intake of the order: {plan_words(plan)} ({monotonic_seconds() - began:.2f} s)")
    for problem in read.problems:
        report(f"  not taken in: {problem}")
    for note in read.notes:
        report(f"  {note}")
    [again] = await desk.take_in(read.drafts, actor="intake")
    report(f"second intake of the same order: {again.fate}, nothing is written")
    return plan.head.id


async def _decide(story: OrderStory, desk: OrderService, order: str, report: Report) -> None:
    rulings: Sequence[tuple[Outcome, str, Selection, str]] = (
        ("declined", "news media, journalists, activists and politicians speak under protection",
         Selection(protected=True), "counsel"),
        ("suspended", "coordinated spam and manipulation", Selection(targets=story.rule_breakers), "trust and safety"),
        ("withheld", "incitement under local law", Selection(targets=story.unlawful), "counsel"),
        ("reduced", "the hashtags incite to violence", Selection(targets=tuple(f"#{tag}" for tag in REDUCED)),
         "trust and safety"),
        ("declined", "criticism that breaks no law and none of our rules", Selection(undecided=True), "counsel"),
    )  # fmt: skip
    for outcome, reason, selection, actor in rulings:
        ground = "not_unlawful" if selection.undecided else None
        decided = await desk.rule(
            order, selection, outcome, actor=actor, reason=reason,
            ground=ground,  # type: ignore[arg-type]
            surfaces=SURFACES,
        )  # fmt: skip
        report(f"  {ruling_words(decided.plan, dry_run=False)}: {reason}")


async def _two_people(story: OrderStory, desk: OrderService, order: str, report: Report) -> list[str]:
    """Let one person alone try to act against a journalist; return the problem if that succeeds."""
    account = next(account for account, category in story.speakers.items() if category == "journalist")
    selection = Selection(targets=(account,))
    try:
        await desk.rule(
            order, selection, "withheld", actor="under pressure", reason="do it now", against_protected=True
        )
        await desk.step(order, "final", actor="under pressure", reason="do it now")
    except CallerMistake as error:
        report(f"  one person tries to withhold a journalist: {str(error).partition(': ')[2]}")
    row = next(row for row in desk.case(order).rows if row.target.value == account)
    alone = row.ruling is None or row.ruling.outcome != "declined"
    await desk.rule(order, selection, "declined", actor="counsel", ground="protected_speech",
                    reason="news media, journalists, activists and politicians speak under protection")  # fmt: skip
    return ["one person alone acted against a protected speaker"] if alone else []


def _wrong(story: OrderStory, flags: AsyncFlagsClient) -> list[str]:
    """List where a surface does not apply the decisions; [] if it applies all."""
    visibility = flags.account_visibility
    checks: list[tuple[str, Iterable[bool]]] = [
        ("withheld in IN", (visibility(a, "IN") == "withheld" for a in story.unlawful)),
        ("visible elsewhere", (visibility(a, where) == "visible" for a in story.unlawful for where in ("US", None))),
        ("suspended everywhere", (visibility(a, w) == "suspended" for a in story.rule_breakers for w in ("IN", "US"))),
        ("unrestricted", (visibility(a, "IN") == "visible" for a in (*story.speakers, *story.lawful))),
        ("hashtags hidden in IN", (_held(flags, tag, surface, "IN") for tag in REDUCED for surface in SURFACES)),
        ("hashtags shown elsewhere", (not _held(flags, tag, s, "US") for tag in REDUCED for s in SURFACES)),
    ]
    return [f"not all are {what}" for what, holds in checks if not all(holds)]


def _held(flags: AsyncFlagsClient, tag: str, surface: str, country: str) -> bool:
    # There are no tweets, so only the order can hide the hashtag; legal flags do not need the pipeline.
    register = flags.check(tag, surface, country).register
    return register is not None and register.source == "legal"


async def _until(holds: Callable[[], bool]) -> None:
    deadline = monotonic_seconds() + _VISIBLE_SECONDS
    while not holds():
        if monotonic_seconds() > deadline:
            return  # the caller checks the surfaces again and reports the problems
        await asyncio.sleep(0.02)


async def _values(settings: Settings) -> list[bytes]:
    found: list[bytes] = []
    async with LogReader(connection(settings), settings.topic(MODERATION)) as reader:
        async for batch in reader.to_end({0: None}):
            found += [record.value for record in batch]
    if not found:
        raise DependencyAway("the moderation topic is empty")
    return found


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
