"""`hushtag replay`: run the reference over a file of log lines."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from streams.cli.inputs import load_policy_file
from streams.cli.options import AlwaysJson
from streams.cli.output import cannot_write, json_line
from streams.errors import CallerMistake
from streams.log.decisions import Decision
from streams.log.evidence import EvidenceRecord
from streams.private_files import owner_only
from streams.progress import progress_bar
from streams.settings import load_settings, time_rules

if TYPE_CHECKING:
    from streams.log.lines import LogRecord
    from streams.log.partials import Partial

_RULES, _RECORDS, _OUTPUT = "Policy and model", "Recorded topics", "Output"


def register(app: typer.Typer) -> None:
    """Add `replay` to the command."""
    app.command()(replay)


def replay(
    file: Annotated[str, typer.Argument(help="Log lines or bare payloads, one a line; - reads standard input.")],
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Policy in force from the first tick.", show_default="HUSHTAG_POLICY",
            rich_help_panel=_RULES
        )
    ] = None,
    shards: Annotated[
        int | None,
        typer.Option(
            min=1, max=1024, metavar="NUMBER", help="Number of shards.", show_default="HUSHTAG_SHARDS",
            rich_help_panel=_RULES
        )
    ] = None,
    early: Annotated[
        bool,
        typer.Option(
            "--early", help="Also judge before panes settle, and print provisional decisions.", rich_help_panel=_RULES
        )
    ] = False,
    moderation: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Log lines of the topic moderation. Suspended, withheld and protected accounts count from the log "
            "time of their line, and skipped records are passed over in --partials.",
            rich_help_panel=_RECORDS
        )
    ] = None,
    partials: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Log lines of the topic hashtag-partials. Policies, models, author sketches and stage 2 results count "
            "from the records of each shard. Without it: --policy, one model, stage 1 only, and the sketches of this "
            "run, one minute after their tick.",
            rich_help_panel=_RECORDS
        )
    ] = None,
    model: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Model artefact that was live while --partials was written; may be given several times.",
            show_default=False,
            rich_help_panel=_RECORDS
        )
    ] = None,
    panes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write every minute pane to FILE, one row a line.", rich_help_panel=_OUTPUT)
    ] = None,
    evidence: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the evidence to FILE as log lines, for `hushtag policy impact`.",
            rich_help_panel=_OUTPUT
        )
    ] = None,
    json: AlwaysJson = False,
) -> None:  # fmt: skip
    """Run the whole pipeline single-threaded over a file: settled decisions on stdout, a summary on stderr.

    A log line is {"partition", "offset", "log_time_ms", "key", "value"}. Bare payloads count as partition 0, offset =
    line number, log time = the highest created_at so far. The end of the file settles every pane.
    """
    from streams.cli.panes import as_json  # slow imports: not for `--help`
    from streams.log.lines import read_lines
    from streams.log.partials import corrections_in
    from streams.policy.activation import Activation
    from streams.replay import Replay, received_sketches, skipped_spans
    from streams.scoring import load_text_scorer

    settings = load_settings()
    people = _moderation(moderation) if moderation else ()
    log = _partials(partials, people) if partials else None
    number = shards or settings.shards
    with _open(file) as source, ExitStack() as files:
        rules = load_policy_file(policy or settings.policy)
        scorer, others = load_text_scorer(settings.model), [load_text_scorer(path) for path in model or ()]
        partitions = _partitions(source)
        # Output files come last: an input that cannot be replayed must not empty the files of an earlier run.
        created = {path: files.enter_context(_create(path)) for path in (evidence, panes) if path}
        for path, output in created.items():
            if path.is_file():
                output.truncate(0)
        kept, rows = (created[path] if path else None for path in (evidence, panes))
        run = Replay(
            partitions,
            rules,
            scorer,
            shards=number,
            times=time_rules(settings),
            hash_key=settings.hash_key.get_secret_value().encode(),
            early=early,
            flush_ms=settings.flush_ms,
            moderation=people,
            corrections=[correction for records in (log or {}).values() for correction in corrections_in(records)],
            sketches=None if log is None else {shard: received_sketches(records) for shard, records in log.items()},
            activations=[
                record for records in (log or {}).values() for record in records if isinstance(record, Activation)
            ],
            skipped={shard: skipped_spans(records, shard, number) for shard, records in (log or {}).items()},
            models=others,
            keep_evidence=None if kept is None else _evidence_writer(kept),
        )
        source.seek(0)
        out = sys.stdout.buffer
        for result in run.run(read_lines(_with_progress(source))):
            if isinstance(result, Decision):
                out.write(json_line(result))
            elif rows is not None:
                rows.write(json_line(as_json(result)))
        out.flush()
    counts = run.counts
    print(
        f"{counts.records} records, {counts.tweets} tweets, {counts.uses} hashtag uses, {counts.duplicates} duplicates,"
        f" {counts.clamped} clamped, {counts.too_old} too old, {len(counts.dead_letters)} dead letters,"
        f" {sum(counts.retractions.values())} retractions,"
        f" {counts.settled_ticks} settled ticks; policy {rules.revision}",
        file=sys.stderr,
    )


def _moderation(path: Path) -> list[LogRecord]:
    """Read a dump of the moderation topic, in order of offset."""
    from streams.log.lines import read_lines

    with _open(str(path)) as file:
        records = sorted(read_lines(file), key=lambda record: record.offset)
    if any(record.key is None for record in records):
        raise CallerMistake(
            f"{path} is not a dump of the moderation topic: its records have no keys", fix="hushtag dump moderation"
        )
    return records


def _partials(path: Path, people: Iterable[LogRecord]) -> dict[int, list[Partial | None]]:
    """Read a dump of hashtag-partials: the records of each shard, in order of offset, None for a skipped one."""
    from streams.log.lines import read_lines
    from streams.log.shard_log import read_shard_log
    from streams.log.skips import SkipIndex
    from streams.log.unreadable import UnreadableRecord

    skips = SkipIndex()
    for record in people:
        skips.apply_raw(record.key, record.value)
    logs: dict[int, list[LogRecord]] = {}
    with _open(str(path)) as file:
        for record in read_lines(file):
            logs.setdefault(record.partition, []).append(record)
    try:
        return {
            shard: list(read_shard_log(sorted(log, key=lambda record: record.offset), shard, skips))
            for shard, log in logs.items()
        }
    except UnreadableRecord as error:
        raise CallerMistake(
            f"{path}: {error}",
            fix="is it of `hushtag dump hashtag-partials`? Give skipped records with --moderation "
            "(`hushtag dump moderation`)",
        ) from None


def _evidence_writer(file: BinaryIO) -> Callable[[EvidenceRecord], object]:
    """Return a writer of records in the format of `hushtag dump hashtag-evidence`."""
    from streams.cli.dump import as_log_line
    from streams.log.evidence import encode_evidence_record
    from streams.log.lines import LogRecord

    offsets: Counter[int] = Counter()

    def write(record: EvidenceRecord) -> None:
        value = encode_evidence_record(record)
        line = as_log_line(LogRecord(record.shard, offsets[record.shard], record.tick_ms, None, value))
        offsets[record.shard] += 1
        file.write(json_line(line))

    return write


def _open(file: str) -> BinaryIO:
    if file == "-":
        spool = tempfile.TemporaryFile()  # noqa: SIM115 - read twice, closed with the process
        for chunk in iter(lambda: sys.stdin.buffer.read(1 << 20), b""):
            spool.write(chunk)
        spool.seek(0)
        return spool
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise CallerMistake(
            f"cannot read {file}: {error.strerror}", fix="`hushtag dump` and `hushtag simulate` write log lines"
        ) from error


def _create(path: Path) -> BinaryIO:
    try:
        return open(
            path, "ab", opener=owner_only
        )  # append: both files are known to be writable before either is emptied
    except OSError as error:
        raise cannot_write(path, error) from error


def _partitions(source: BinaryIO) -> set[int]:
    """Return the source partitions that the lines name: a tick settles when all have passed it."""
    from streams.log.lines import read_lines

    return {record.partition for record in read_lines(source)} or {0}


def _with_progress(source: BinaryIO) -> Iterator[bytes]:
    size = source.seek(0, 2)
    source.seek(0)
    with progress_bar("replay") as bar:
        task = bar.add_task("replay", total=size)
        done = 0
        for number, line in enumerate(source):
            done += len(line)
            if not number % 10_000:
                bar.update(task, completed=done)
            yield line
