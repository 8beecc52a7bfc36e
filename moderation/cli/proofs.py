"""Commands `hushtag proof verify`, `report` and `log`: they read files and keys, and no settings."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from moderation.cli.options import Json
from moderation.publiclog.proofs.answers import Answer, entry_lines, log_lines, report_lines
from moderation.publiclog.proofs.published_log import published_files
from moderation.publiclog.proofs.verify_proof import (
    Refused,
    lines_of,
    read_keys,
    verify_log,
    verify_report,
    verify_statement,
)
from moderation.publiclog.tlog.errors import ProofCode, ProofError
from streams.errors import CallerMistake

_FIXES = {
    "malformed": "get the file again from its publisher; do not edit it",
    "wrong_log": "compare your key with the one that the log's operator announces; give an earlier key too",
    "missing_cosignature": "ask for a file with a cosigned checkpoint: without it, others may be shown another log",
    "rolled_back": "keep both checkpoints as evidence, and ask the publisher",
    "split_view": "keep both checkpoints: together they prove that the log has shown two histories",
    "omitted_entry": "ask the publisher for the whole file; until then rely on none of its numbers",
}
_FIX = "do not rely on this file; ask its publisher for a new one, and keep it as evidence"

File = Annotated[str, typer.Argument(metavar="FILE", help="JSON file; - reads standard input.")]
LogKeys = Annotated[
    list[str],
    typer.Option(
        "--log-key",
        help="Public key of the log, from a source that you trust; repeatable after a change of keys.",
        metavar="KEY",
    ),
]
WitnessKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--witness-key",
        help="Public key of a witness; repeatable. Keys of one name are one witness.",
        metavar="KEY",
        show_default=False,
    ),
]
Quorum = Annotated[
    int | None,
    typer.Option("--quorum", help="Witnesses that must have cosigned.", metavar="N", min=0, show_default="all given"),
]
Seen = Annotated[
    Path | None,
    typer.Option(
        "--seen",
        help="File with the last checkpoint that you saw. It is made if it is missing, and replaced on success.",
        metavar="FILE",
        show_default=False,
    ),
]
Published = Annotated[str, typer.Option("--folder", help="Published log: a folder or a URL.", metavar="DIR|URL")]


def register(app: typer.Typer) -> None:
    """Add the group `proof` to the command."""
    group = typer.Typer(no_args_is_help=True, help="Check published files against the log, as an outsider.")
    group.command("verify")(verify)
    group.command("report")(report)
    group.command("log")(log)
    app.add_typer(group, name="proof")


def verify(
    file: File,
    log_keys: LogKeys,
    witness_keys: WitnessKeys = None,
    quorum: Quorum = None,
    folder: Annotated[
        str | None,
        typer.Option(
            "--folder",
            help="Published log, a folder or a URL: check that it still contains the file's checkpoint.",
            metavar="DIR|URL",
            show_default=False,
        ),
    ] = None,
    seen: Annotated[
        Path | None,
        typer.Option(
            "--seen",
            help="File with the last checkpoint that you saw. With --folder, it is made if it is missing, and "
            "replaced on success.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify that a statement of reasons, or an order's reply, says what the log says.

    Prints the members that the log says nothing about. Exits with 3 if the file differs from the log.
    """
    with _answered(as_json):
        keys = read_keys(log_keys, witness_keys or (), quorum)
        read = None if folder is None else published_files(folder).read
        answer = verify_statement(_content(file), keys, _read_seen(seen), read)
    _finish(answer, seen, entry_lines(answer, keys), as_json)


def report(
    file: File,
    openings: Annotated[
        Path, typer.Option("--openings", help="Openings of the report, also compressed by gzip.", metavar="FILE")
    ],
    folder: Published,
    log_keys: LogKeys,
    witness_keys: WitnessKeys = None,
    quorum: Quorum = None,
    seen: Seen = None,
    publication: Annotated[
        Path | None,
        typer.Option(
            "--publication",
            help="Proof of the report's publication: check that the log has the publication of exactly this file.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify a transparency report: open every entry of the log, and count its numbers again.

    Prints the numbers that cannot be counted again. Exits with 3 if an entry is left out, or a number does not add up.
    """
    with _answered(as_json):
        keys = read_keys(log_keys, witness_keys or (), quorum)
        proof = None if publication is None else _content(str(publication))
        content, read = _content(file), published_files(folder).read
        answer = verify_report(content, lines_of(openings), read, keys, _read_seen(seen), proof)
    _finish(answer, seen, report_lines(answer, keys), as_json)


def log(
    folder: Published,
    log_keys: LogKeys,
    witness_keys: WitnessKeys = None,
    quorum: Quorum = None,
    seen: Seen = None,
    as_json: Json = False,
) -> None:
    """Verify every entry of a published log against its checkpoint, and against the one that you saw before.

    Exits with 3 if an entry was changed, removed or moved.
    """
    with _answered(as_json):
        keys, seen_before = read_keys(log_keys, witness_keys or (), quorum), _read_seen(seen)
        answer = verify_log(published_files(folder).read, keys, seen_before)
    _finish(answer, seen, log_lines(answer, keys, seen_before is not None), as_json)


@contextmanager
def _answered(as_json: bool) -> Iterator[None]:
    """Raise a failed verification as an error of the command, or print it as JSON if that was asked for."""
    try:
        yield
    except Refused as refused:
        what, fix = str(refused), _FIXES.get(refused.code, _FIX)
        if refused.code == "caller_mistake":
            raise CallerMistake(what, fix="give the keys as they are announced, and files that can be read") from None
        code = ProofCode(refused.code)
        error = ProofError(code, f"it does not verify ({code}): {what}", fix, field=refused.field)
        if not as_json:
            raise error from None
        print(json.dumps({"verified": False, "code": code.value, "field": refused.field, "what": what, "fix": fix}))
        raise typer.Exit(error.exit_code) from None


def _finish(answer: Answer, seen: Path | None, lines: list[str], as_json: bool) -> None:
    if seen is not None and "published_checkpoint" in answer:
        _write_seen(seen, answer["published_checkpoint"])
    print(json.dumps({"verified": True, **answer}) if as_json else "\n".join(lines))


def _content(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise CallerMistake(
            f"cannot read {file!r}: {error.strerror}", fix="give the file that was published"
        ) from error


def _read_seen(path: Path | None) -> str | None:
    if path is None:
        return None
    if not path.parent.is_dir():
        raise CallerMistake(f"there is no folder {str(path.parent)!r} for --seen", fix="make the folder first")
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CallerMistake(f"cannot read {str(path)!r}: {error}", fix="give the file of an earlier check") from error


def _write_seen(path: Path, note: str) -> None:
    """Replace the file at once, so that an interrupted check leaves the old one."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name}-", encoding="utf-8", delete=False
        ) as new:
            new.write(note)
            new.flush()
            os.fsync(new.fileno())
        Path(new.name).replace(path)
    except OSError as error:
        raise CallerMistake(
            f"it verifies, but {str(path)!r} cannot be written: {error.strerror}", fix="give a file that you may write"
        ) from error
