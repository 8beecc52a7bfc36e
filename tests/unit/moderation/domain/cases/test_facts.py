"""A member with a fact reaches the page and the command of a case without a change of either."""

from __future__ import annotations

from typing import Annotated

from moderation.console.render import templates
from moderation.domain.cases.answers import CaseDetailAnswer, Fact, facts_of
from moderation.domain.cases.lines import case_lines
from moderation.domain.cases.view import detailed_view
from tests.support.case_decisions import decision, ruling
from tests.support.moderation_world import World


class _ToyAnswer(CaseDetailAnswer):
    heat: Annotated[int, Fact("Heat", lambda heat: f"{heat} degrees" if heat else "")]


async def _toy(heat: int) -> _ToyAnswer:
    world = World(decision(ruling("hold")))
    return _ToyAnswer.model_validate(
        detailed_view(await world.case(), world.cases.log, "ann").members() | {"heat": heat}
    )


async def test_fact_of_a_new_member_is_on_page_and_terminal() -> None:
    toy = await _toy(30)
    assert ("Heat", "30 degrees") in [*facts_of(toy)]
    assert "  heat: 30 degrees" in [*case_lines(toy, 0)]
    page = templates().from_string("{% for label, words in case | facts %}{{ label }}: {{ words }}; {% endfor %}")
    assert page.render(case=toy).endswith("Heat: 30 degrees; ")


async def test_fact_without_words_is_not_shown() -> None:
    assert [label for label, _ in facts_of(await _toy(0))] == ["Reach"]
