"""Check hashes and licences of the labelled files against `sources.toml` before a training reads them."""

from __future__ import annotations

import hashlib
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import NotRequired, TypedDict

PERMITTED = ("MIT", "CC BY 4.0", "Apache-2.0", "BSD-3-Clause")

_Source = TypedDict(
    "_Source",
    {
        "attribution": str,
        "from": str,
        "licence": str,
        "sha256": dict[str, str],
        "licence_file": NotRequired[str],
        "licence_sha256": NotRequired[str],
    },
)


def problems(folder: Path) -> list[str]:
    """List problems of the files in a folder with train/, dev/ and licences/.

    Every training file must exist; dev files are checked if they exist. Files of other names are never read.
    """
    reasons = []
    for name, source in sources().items():
        if source["licence"] not in PERMITTED:
            reasons.append(f"{name} is under {source['licence']!r}, permitted: {', '.join(PERMITTED)}")
        if "licence_file" in source:
            reasons += _file(folder / source["licence_file"], source["licence_sha256"])
        for path, sha256 in source["sha256"].items():
            if path.startswith("train/") or (folder / path).exists():
                reasons += _file(folder / path, sha256)
    return reasons


def attributions() -> list[str]:
    """List the attributions that the licences require, a line per source."""
    return [f"{source['attribution']}; {source['from']}; {source['licence']}" for source in sources().values()]


@lru_cache(maxsize=1)
def sources() -> dict[str, _Source]:
    """Read sources.toml: name -> attribution, from, licence, sha256 by path, and the licence's file."""
    return tomllib.loads((Path(__file__).parent / "sources.toml").read_text("utf-8"))


def _file(path: Path, sha256: str) -> list[str]:
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return [f"{path} cannot be read: {error.strerror}"]
    return [] if digest == sha256 else [f"{path} has SHA-256 {digest[:12]}…, expected {sha256[:12]}…: another version"]
