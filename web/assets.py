"""The pages' own files: each linked by the hash of its content, so that a browser may keep it for ever."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"
VENDOR_FILES = ("htmx-2.min.js", "uplot.iife.min.js", "uplot.min.css")


class MissingAssetsError(RuntimeError):
    """The browser libraries, which the package's build copies in, are absent."""


@lru_cache(maxsize=64)
def asset_url(name: str) -> str:
    """`/static/<name>?v=<hash>` of a file under static/."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def require_vendor_files(static: Path = STATIC) -> None:
    """Refuse to serve pages that could not work.

    Raises:
        MissingAssetsError: the browser libraries, which the package's build copies in, are absent.
    """
    absent = [name for name in VENDOR_FILES if not (static / "vendor" / name).is_file()]
    if absent:
        raise MissingAssetsError(f"the pages' browser files are missing: {', '.join(absent)}")
