"""Build hook: copy the two browser libraries out of wheels, so that none is vendored and no CDN is used.

`django-htmx` and `youplot` are build requirements only, so the user's environment never installs them. Each file is
compared with the SHA-256 of its npm release (htmx 2.0.10, uPlot 1.6.31); a build with another file fails. Git ignores
the target folder; the services refuse to start while it is empty.
"""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

try:
    from hatchling.builders.hooks.plugin.interface import (  # type: ignore[import-not-found, unused-ignore]
        BuildHookInterface,
    )
except ModuleNotFoundError:  # outside a build: only copy_browser_files is of use
    BuildHookInterface = object

VENDOR = Path("web/static/vendor")


class BrowserFile(NamedTuple):
    """Source of one file (distribution and path in it), its name here and its hash."""

    distribution: str
    path: str
    name: str
    sha256: str


BROWSER_FILES = (
    BrowserFile(
        "django-htmx",
        "django_htmx/static/django_htmx/htmx-2.min.js",
        "htmx-2.min.js",
        "71ea67185bfa8c98c39d31717c6fce5d852370fcdfd129db4543774d3145c0de",
    ),
    BrowserFile(
        "youplot",
        "youplot/vendor/uplot.iife.min.js",
        "uplot.iife.min.js",
        "2d27e8ad3d228164525ce213f9dc716f39b4e3aee0cc773fb3491c96cf4921a2",
    ),
    BrowserFile(
        "youplot",
        "youplot/vendor/uplot.min.css",
        "uplot.min.css",
        "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    ),
)


def copy_browser_files(target: Path) -> list[Path]:
    """Copy every browser file into `target`, which is created if absent; return the files written.

    Raises:
        RuntimeError: a file is not the named release.
        importlib.metadata.PackageNotFoundError: a build requirement is not installed.
    """
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for file in BROWSER_FILES:
        content = Path(str(metadata.distribution(file.distribution).locate_file(file.path))).read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != file.sha256:
            raise RuntimeError(f"{file.distribution}: {file.path} has SHA-256 {found}, expected {file.sha256}")
        written.append(target / file.name)
        written[-1].write_bytes(content)
    return written


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]
    """Hook that hatchling calls before it collects files, for wheels and editable installs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Copy the browser files into the source tree and include them although git ignores them."""
        copy_browser_files(Path(self.root) / VENDOR)
        build_data["artifacts"].append(f"/{VENDOR.as_posix()}/*")
