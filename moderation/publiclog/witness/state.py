"""State of a witness in one file, replaced in one step; only one process may use it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from moderation.publiclog.witness.core import Seen
from streams.errors import CallerMistake, file_error


class SeenCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Last cosigned checkpoint of one log."""

    size: int
    root: str
    """Root of the tree, in hex."""
    checkpoint: str
    """Signed note, as submitted: evidence if the log shows another history."""


_decoder = msgspec.json.Decoder(dict[str, SeenCheckpoint])
_RETIRE = (
    "After a loss restore no older copy, from which the witness could cosign a second history: retire its key, and "
    "begin with a new key and --new"
)


class StateFile:
    """Last cosigned checkpoints by origin: a context manager that locks the file.

    Args:
        path: the file.
        is_new: create the file, of a witness that has never cosigned anything.

    Raises (on entering):
        CallerMistake: the file is missing or, for a new one, exists; it cannot be used, is damaged, or another process
            uses it.
        DependencyAway: its disk is full, or fails.
    """

    def __init__(self, path: Path, *, is_new: bool = False) -> None:
        self._path, self._is_new = path, is_new
        self._seen: dict[str, SeenCheckpoint] = {}
        self._lock = -1

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._seen = self._create() if self._is_new else _decoder.decode(self._path.read_bytes())
        except BlockingIOError:
            self._close()
            raise CallerMistake(f"another witness uses {self._path}", fix="give each witness another file") from None
        except FileNotFoundError:
            self._close()
            raise CallerMistake(
                f"{self._path} does not exist",
                fix=f"check --state; only a witness whose key has cosigned nothing yet starts with --new. {_RETIRE}",
            ) from None
        except FileExistsError:
            self._close()
            raise CallerMistake(f"{self._path} exists already", fix="start without --new") from None
        except OSError as error:
            self._close()
            raise file_error(str(self._path), error, fix="name a file of yours with --state") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._close()
            raise CallerMistake(
                f"{self._path} is damaged: {error}",
                fix=_RETIRE,
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def load(self, origin: str) -> Seen | None:
        """Return the last checkpoint of a log; None before the first one."""
        seen = self._seen.get(origin)
        return None if seen is None else Seen(seen.size, bytes.fromhex(seen.root))

    def save(self, origin: str, seen: Seen, note: str) -> None:
        """Persist a checkpoint; after the return, no crash can lose it."""
        self._write(self._seen | {origin: SeenCheckpoint(size=seen.size, root=seen.root.hex(), checkpoint=note)})

    def _create(self) -> dict[str, SeenCheckpoint]:
        if self._path.exists():
            raise FileExistsError
        self._write({})
        return {}

    def _write(self, changed: dict[str, SeenCheckpoint]) -> None:
        part = self._path.with_name(f"{self._path.name}.part")
        with part.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(changed), indent=1) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._seen = changed

    def _close(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
