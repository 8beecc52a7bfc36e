"""Generated files of the flags contract, with their present content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tests.support.paths import ROOT
from tests.vectors.following import following
from tests.vectors.normalise_data import normalise_data
from tests.vectors.scopes import scopes

COMMAND = "python -m tests.vectors"


def generated() -> Iterator[tuple[Path, str]]:
    """Compute every generated file."""
    data = json.dumps(normalise_data(), separators=(",", ":")).replace('],"', '],\n"').replace('},"', '},\n"') + "\n"
    for name, content in (("following", following()), ("scopes", scopes())):
        yield ROOT / f"docs/vectors/{name}.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    for folder in ("docs/vectors", "client/hushtag_client", "client/go"):
        yield ROOT / folder / "normalise-data.json", data


def write_files() -> None:
    """Write the generated files."""
    for path, content in generated():
        path.write_text(content, "utf-8")
