"""Names that others need without the seconds that Faust takes to import."""

from __future__ import annotations

STAGES = ("ingest", "judge", "publish")
"""Of a worker, in the order in which a tweet meets them."""
