"""Checks the artefact that comes with hushtag against its reference figures; a part of `make check`."""

from __future__ import annotations

import argparse
import json

from models import artefact
from models.evaluation import run
from models.evaluation.guard import REFERENCE_PATH, problems, sha256


def main() -> None:
    """Exit 3 if the artefact may not stand."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    reference = json.loads(REFERENCE_PATH.read_text("utf-8"))
    measured = run.guarded_now()
    found = problems(reference, sha256(artefact.ARTEFACT_PATH), measured)
    for problem in found:
        print(f"model refused: {problem}")
    seen = "stored figures" if measured is None else "stored figures and this machine's texts"
    print(f"model gate: {len(reference['figures'])} guarded figures, {len(found)} problems, by {seen}")
    raise SystemExit(3 if found else 0)


if __name__ == "__main__":
    main()
