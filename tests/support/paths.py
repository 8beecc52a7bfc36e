"""Folders that tests read."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""Root of the checkout."""
SHARED = ROOT.parent / "shared"
"""Public data next to the checkout; absent in a plain clone."""
