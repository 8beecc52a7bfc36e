"""Static files of the pages, linked by the hash of their content so that browsers can cache them for ever."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"
VENDOR_FILES = ("htmx-2.min.js", "uplot.iife.min.js", "uplot.min.css")


@lru_cache(maxsize=64)
def asset_url(name: str) -> str:
    """Return `/static/<name>?v=<hash>` for a file under static/."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def missing_vendor_files(static: Path = STATIC) -> list[str]:
    """List the browser libraries that are absent; the package's build copies them in (hatch_build.py)."""
    return [name for name in VENDOR_FILES if not (static / "vendor" / name).is_file()]
