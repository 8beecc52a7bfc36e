"""Commands `hushtag proof verify`, `report` and `log`: they read files and keys, and no settings."""

from __future__ import annotations

import gzip
import json
import os
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from moderation.audit.tlog.errors import ProofError
from moderation.options import Json
from moderation.proofs.answers import entry_lines, head_lines, report_lines
from moderation.proofs.history import check_extends, check_not_newer, head_of, read_seen
from moderation.proofs.published import published_log
from moderation.proofs.reading import read_json
from moderation.proofs.report import verify_report_with
from moderation.proofs.statement import verify_statement_with
from moderation.proofs.trust import trust_of
from moderation.proofs.whole import RootsAt, check_roots, entries_of
from streams.errors import CallerMistake

_GZIP = b"\x1f\x8b"

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
    """Verify that a statement of reasons, or an order's reply, is in the log as it is shown.

    Exits with 3 if it is not.
    """
    trust = trust_of(log_keys, witness_keys or (), quorum)
    content = _content(file)
    with _answered(as_json):
        known = None if seen is None else _read_seen(seen)
        earlier = None if known is None else read_seen(known, trust)
        verified = verify_statement_with(read_json(content), trust)
        head = None
        if folder is not None:
            published = published_log(folder)
            head = head_of(published, trust)
            for one in (verified.checkpoint, *([] if earlier is None else [earlier])):
                check_extends(published, head.checkpoint, one)
        elif earlier is not None:
            check_not_newer(verified.checkpoint, earlier)
    if seen is not None and head is not None:
        _write_seen(seen, head.note)
    _print(verified.as_dict(), lambda: entry_lines(verified, trust, head), as_json)


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
    as_json: Json = False,
) -> None:
    """Verify a transparency report: open every entry of the log, and count its numbers again.

    Exits with 3 if an entry is left out, or a number does not add up.
    """
    trust = trust_of(log_keys, witness_keys or (), quorum)
    content, published = _content(file), published_log(folder)
    with _answered(as_json), _lines(openings) as lines:
        known = None if seen is None else _read_seen(seen)
        verified = verify_report_with(read_json(content), lines, published, trust, known)
    if seen is not None:
        _write_seen(seen, verified.head.note)
    _print(verified.as_dict(), lambda: report_lines(verified, trust), as_json)


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
    trust = trust_of(log_keys, witness_keys or (), quorum)
    published = published_log(folder)
    with _answered(as_json):
        known = None if seen is None else _read_seen(seen)
        earlier = [] if known is None else [read_seen(known, trust)]
        head = head_of(published, trust)
        roots = RootsAt([head.checkpoint.size, *(one.size for one in earlier)])
        for _ in entries_of(published, head.checkpoint, roots):
            pass
        check_roots(roots.found, head.checkpoint, earlier)
    if seen is not None:
        _write_seen(seen, head.note)
    answer = {
        "log": head.checkpoint.origin,
        "size": head.checkpoint.size,
        "cosigned_by": [one.witness for one in head.cosigned_by],
    }
    _print(answer, lambda: head_lines(head, trust, bool(earlier)), as_json)


@contextmanager
def _answered(as_json: bool) -> Iterator[None]:
    """Print a failed verification as JSON if that was asked for; name its code in any case."""
    try:
        yield
    except ProofError as error:
        if not as_json:
            raise ProofError(
                error.code, f"it does not verify ({error.code}): {error}", error.fix, field=error.field
            ) from error
        print(
            json.dumps(
                {
                    "verified": False,
                    "code": error.code.value,
                    "field": error.field,
                    "what": str(error),
                    "fix": error.fix,
                }
            )
        )
        raise typer.Exit(error.exit_code) from error


def _print(answer: dict[str, Any], lines: Callable[[], list[str]], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"verified": True, **answer}))
    else:
        print("\n".join(lines()))


def _content(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise CallerMistake(
            f"cannot read {file!r}: {error.strerror}", fix="give the file that was published"
        ) from error


@contextmanager
def _lines(path: Path) -> Iterator[Iterable[bytes]]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise CallerMistake(f"cannot read {str(path)!r}: {error.strerror}", fix="give the report's openings") from error
    with file:
        packed = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        if not packed:
            yield _readable(file, path)
            return
        with gzip.GzipFile(fileobj=file) as unpacked:
            yield _readable(unpacked, path)


def _readable(lines: Iterable[bytes], path: Path) -> Iterator[bytes]:
    try:
        yield from lines
    except (OSError, EOFError, zlib.error) as error:
        raise CallerMistake(f"cannot read {str(path)!r}: {error}", fix="get the file of openings again") from error


def _read_seen(path: Path) -> str | None:
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
