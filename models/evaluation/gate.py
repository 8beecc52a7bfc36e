"""Check the artefact of this release against its reference figures; a part of `make check`."""

from __future__ import annotations

import argparse
import json

from models import artefact
from models.evaluation import run
from models.evaluation.guard import REFERENCE_PATH, problems, sha256


def main() -> None:
    """Print the problems of the artefact; exit code 3 if there are any."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    reference = json.loads(REFERENCE_PATH.read_text("utf-8"))
    measured = run.measure_guarded()
    reasons = problems(reference, sha256(artefact.ARTEFACT_PATH), measured)
    for problem in reasons:
        print(f"model refused: {problem}")
    checked = "stored figures" if measured is None else "stored figures and labelled texts"
    print(f"model gate: {len(reference['figures'])} guarded figures, {len(reasons)} problems, checked by {checked}")
    raise SystemExit(3 if reasons else 0)


if __name__ == "__main__":
    main()
