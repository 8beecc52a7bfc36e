"""The warm-up compiles every kernel that a tick calls, with the types of its arguments."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys

from models.compiled import compiled

from streams.constants import PANE_MS
from streams.scoring import load_text_scorer
from streams.warm_up import warm_up
from tests.support.judge_harness import JudgeHarness, early_scores
from tests.support.samples import corrections
from tests.support.word_policy import POLICY, make_policy

kind = type(compiled(lambda x: x))
loaded = [module for name, module in sys.modules.items() if name.startswith("streams.")]
kernels = {f"{one.py_func.__module__}.{one.py_func.__name__}": one
           for module in loaded for one in vars(module).values() if isinstance(one, kind)}
assert len(kernels) >= 12 and not any(one.signatures for one in kernels.values()), list(kernels)
warm_up(load_text_scorer())
known = {name: list(one.signatures) for name, one in kernels.items()}
text = POLICY.replace("mode: shadow", "mode: suppress\\n    corroborate: {need: 1, authors: 1}")
policy = make_policy(text.replace("[2m]", "[30s, 2m, 20m]").replace("expiry: 1m", "expiry: 10m"))
harness, seen, corrected = JudgeHarness(policy), set(), []
for pane in range(20):  # bots alone, then established authors too; another campaign goes on to a new tag
    harness.tweet(pane, "old", range(20 * pane, 20 * pane + 20), copied=True, age_days=3)
    if pane >= 5:
        harness.tweet(pane, "old", range(9_000 + 40 * pane, 9_040 + 40 * pane), text="good")
    harness.tweet(pane, "worse" if pane < 12 else "new", range(5_000, 5_025), copied=True)
    if (firing := harness.judge.next_early()) is not None:
        harness.judge.decide_early(firing, early_scores(firing))
    for tweets in [one.evidence.tables[30_000].shown.tweets for one in harness.settled[-1:]]:
        harness.write(corrections(tweets[tweets >= 0].tolist(), -0.05, tag="old"))
    for source in (0, 1):
        found = harness.count(pane, good=source, watermark_ms=pane * PANE_MS, source=source)
        seen |= {ruling.action for one in found for ruling in one.rulings}
    for sketch in harness.settled[-1].sketches if harness.settled else ():
        harness.write(sketch)
tables = [table for one in harness.settled for table in one.evidence.tables.values()]
assert {"suppress", "discount"} <= seen, seen
assert any(table.past is not None for table in tables), "no past"
assert any(table.hidden_tags and any(table.hidden_tags) for table in tables), "no author of a hidden tag"
assert any(table.everyone.correction is not None for table in tables), "nothing corrected"
for name, one in kernels.items():
    assert list(one.signatures) == known[name], f"a tick has compiled {name}: {one.signatures}"
"""


def test_no_tick_compiles_anything() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
