"""Check the manifests, or renew the generated files with --write. Exits with 1 if something is wrong."""

from __future__ import annotations

import argparse
import sys

from tests.manifests.generated import outdated_files, write_files
from tests.manifests.render import OVERLAYS, render, secrets
from tests.manifests.validate import VERSION, problem_of
from tests.support.paths import ROOT


def main() -> int:
    """Run the check from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the generated files")
    if parser.parse_args().write:
        write_files()
    problems = [
        f"{path.relative_to(ROOT)} differs from its source: python -m tests.manifests --write"
        for path in outdated_files()
    ]
    sources = {"secrets.example.yaml": secrets(), **{overlay: render(overlay) for overlay in OVERLAYS}}
    for name, manifests in sources.items():
        problems += [f"{name}: {problem}" for one in manifests if (problem := problem_of(one))]
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    counts = ", ".join(f"{len(sources[overlay])} of {overlay}" for overlay in OVERLAYS)
    print(f"manifests: {counts}: {len(problems)} problems (Kubernetes {VERSION})")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
