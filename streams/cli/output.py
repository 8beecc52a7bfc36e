"""Output of commands: JSON on standard output, notes on standard error, and files."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from streams.console import PlainConsole
from streams.errors import HushtagError, file_error
from streams.private_files import owner_only

errors = PlainConsole(stderr=True, soft_wrap=True)
_encode = msgspec.json.Encoder().encode


def json_line(value: Any) -> bytes:
    """Encode a value as one line of JSON."""
    return _encode(value) + b"\n"


def print_json(*values: Any) -> None:
    """Print each value as one line of JSON, and flush, so that a reader at the other end of a pipe gets it at once."""
    sys.stdout.flush()
    sys.stdout.buffer.writelines(map(json_line, values))
    sys.stdout.buffer.flush()


def quieten() -> None:
    """Silence the Kafka libraries, which log each attempt; our own error reports the failure once."""
    for library in ("aiokafka", "kafka"):
        logging.getLogger(library).setLevel(logging.CRITICAL)


def in_utc(at_ms: int, *, seconds: bool = False) -> str:
    """Format a time in UTC, to the minute or to the second.

    >>> in_utc(3_661_000), in_utc(3_661_000, seconds=True)
    ('1970-01-01 01:01 UTC', '1970-01-01 01:01:01 UTC')
    """
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M{':%S' if seconds else ''}} UTC"


def cannot_write(path: Path, error: OSError) -> HushtagError:
    """Return the error for an output file that cannot be written."""
    return file_error(f"cannot write {path}", error, fix="name a file in a folder that exists")


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Write a text file in UTF-8; a new private one can be read by its owner alone.

    Raises:
        CallerMistake: the file cannot be written.
        DependencyAway: the disk is full, or fails.
    """
    try:
        with open(path, "w", encoding="utf-8", opener=owner_only if private else None) as file:
            file.write(text)
    except OSError as error:
        raise cannot_write(path, error) from error


def replace_file(path: Path, content: bytes, *, private: bool = False) -> None:
    """Replace a file in one step: a reader gets the old content or the new one, whole.

    The mode stays, and the owner and the group where this user may set them. A new private file can be read by its
    owner alone.

    Raises:
        OSError: the file cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _copy_rights(path, name, 0o600 if private else 0o644)
        os.replace(name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _copy_rights(path: Path, name: str, mode_if_new: int) -> None:
    """Give the new file the owner, group and mode of the file that it replaces."""
    if not path.exists():
        os.chmod(name, mode_if_new)
        return
    before = path.stat()
    for user in (before.st_uid, -1):  # only root may change the owner; the group may be one of this user's
        try:
            os.chown(name, user, before.st_gid)
            break
        except OSError:  # some file systems refuse both
            continue
    os.chmod(name, before.st_mode & 0o777)
