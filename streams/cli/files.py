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
    """Write a file in one step: whoever reads it sees the old one or the new one, whole. Its mode stays, and its owner
    and group where we may set them.

    Raises:
        OSError: it cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _as_before(name, path)
        os.replace(name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _as_before(name: str, path: Path) -> None:
    """Whoever could read the file that is replaced can read the new one."""
    if not path.exists():
        os.chmod(name, 0o644)
        return
    before = path.stat()
    for user in (before.st_uid, -1):  # only root gives files away; a group may be one of ours
        try:
            os.chown(name, user, before.st_gid)
            break
        except OSError:  # nor can every file system
            continue
    os.chmod(name, before.st_mode & 0o777)
