"""The queue: the cases and legal orders that wait for a person, in the order of work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from moderation.access.access import needs
from moderation.access.blinding import reader_of
from moderation.console.queue_entries import QueueEntry
from moderation.console.queue_filter import CLAIMED, FilterQuery, QueueFilter
from moderation.console.render import page
from moderation.console.route import page_router
from moderation.console.stream import MOST_ROWS, PAGE_ROWS, live_of, total_words, viewer_of
from moderation.console.words import WHY, plain_words
from moderation.domain.cases.records import COMMON_TEAM
from moderation.domain.cases.work_order import WORK_ORDER_WORDS
from streams.countries import country_name
from streams.languages import language_name

router = page_router()
FILTERS_WHY = {name: words for name, words in WHY.items() if name != "control"}


@router.get("/queue", openapi_extra=needs("decide"))
async def show_queue(
    request: Request,
    filters: FilterQuery,
    rows: Annotated[int, Query(ge=1, le=MOST_ROWS)] = PAGE_ROWS,
) -> Response:
    """Show the queue of the caller under the filters of the address."""
    live, viewer = live_of(request), viewer_of(request.state.caller, reader_of(request))
    await live.board.follow()
    entries = live.board.listing(filters, viewer).entries
    every = live.board.listing(QueueFilter(team=filters.team), viewer).entries
    more = min(rows + PAGE_ROWS, MOST_ROWS) if rows < min(len(entries), MOST_ROWS) else 0
    return page(
        request,
        "queue.html",
        entries=entries[:rows],
        total=total_words(len(entries)),
        count=len(entries),
        badge=live.badge(viewer),
        filters=filters,
        filtered=bool(filters.query),
        offered=_offered(every, filters),
        teams=live.board.teams(),
        common_team=COMMON_TEAM,
        why_filters=_counted(FILTERS_WHY | ({"order": WHY["order"]} if viewer.orders else {}), every),
        claimed_words=CLAIMED,
        order_words=WORK_ORDER_WORDS,
        more=_address(filters, more) if more else "",
        most_rows=MOST_ROWS,
        stream=_address(filters, rows, "/console/stream?view=queue"),
    )


def _counted(reasons: Mapping[str, str], entries: Iterable[QueueEntry]) -> dict[str, str]:
    """Add the number of entries to each reason to wait."""
    counts = Counter(why for entry in entries for why in entry.why)
    return {name: f"{words} ({counts[name]:,})" for name, words in reasons.items()}


def _offered(entries: Iterable[QueueEntry], filters: QueueFilter) -> dict[str, dict[str, str]]:
    """Return the values to filter by, those of the list and the chosen ones, with their words."""
    countries, categories, languages = {filters.country}, {filters.category}, {filters.language}
    for entry in entries:
        countries.update(entry.countries)
        categories.update(entry.categories)
        languages.update(unread.language for unread in entry.languages)
    words = {code: "Everywhere" if code == "*" else country_name(code) for code in countries - {""}}
    return {
        "countries": dict(sorted(words.items(), key=lambda pair: pair[1])),
        "languages": {tag: language_name(tag) for tag in sorted(languages - {""}, key=language_name)},
        "categories": {name: plain_words(name) for name in sorted(categories - {""})},
    }


def _address(filters: QueueFilter, rows: int, path: str = "/console/queue?") -> str:
    parts = [filters.query, f"rows={rows}" if rows != PAGE_ROWS else ""]
    query = "&".join(filter(None, parts))
    return path + ("&" if query and not path.endswith("?") else "") + query
