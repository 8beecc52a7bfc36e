"""Documents of the played story, made from the log and compared with the independent count."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devkit.scenario import sentences
from devkit.scenario.evidence_files import PUBLISHED, write_published
from devkit.scenario.log_count import DatedValue, LogCount
from devkit.scenario.verify import NumberCheck, page_text
from moderation.domain.cases.agreement import quality_of
from moderation.domain.orders.letter import letter
from moderation.domain.orders.target_states import target_states
from moderation.outward.report import page
from moderation.outward.report.export import as_csv
from moderation.outward.report.facts import count_facts
from moderation.outward.report.openings import OPENINGS, OpeningsFile
from moderation.outward.report.prepared_report import PAGE, TABLE, UPDATE, Period
from moderation.outward.report.published_report import PublishedReport, publish
from moderation.outward.report.report_inputs import read_moderation, read_report
from moderation.outward.report.texts_read import texts_read
from moderation.outward.report.update import update
from streams.errors import DependencyAway
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Decision, LanguageCoverage
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import DECISIONS, MODERATION
from streams.settings import Settings

SENDER = "The legal response team"


@dataclass(slots=True)
class Publications:
    """Documents as a platform would publish them."""

    report: PublishedReport
    """Report on India; its numbers are those of the update, the page and the table."""
    world: PublishedReport
    """Report on all countries, with appeals and languages; a platform publishes one of the two."""
    update: str
    letters: dict[str, str] = field(default_factory=dict)
    """Letters to the authority, by order."""
    page: str = ""
    table: str = ""
    openings: OpeningsFile | None = None
    """Openings of the report on India; None without a public log."""
    statement: str = ""
    """Statement of reasons with its proof, as JSON; "" without a public log."""
    published: dict[str, bytes] = field(default_factory=dict)
    """Content of each file of the published log."""
    keys: list[str] = field(default_factory=list)
    """Options of `hushtag proof` with the public keys of log and witnesses."""

    def write(self, folder: Path) -> list[Path]:
        """Write all documents to a folder; return their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        files = {
            "public-update.txt": self.update,
            "transparency-report.html": self.page,
            "transparency-report.json": json.dumps(self.report.facts, indent=1) + "\n",
            "transparency-report.csv": self.table,
        }
        files |= {f"reply-{number}.txt": text for number, text in enumerate(self.letters.values(), start=1)}
        if self.statement:
            files |= {"statement.json": self.statement, "keys.txt": "\n".join(self.keys) + "\n"}
            write_published(folder / PUBLISHED, self.published)
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
        if self.openings is not None:
            self.openings.copy_to(folder / OPENINGS)
        return [folder / name for name in files] + ([folder / OPENINGS] if self.openings is not None else [])


async def publish_story(settings: Settings, from_ms: int, to_ms: int) -> tuple[Publications, NumberCheck]:
    """Make the documents about [from_ms, to_ms), and compare every number in them with the raw log.

    The public log must be published up to the last record.
    """
    india = await read_report(settings, Period(from_ms, to_ms, "IN"))
    world = await read_report(settings, Period(from_ms, to_ms))
    people = await read_moderation(settings)
    if india.openings is None:
        raise DependencyAway(f"the report was made without the public log: {india.unread}")
    text = {name: content.decode() for name, content in india.files().items()}
    publications = Publications(india.published, world.published, text[UPDATE], page=text[PAGE], table=text[TABLE])
    publications.openings = india.openings
    _write_letters(publications, people, india.at_ms)
    return publications, verified(
        publications, await _dated_values(settings, MODERATION), await _dated_values(settings, DECISIONS)
    )


def documents(
    people: OverrideHistory,
    decisions: Sequence[Decision],
    coverage: Sequence[LanguageCoverage],
    from_ms: int,
    to_ms: int,
    at_ms: int,
) -> Publications:
    """Make the documents about [from_ms, to_ms) as of `at_ms` with the code that a platform runs."""
    period = from_ms, to_ms
    india = publish(count_facts(people, decisions, *period, "IN", now_ms=at_ms))
    everywhere = count_facts(people, decisions, *period, now_ms=at_ms)
    world = publish(everywhere, quality_of(people, *period), texts_read(coverage))
    publications = Publications(india, world, update(india), page=page.html(india, at_ms), table=as_csv(india))
    _write_letters(publications, people, at_ms)
    return publications


def _write_letters(publications: Publications, people: OverrideHistory, at_ms: int) -> None:
    states = target_states(people.fold, at_ms)
    for order in people.fold.orders.by_id.values():
        publications.letters[order.id] = letter(order, states, sender=SENDER)


def verified(
    publications: Publications, moderation: Sequence[DatedValue], decided: Sequence[DatedValue]
) -> NumberCheck:
    """Compare every number in the documents with an independent count of the two logs."""
    facts = publications.report.facts
    from_ms, to_ms, at_ms = facts["from_ms"], facts["to_ms"], facts["as_of_ms"]
    count = LogCount(moderation, decided)
    expected = count.facts(from_ms, to_ms, "IN", at_ms) | {"log": facts["log"]}
    check = NumberCheck()
    check.facts("the report on India", facts, expected)
    world = publications.world.facts
    check.facts("the report on all countries", world, count.facts(from_ms, to_ms, None, world["as_of_ms"]))
    check.table("the table", publications.table, facts)
    check.text("the update", publications.update, sentences.of_update(expected))
    check.text("the page", page_text(publications.page), sentences.of_page(expected))
    for order, text in publications.letters.items():
        body, _, annex = text.partition("Annex: ")
        counted, where = count.orders.letter(order, at_ms), f"the letter on {order}"
        check.text(where, body, sentences.of_letter(counted))
        check.compare(where, "targets in the annex", max(0, len(annex.splitlines()) - 1), counted["annex"])
    return check


async def _dated_values(settings: Settings, topic: str) -> list[DatedValue]:
    dated_values: list[DatedValue] = []
    async with LogReader(connection(settings), settings.topic(topic)) as reader:
        async for batch in reader.to_end(dict.fromkeys(reader.partitions)):
            dated_values += [(record.value, record.timestamp) for record in batch if record.value]
    if not dated_values:
        raise DependencyAway(f"the topic {topic} is empty")
    return dated_values
