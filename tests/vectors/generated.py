"""Generated files of the flags contract and of the proofs, with their present content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT
from tests.vectors.following import following
from tests.vectors.normalise_data import normalise_data
from tests.vectors.proofs import proofs
from tests.vectors.scopes import scopes
from tests.vectors.wording import page_wording, verifier_with_wording

COMMAND = "python -m tests.vectors"


def generated() -> Iterator[tuple[Path, str]]:
    """Compute every generated file."""
    data = json.dumps(normalise_data(), separators=(",", ":")).replace('],"', '],\n"').replace('},"', '},\n"') + "\n"
    for name, content in (("following", following()), ("scopes", scopes())):
        yield ROOT / f"docs/vectors/{name}.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    yield ROOT / "docs/verify_proof.py", verifier_with_wording()
    yield ROOT / "docs/verify/wording.js", page_wording()
    yield ROOT / "docs/vectors/proofs.json", _compact_cases(proofs())
    for folder in ("docs/vectors", "client/hushtag_client", "client/go"):
        yield ROOT / folder / "normalise-data.json", data


def write_files() -> None:
    """Write the generated files."""
    for path, content in generated():
        path.write_text(content, "utf-8")


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
