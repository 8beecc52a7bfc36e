"""Generated files of the flags contract and of the proofs, with their present content."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT
from tests.vectors.following import following
from tests.vectors.normalise_data import normalise_data
from tests.vectors.proofs import proofs
from tests.vectors.scopes import scopes
from tests.vectors.wording import page_wording, verifier_with_wording

COMMAND = "python -m tests.vectors"


@cache
def _normalise_json() -> str:
    return json.dumps(normalise_data(), separators=(",", ":")).replace('],"', '],\n"').replace('},"', '},\n"') + "\n"


def _indented(content: Callable[[], Any]) -> str:
    return json.dumps(content(), indent=1, ensure_ascii=False) + "\n"


GENERATED: Mapping[Path, Callable[[], str]] = {
    ROOT / "docs/vectors/following.json": partial(_indented, following),
    ROOT / "docs/vectors/scopes.json": partial(_indented, scopes),
    ROOT / "docs/verify_proof.py": verifier_with_wording,
    ROOT / "docs/verify/wording.js": page_wording,
    ROOT / "docs/vectors/proofs.json": lambda: _compact_cases(proofs()),
    ROOT / "docs/vectors/normalise-data.json": _normalise_json,
    ROOT / "client/hushtag_client/normalise-data.json": _normalise_json,
    ROOT / "client/go/normalise-data.json": _normalise_json,
}
"""Every generated file, and what computes its present content."""


def write_files() -> None:
    """Write the generated files."""
    for path, content in GENERATED.items():
        path.write_text(content(), "utf-8")


def _compact_cases(content: dict[str, Any]) -> str:
    """Write each member, and each item of a list or object in it, as one line."""
    parts = []
    for name, value in content.items():
        opening, closing = ("[", "]") if isinstance(value, list) else ("{", "}")
        if isinstance(value, str):
            parts.append(f"{_json(name)}: {_json(value)}")
            continue
        items = map(_json, value) if isinstance(value, list) else (f"{_json(k)}: {_json(v)}" for k, v in value.items())
        parts.append(f"{_json(name)}: {opening}\n " + ",\n ".join(items) + f"\n{closing}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)
