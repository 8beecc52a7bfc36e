"""State of a witness in one file, replaced in one step; only one process may use it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from moderation.witness.core import Seen
from streams.errors import CallerMistake


class SeenCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Last cosigned checkpoint of one log."""

    size: int
    root: str
    """Root in hex."""
    checkpoint: str
    """Signed note, as submitted: evidence if the log shows another history."""


_decoder = msgspec.json.Decoder(dict[str, SeenCheckpoint])


class StateFile:
    """Last cosigned checkpoints by origin: a context manager that locks the file.

    Raises (on entering):
        CallerMistake: the file cannot be used, is damaged, or another process uses it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: dict[str, SeenCheckpoint] = {}
        self._lock = -1

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._seen = _decoder.decode(self._path.read_bytes()) if self._path.exists() else {}
        except BlockingIOError:
            self._close()
            raise CallerMistake(f"another witness uses {self._path}", fix="give each witness another file") from None
        except OSError as error:
            self._close()
            raise CallerMistake(f"{self._path}: {error.strerror}", fix="name a file of yours with --state") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._close()
            raise CallerMistake(
                f"{self._path} is damaged: {error}",
                fix="restore it from a copy; without it the witness could cosign a second history",
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def load(self, origin: str) -> Seen | None:
        """Return the last checkpoint of a log; None before the first one."""
        found = self._seen.get(origin)
        return None if found is None else Seen(found.size, bytes.fromhex(found.root))

    def save(self, origin: str, seen: Seen, note: str) -> None:
        """Persist a checkpoint; after the return, no crash can lose it."""
        changed = self._seen | {origin: SeenCheckpoint(size=seen.size, root=seen.root.hex(), checkpoint=note)}
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
