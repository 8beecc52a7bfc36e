"""Seeds of each test's histories.

By default a test plays the fewest seeds with which each planted bug is found twice (`python -m tests.mutants.seeds`),
and a few where no bug names the test. `SEEDS=400` plays as many from `FIRST` on; tests of long histories play a share.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seeds:
    """Seeds of a test: those chosen, and the share of `SEEDS` that it plays."""

    chosen: Sequence[int]
    share: int = 1

    def played(self) -> Sequence[int]:
        """Return the seeds of this session."""
        if (count := os.environ.get("SEEDS")) is None:
            return self.chosen
        first = int(os.environ.get("FIRST", "0"))
        return range(first, first + int(count) // self.share)


CHOSEN = {
    "test_restarts.py::test_settled_results_equal_reference": Seeds((1, 5, 6, 8, 9, 11, 13, 14, 15, 45)),
    "test_restarts.py::test_long_histories_equal_reference": Seeds((1, 2), share=5),
    "test_restarts.py::test_results_are_independent_of_early_firings": Seeds(range(6), share=5),
    "test_restarts.py::test_results_with_account_facts_equal_reference": Seeds((30, 33)),
    "test_restarts.py::test_results_with_stage_2_equal_reference": Seeds(range(12)),
    "test_restarts.py::test_results_with_unread_texts_equal_reference": Seeds(range(6), share=3),
    "test_restarts.py::test_results_with_skipped_records_equal_reference": Seeds(range(6), share=3),
    "test_restarts.py::test_results_during_rolling_upgrade_equal_reference": Seeds(range(6), share=5),
    "test_restarts.py::test_repeated_records_are_equal_during_rolling_upgrade": Seeds(range(6), share=5),
    "test_models.py::test_settled_results_equal_reference": Seeds(range(12)),
    "test_models.py::test_results_are_independent_of_early_firings": Seeds(range(6), share=5),
    "test_models.py::test_results_with_all_changes_equal_reference": Seeds(range(2), share=20),
    "test_publish.py::test_surfaces_match_decisions": Seeds((1, 4, 7, 12)),
    "test_successors.py::test_settled_results_equal_reference_with_same_sketches": Seeds((1, 2)),
    "test_successors.py::test_results_are_independent_of_early_firings": Seeds(range(3), share=5),
}

NOTICED = {
    "give up by hash": 19,
    "late news touch no passed tick": 43,
    "read corrections": 52,
    "read retractions": 15,
    "replay what had not counted": 91,
    "sketches before decisions": 55,
    "read whether established authors were few": 12,
}
"""First seed whose history shows that a rule is broken, by the id of its test, where the search would take long."""
