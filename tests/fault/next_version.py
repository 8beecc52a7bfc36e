"""`hushtag` with the `rules` of the next version: `python -m tests.fault.next_version worker`.

Its partials have the next `rules` and the same counts. No tweet may be lost or doubled while workers of both versions
run and partitions move between them.
"""

from __future__ import annotations

from streams.cli import main
from streams.counting import ingest

if __name__ == "__main__":
    ingest.RULES += 1
    main.run()
