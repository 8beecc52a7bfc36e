"""`hushtag replay`: the reference over a file of log lines."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from streams.cli.files import load_policy_file
from streams.errors import CallerMistake
from streams.log.decisions import Decision
from streams.log.evidence import EvidenceRecord
from streams.settings import load_settings, time_rules

if TYPE_CHECKING:
    from streams.log.partials import Partial
    from streams.replay import Record

_encode = msgspec.json.Encoder().encode


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(replay)


def replay(
    file: Annotated[str, typer.Argument(help="Log lines or bare payloads, one a line; - reads standard input.")],
    policy: Annotated[
        Path | None, typer.Option(help="Policy in force from the first tick; default: HUSHTAG_POLICY.")
    ] = None,
    panes: Annotated[Path | None, typer.Option(help="Write every minute pane here, one row a line.")] = None,
    moderation: Annotated[
        Path | None,
        typer.Option(
            help="Log lines of the moderation topic: suspended, withheld and protected accounts count from each line's "
            "log time as in the pipeline."
        ),
    ] = None,
    heard: Annotated[
        Path | None,
        typer.Option(
            help="Log lines of hashtag-partials: policies, models, author sketches and what stage 2 found count from "
            "when its shards heard of them. Default: --policy, one model, stage 1 alone, and this run's own sketches, "
            "a minute after their tick."
        ),
    ] = None,
    model: Annotated[
        list[Path] | None,
        typer.Option(help="An artefact that was live while --heard was written; several times for several."),
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option(help="Write the evidence here, as log lines: `hushtag policy impact` reads them.")
    ] = None,
    shards: Annotated[int | None, typer.Option(min=1, max=1024, help="Default: HUSHTAG_SHARDS.")] = None,
    early: Annotated[
        bool, typer.Option(help="Also look before panes settle; provisional decisions are printed too.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line; decisions always are.")] = False,
) -> None:
    """Run the whole pipeline single-threaded over a file: settled decisions on stdout, a summary on stderr.

    A log line is {"partition", "offset", "log_time_ms", "key", "value"}. Bare payloads are taken as partition 0,
    offset = line, log time = the highest created_at so far. The end of the file settles all.
    """
    from streams.cli.panes import as_json  # these take a second to load: not for `--help`
    from streams.judging.side_inputs.author_sketches import heard_in
    from streams.log.partials import corrections_in
    from streams.policy.activation import Activation
    from streams.replay import Replay, read_lines
    from streams.scoring import load_text_scorer

    settings = load_settings()
    people = _moderation(moderation) if moderation else ()
    log = _partials(heard) if heard else None
    with _open(file) as source, ExitStack() as files:
        rules = load_policy_file(policy or settings.policy)
        scorer, others = load_text_scorer(settings.model), [load_text_scorer(path) for path in model or ()]
        partitions = _partitions(source)
        # Last, when all that is given has been read: what cannot be replayed must not cost an earlier run's files.
        created = {path: files.enter_context(_create(path)) for path in (evidence, panes) if path}
        for path, one in created.items():
            if path.is_file():
                one.truncate(0)
        kept, rows = (created[path] if path else None for path in (evidence, panes))
        run = Replay(
            partitions,
            rules,
            scorer,
            shards=shards or settings.shards,
            times=time_rules(settings),
            hash_key=settings.hash_key.get_secret_value().encode(),
            early=early,
            flush_ms=settings.flush_ms,
            moderation=people,
            corrections=[one for records in (log or {}).values() for one in corrections_in(records)],
            heard=None if log is None else {shard: heard_in(records) for shard, records in log.items()},
            activations=[one for records in (log or {}).values() for one in records if isinstance(one, Activation)],
            models=others,
            keep_evidence=None if kept is None else _evidence_writer(kept),
        )
        source.seek(0)
        out = sys.stdout.buffer
        for said in run.run(read_lines(_with_progress(source))):
            if isinstance(said, Decision):
                out.write(_encode(said) + b"\n")
            elif rows is not None:
                rows.write(_encode(as_json(said)) + b"\n")
        out.flush()
    counts = run.counts
    print(
        f"{counts.records} records, {counts.tweets} tweets, {counts.uses} hashtag uses, {counts.duplicates} duplicates,"
        f" {counts.clamped} clamped, {counts.too_old} too old, {len(counts.dead_letters)} dead letters,"
        f" {sum(counts.retractions.values())} retractions,"
        f" {counts.settled_ticks} settled ticks; policy {rules.revision}",
        file=sys.stderr,
    )


def _moderation(path: Path) -> list[Record]:
    """The records of a dump, in the order of their offsets."""
    from streams.replay import read_lines

    with _open(str(path)) as file:
        records = sorted(read_lines(file), key=lambda record: record.offset)
    if any(record.key is None for record in records):
        raise CallerMistake(
            f"{path} is no dump of the moderation topic: its records have no keys", fix="hushtag dump moderation"
        )
    return records


def _partials(path: Path) -> dict[int, list[Partial]]:
    """The records of a dump of hashtag-partials by shard, in the order in which its judge read them."""
    from streams.log.partials import readable
    from streams.replay import read_lines

    logs: dict[int, list[Record]] = {}
    with _open(str(path)) as file:
        for record in read_lines(file):
            logs.setdefault(record.partition, []).append(record)
    try:
        return {
            shard: list(readable(one.value or b"" for one in sorted(log, key=lambda one: one.offset)))
            for shard, log in logs.items()
        }
    except msgspec.MsgspecError as error:
        raise CallerMistake(
            f"{path} is no dump of hashtag-partials: {error}", fix="hushtag dump hashtag-partials"
        ) from None


def _evidence_writer(file: BinaryIO) -> Callable[[EvidenceRecord], object]:
    """Writes records as `hushtag dump hashtag-evidence` would."""
    from streams.cli.dump import as_log_line
    from streams.log.evidence import encode_evidence_record
    from streams.replay import Record

    offsets: Counter[int] = Counter()

    def write(record: EvidenceRecord) -> None:
        value = encode_evidence_record(record)
        line = as_log_line(Record(record.shard, offsets[record.shard], record.tick_ms, None, value))
        offsets[record.shard] += 1
        file.write(_encode(line) + b"\n")

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
        return path.open("ab")  # both can be written before either loses what is in it
    except OSError as error:
        raise CallerMistake(
            f"cannot write {path}: {error.strerror}", fix="name a file in a folder that is there"
        ) from error


def _partitions(source: BinaryIO) -> set[int]:
    """The source partitions that the lines name: a tick settles when all have passed it."""
    from streams.replay import read_lines

    return {record.partition for record in read_lines(source)} or {0}


def _with_progress(source: BinaryIO) -> Iterator[bytes]:
    size = source.seek(0, 2)
    source.seek(0)
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("replay"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
        console=console, disable=not console.is_terminal, transient=True,
    )  # fmt: skip
    with bar:
        task = bar.add_task("replay", total=size)
        done = 0
        for number, line in enumerate(source):
            done += len(line)
            if not number % 10_000:
                bar.update(task, completed=done)
            yield line
