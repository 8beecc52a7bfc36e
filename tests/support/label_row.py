"""Plugin of pytest: the table of actions has one more row, `label`, before any other module reads the table."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

PATH = Path(__file__).parents[2] / "streams/actions.py"
NEXT = '    ActionRow(\n        name="review",\n'
"""Beginning of the row that follows."""
ROW = """\
    ActionRow(
        name="label",
        mode=PolicyMode(
            name="label",
            help="shown with a label.",
            effect="labels",
            meaning="The live policy labels such hashtags without a person.",
        ),
        statement=StatementForm(
            measure="labelled",
            noun="labelled",
            everywhere="#{tag} has a label in {places}.",
            in_country="#{tag} has a label in {places} for viewers in {country}.",
            visibility="DECISION_VISIBILITY_CONTENT_LABELLED",
            facts="The hashtag has a label on {surfaces} {where}.",
        ),
        label="Labelled",
        state="with a label",
        tone="wait",
        place="visible, with a label",
        sentence="shown with a label on {where}",
        done="labelled",
        moment="labelled",
        change="labelled",
    ),
"""


def _load() -> None:
    assert "streams.actions" not in sys.modules, "load this plugin first: -p tests.support.label_row"
    source = PATH.read_text("utf-8")
    assert source.count(NEXT) == 1, f"{PATH} has no row of the action review"
    table = sys.modules["streams.actions"] = ModuleType("streams.actions")
    exec(compile(source.replace(NEXT, ROW + NEXT), PATH, "exec"), table.__dict__)


_load()
