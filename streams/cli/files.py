"""Files that several commands read."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from streams.errors import CallerMistake
from streams.policy import Policy, parse_policy


def load_policy_file(path: Path, shards: int | None = None) -> Policy:
    """Read and validate a policy file; `shards`, where given, is what its caps are shared out over.

    Raises:
        PolicyError: every problem with its line.
        CallerMistake: the file cannot be read.
    """
    try:
        return parse_policy(path.read_bytes(), str(path), shards=shards)
    except OSError as error:
        raise CallerMistake(f"cannot read the policy {path}: {error.strerror}", fix="name one that is there") from error


def replace_file(path: Path, content: bytes) -> None:
    """Write a file in one step: whoever reads it sees the old one or the new one, whole. Its mode stays.

    Raises:
        OSError: it cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise
