"""Files that several commands read."""

from __future__ import annotations

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
