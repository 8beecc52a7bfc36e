"""Places where a hashtag is hidden or shown now, as the logs say it, without numbers of the machine. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hushtag_client.registers import ANY_HASHTAG

from streams.actions import row_of
from streams.explain.hashtag_report import HashtagReport, SurfaceState
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Decision
from streams.policy.names import RESERVED_SURFACES


class PlaceNow(NamedTuple):
    """State of a hashtag in a country on surfaces that agree."""

    country: str
    surfaces: tuple[str, ...]
    action: str
    """Action of what decides; "" while the stop button is pressed."""
    tone: str
    words: str
    until_ms: int
    """End of what decides; 0: none is set."""
    by: str
    """Person who decides; "" for the pipeline, and for a legal order that the reader may not see."""
    source: str


def places_now(
    hashtag: str, decisions: Iterable[Decision], people: OverrideHistory, at_ms: int, *, show_legal: bool
) -> list[PlaceNow]:
    """Return where a hashtag is hidden, held, ranked lower or expressly shown, by country and surface.

    Args:
        hashtag: hashtag in its normalised form.
        decisions: its latest decision in each country.
        people: decisions of people.
        at_ms: present time.
        show_legal: whether the reader may see who acts on legal orders.
    """
    report = HashtagReport(hashtag, [*decisions], people, None, at_ms)
    groups: dict[PlaceNow, list[str]] = {}
    for surface_state in report.states():
        if surface_state.surface not in RESERVED_SURFACES and (place := _place(surface_state, show_legal)) is not None:
            groups.setdefault(place, []).append(surface_state.surface)
    return [key._replace(surfaces=tuple(sorted(surfaces))) for key, surfaces in groups.items()]


def _place(surface_state: SurfaceState, show_legal: bool) -> PlaceNow | None:
    decides = surface_state.decided_by
    if decides is None or (decides.country == "*" and surface_state.country != "*" and decides.hashtag != ANY_HASHTAG):
        return None  # the row of the world has it
    legal = decides.source == "legal"
    is_paused = decides.hashtag == ANY_HASHTAG
    row = row_of("" if is_paused else decides.action)
    words = "shown: automation is paused" if is_paused else row.place
    by = "" if decides.source == "automated" or (legal and not show_legal) else decides.actor
    return PlaceNow(surface_state.country, (), row.name, row.tone, words, decides.expires_at_ms, by, decides.source)
