"""Held now: the hashtags that are hidden, on hold or ranked lower at this moment, by the logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from hushtag_client.normalise import normalise
from starlette.responses import Response

from moderation.access.access import may, needs
from moderation.access.services import services_of
from moderation.console.hashtag_words import STATES, by_words, hashtag_path
from moderation.console.list_address import list_address, shown_rows
from moderation.console.render import PageValues, page
from moderation.console.route import page_router
from moderation.console.words import named_countries, plain_words
from moderation.domain.appeals.automated_decisions import AutomatedFold
from moderation.domain.cases.languages import languages_of
from moderation.views.held import HeldItemAnswer, HeldRegister, evidence_of, held_for, held_view, in_order, reach_of

router = page_router()
PAGE = 200
"""Rows of the list before "Show more"."""
MOST = 5_000
SORTS = {
    "reach": "Most tweets",
    "ends": "Next to end",
    "since": "Oldest",
    "-since": "Newest",
    "hashtag": "By name",
}
SOURCES = {"automated": "the pipeline", "human": "a person", "legal": "a legal order"}
_MOST_COUNTRIES = 8


@dataclass(frozen=True, slots=True)
class HeldFilter:
    """Filters of the list, as the address has them; "" selects all."""

    hashtag: str = ""
    country: str = ""
    surface: str = ""
    state: str = ""
    source: str = ""
    category: str = ""
    sort: str = "reach"
    most: str = ""

    @property
    def rows(self) -> int:
        """Number of rows to show."""
        return shown_rows(self.most, least=PAGE, greatest=MOST)

    @property
    def narrows(self) -> bool:
        """Whether it leaves anything out."""
        return any((self.hashtag, self.country, self.surface, self.state, self.source, self.category))

    def selects(self, held: HeldRegister) -> bool:
        """Return whether a held hashtag passes the filters; one that is held everywhere has the country `*`."""
        register = held.register
        return (
            (not self.hashtag or register.hashtag.startswith(normalise(self.hashtag.strip().lstrip("#＃"))))
            and self.country in ("", register.country)
            and (not self.surface or self.surface in held.surfaces)
            and self.state in ("", register.action)
            and self.source in ("", register.source)
            and self.category in ("", register.category)
        )

    def link(self, **changes: str) -> str:
        """Build the address of the list with other filters."""
        return list_address("/console/held", self, **changes)


@router.get("/held", openapi_extra=needs("read"))
async def show_held(request: Request, filters: Annotated[HeldFilter, Depends()]) -> Response:
    """Show what is held now."""
    services = services_of(request)
    every, hidden_tags = await held_for(request, services.moderation.now_ms())
    automated = services.reviews.automated
    selected = in_order(filter(filters.selects, every), filters.sort, automated)
    return page(
        request,
        "held.html",
        filters=filters,
        rows=[held_row(held, automated, show_legal=may(request, "orders")) for held in selected[: filters.rows]],
        total=len(selected),
        hashtags=len({held.register.hashtag for held in selected}),
        counts=counts_by_place(selected),
        choices=filter_choices(every),
        sorts=SORTS,
        left_out=len(hidden_tags),
    )


@dataclass(frozen=True, slots=True)
class HeldRow:
    """Row of the list: counts of tweets and authors, but no number of the machine."""

    answer: HeldItemAnswer
    """The hashtag as the API answers it."""
    path: str
    state: str
    by: str
    tweets: int
    authors: int
    unread: str
    """Languages that the model does not read, in words."""


def held_row(held: HeldRegister, automated: AutomatedFold, *, show_legal: bool) -> HeldRow:
    """Build the row of a held hashtag."""
    register = held.register
    tweets, authors = reach_of(automated, register.hashtag, register.country)
    every = evidence_of(automated, register.hashtag, register.country)
    largest = max(every, key=lambda evidence: evidence.tweets, default=None)
    return HeldRow(
        answer=held_view(held, show_legal=show_legal),
        path=hashtag_path(register.hashtag),
        state=STATES[register.action],
        by=by_words(register, show_legal=show_legal),
        tweets=tweets,
        authors=authors,
        unread=", ".join(language.words for language in languages_of(largest)),
    )


def counts_by_place(every: Iterable[HeldRegister]) -> PageValues:
    """Count the hashtags by country and surface, the countries with the most first."""
    cells = {(held.register.country, surface, held.register.hashtag) for held in every for surface in held.surfaces}
    by_cell = Counter((country, surface) for country, surface, _ in cells)
    by_country = Counter(country for country, _ in {(country, tag) for country, _, tag in cells})
    surfaces = sorted({surface for _, surface in by_cell})
    return {
        "surfaces": surfaces,
        "rows": [
            (country, [by_cell[country, surface] for surface in surfaces], number)
            for country, number in sorted(by_country.items(), key=lambda row: (-row[1], row[0]))[:_MOST_COUNTRIES]
        ],
        "more": max(0, len(by_country) - _MOST_COUNTRIES),
    }


def filter_choices(every: Iterable[HeldRegister]) -> dict[str, list[tuple[str, str]]]:
    """List the values that each filter can select, with their words."""
    held = list(every)
    return {
        "country": named_countries({row.register.country for row in held}),
        "surface": [(surface, surface) for surface in sorted({surface for row in held for surface in row.surfaces})],
        "state": [(name, words) for name, words in STATES.items()],
        "source": list(SOURCES.items()),
        "category": [(name, plain_words(name)) for name in sorted({row.register.category for row in held} - {""})],
    }
