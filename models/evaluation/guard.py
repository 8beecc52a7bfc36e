"""Compare an artefact's guarded figures with those of the artefact before it.

`reference.json`, next to the artefact, has the figures of the artefact (identified by its SHA-256) and of the previous
one. A guarded figure is worse beyond noise if it is outside the previous 90% interval on the bad side: both use the
same texts, so the interval reflects the choice of texts. Without the labelled texts the stored figures are compared;
with them, the stored figures must also equal the measured ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict

from models import artefact, data
from models.evaluation.figures import FLAGGED, POOLED, Figure

REFERENCE_PATH = artefact.ARTEFACT_PATH.with_name("reference.json")
TOLERANCE = 5e-4  # figures are compared to three digits


class StoredFigure(TypedDict):
    """Guarded figure in the reference file: its interval, and 1 if more of it is better, else -1."""

    value: float
    low: float
    high: float
    better: int


Stored = dict[str, StoredFigure]


def is_guarded(figure: Figure) -> bool:
    """Return whether a figure must not get worse: false positives, and ranking per language."""
    if figure.column != data.COLUMNS[0] or figure.texts == "held out":  # the held-out tenth decides nothing
        return False
    return figure.measure == FLAGGED or (figure.measure == "AUC" and figure.subject == POOLED)


def to_stored(figures: Iterable[Figure]) -> Stored:
    """Select the guarded figures, fairness first, in the format of the reference file."""
    kept = sorted((figure for figure in figures if is_guarded(figure)), key=lambda f: (f.measure != FLAGGED, f.key))
    return {
        f.key: {"value": round(f.value, 4), "low": round(f.low, 4), "high": round(f.high, 4), "better": f.better}
        for f in kept
    }


def worse(new: Stored, old: Stored) -> list[str]:
    """Describe the figures that are worse beyond noise in `new`, or missing there."""
    worsened = []
    for key, before in old.items():
        after = new.get(key)
        if after is None:
            worsened.append(f"{key}: no longer measured")
        elif before["better"] > 0 and after["value"] < before["low"]:
            worsened.append(f"{key}: {after['value']:.3f}, was {before['value']:.3f}, at least {before['low']:.3f}")
        elif before["better"] < 0 and after["value"] > before["high"]:
            worsened.append(f"{key}: {after['value']:.3f}, was {before['value']:.3f}, at most {before['high']:.3f}")
    return worsened


def sha256(path: Path) -> str:
    """Compute the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def record(path: Path, artefact_sha256: str, figures: Stored, accepted_because: str = "") -> list[str]:
    """Store figures as the reference unless they are worse; return what is worse.

    Worse figures leave the file unchanged. With `accepted_because` they are stored together with that reason.
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
    """List the reasons to refuse the artefact; `measured`: its guarded figures, if the texts are available."""
    if reference["artefact_sha256"] != artefact_sha256:
        return [
            f"the artefact is {artefact_sha256[:12]}, the reference figures belong to "
            f"{reference['artefact_sha256'][:12]}: run hushtag evaluate --record"
        ]
    reasons = []
    if reference["previous"] and not reference.get("accepted_because"):
        reasons += worse(reference["figures"], reference["previous"]["figures"])
    for key, figure in (measured or {}).items():
        expected = reference["figures"].get(key)
        if expected is None or abs(expected["value"] - figure["value"]) > TOLERANCE:
            reasons.append(f"{key}: {figure['value']:.4f} measured, {expected and expected['value']} in the reference")
    return reasons
