"""The worker: everything that knows Faust. This module imports none of it, since Faust takes seconds to import."""

from __future__ import annotations

STAGES = ("ingest", "judge", "publish")
"""The stages of a worker, in the order in which a tweet passes them."""
