"""Files of the manifests that are generated from `config/`, since kustomize reads no file outside its folder."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

from tests.support.paths import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"
_ALERTS = ROOT / "config" / "prometheus" / "alerts.yml"
_RULE = """\
# Generated from config/prometheus/alerts.yml: python -m tests.manifests --write
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: hushtag
  namespace: hushtag
  labels:
    app.kubernetes.io/part-of: hushtag
spec:
"""


def generated_files() -> dict[Path, str]:
    """Return the content of each generated file by its path."""
    return {
        KUBERNETES / "base" / "policy.yaml": (ROOT / "config" / "policy.yaml").read_text("utf-8"),
        KUBERNETES / "base" / "channels" / "notify.yaml": (ROOT / "config" / "notify.yaml").read_text("utf-8"),
        KUBERNETES / "components" / "monitoring" / "alerts.yaml": _RULE + indent(_ALERTS.read_text("utf-8"), "  "),
    }


def outdated_files() -> list[Path]:
    """Return the generated files that differ from their source."""
    return [path for path, text in generated_files().items() if not path.exists() or path.read_text("utf-8") != text]


def write_files() -> None:
    """Write all generated files."""
    for path, text in generated_files().items():
        path.write_text(text, "utf-8")
