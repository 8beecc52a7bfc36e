"""May this artefact take the place of the one before? Its guarded figures against theirs, fairness first.

`reference.json` beside the artefact holds the figures of the artefact by its SHA-256, and those of the one before it.
A guarded figure is worse beyond noise where it lies outside the earlier one's 90% interval on the bad side: both are
of the same texts, so the earlier interval is the noise of choosing those texts. On a plain clone, without the labelled
texts, what is stored is compared; with them, what is stored must also be what the artefact gives.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from models import artefact, data
from models.evaluation.figures import FLAGGED, POOLED, Figure

REFERENCE_PATH = artefact.ARTEFACT_PATH.with_name("reference.json")
TOLERANCE = 5e-4  # three digits

Stored = dict[str, dict[str, Any]]


def guarded(figure: Figure) -> bool:
    """Whether a new artefact may not be worse at it: what is wrongly flagged, and ranking per language."""
    if figure.column != data.COLUMNS[0] or figure.texts == "held out":  # no choice is made by the held-out tenth
        return False
    return figure.measure == FLAGGED or (figure.measure == "AUC" and figure.subject == POOLED)


def stored(figures: Iterable[Figure]) -> Stored:
    """The guarded ones, fairness first, as the reference file has them."""
    kept = sorted((figure for figure in figures if guarded(figure)), key=lambda f: (f.measure != FLAGGED, f.key))
    return {
        f.key: {"value": round(f.value, 4), "low": round(f.low, 4), "high": round(f.high, 4), "better": f.better}
        for f in kept
    }


def worse(new: Stored, old: Stored) -> list[str]:
    """What is worse beyond noise in `new`, or missing there, in words."""
    found = []
    for key, before in old.items():
        after = new.get(key)
        if after is None:
            found.append(f"{key}: no longer measured")
        elif before["better"] > 0 and after["value"] < before["low"]:
            found.append(f"{key}: {after['value']:.3f}, was {before['value']:.3f}, at least {before['low']:.3f}")
        elif before["better"] < 0 and after["value"] > before["high"]:
            found.append(f"{key}: {after['value']:.3f}, was {before['value']:.3f}, at most {before['high']:.3f}")
    return found


def sha256(path: Path) -> str:
    """Of the artefact."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def record(path: Path, artefact_sha256: str, figures: Stored, accepted_because: str = "") -> list[str]:
    """Makes `figures` the reference, unless they are worse: then says what is, and leaves the file as it was.

    `accepted_because` takes them all the same and keeps the reason in the file.
    """
    before = json.loads(path.read_text("utf-8")) if path.exists() else None
    previous = before
    if before is not None and before["artefact_sha256"] == artefact_sha256:
        previous = before["previous"]
    problems = worse(figures, previous["figures"]) if previous else []
    if problems and not accepted_because:
        return problems
    kept = {key: previous[key] for key in ("artefact_sha256", "figures")} if previous else None
    content = {"artefact_sha256": artefact_sha256, "figures": figures, "previous": kept}
    if problems:
        content["accepted_because"] = accepted_because
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return []


def problems(reference: Mapping[str, Any], artefact_sha256: str, measured: Stored | None = None) -> list[str]:
    """Why the artefact may not stand; empty if it may. `measured`: its guarded figures now, where texts are there."""
    if reference["artefact_sha256"] != artefact_sha256:
        return [
            f"the artefact is {artefact_sha256[:12]}, the reference figures are of "
            f"{reference['artefact_sha256'][:12]}: run hushtag evaluate --record"
        ]
    found = []
    if reference["previous"] and not reference.get("accepted_because"):
        found += worse(reference["figures"], reference["previous"]["figures"])
    for key, figure in (measured or {}).items():
        told = reference["figures"].get(key)
        if told is None or abs(told["value"] - figure["value"]) > TOLERANCE:
            found.append(f"{key}: {figure['value']:.4f} measured, {told and told['value']} in the reference figures")
    return found
