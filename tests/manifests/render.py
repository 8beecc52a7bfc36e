"""Rendered overlays: the objects that `kubectl apply --kustomize` would send."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tests.manifests.generated import KUBERNETES

KUBECTL = Path(sys.executable).with_name("kubectl")
OVERLAYS = ("small", "large")

Manifest = dict[str, Any]
"""Object of Kubernetes, as in its YAML."""


@cache
def render(overlay: str) -> tuple[Manifest, ...]:
    """Render an overlay.

    Raises:
        RuntimeError: kustomize refuses it, with its reason.
    """
    done = subprocess.run(
        [KUBECTL, "kustomize", KUBERNETES / "overlays" / overlay], capture_output=True, text=True, check=False
    )
    if done.returncode or done.stderr:  # a warning on stderr names a deprecated field
        raise RuntimeError(f"the overlay {overlay} cannot be rendered: {done.stderr.strip()}")
    return tuple(yaml.safe_load_all(done.stdout))


def secrets() -> tuple[Manifest, ...]:
    """Return the objects that the operator makes: `secrets.example.yaml`."""
    return tuple(yaml.safe_load_all((KUBERNETES / "secrets.example.yaml").read_text("utf-8")))
