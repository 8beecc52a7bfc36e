"""The command of a version to come, as far as its records tell: `python -m tests.fault.next_version worker`.

Its partials carry the next `rules`, and count the same: what must hold is that nothing is lost or doubled while workers
of both run side by side and partitions go from the one to the other and back.
"""

from __future__ import annotations

from streams.cli import main
from streams.counting import ingest

if __name__ == "__main__":
    ingest.RULES += 1
    main.run()
