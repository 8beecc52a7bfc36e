"""People's decisions in words, for terminals. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hushtag_client.registers import ANY_HASHTAG
from rich.text import Text

from moderation.wording import time_words
from streams.cli.lists import Cell
from streams.flags.overrides import OverrideStatus
from streams.log.moderation import Override, TagRecord
from streams.naming import format_duration

if TYPE_CHECKING:
    from streams.flags.lookup import FlagResolution

_STYLES = {"in force": "bold", "superseded": "yellow", "expired": "dim", "undone": "dim", "refused": "red"}
_BECAUSE = {"undone": "undone", "superseded": "newer decision", "refused": "came first"}


OVERRIDE_HEADERS = ("hashtag", "where", "decision", "state", "ends", "by", "reason")


def override_cells(status: OverrideStatus, now_ms: int) -> tuple[Cell, ...]:
    """Build the line of a decision in a list; the columns are `OVERRIDE_HEADERS`."""
    record = status.record
    return (
        "automation" if record.hashtag == ANY_HASHTAG else f"#{record.hashtag}",
        f"{place_words(record.country)}: {', '.join(status.surfaces)}",
        _decision(record),
        Text(status.state, style=_STYLES[status.state]),
        end_words(record, now_ms) if status.state in ("in force", "superseded") else "",
        record.actor,
        record.reason + _because(status),
    )


def effect_words(resolution: FlagResolution) -> str:
    """Describe what a surface does with a hashtag now, and by whose decision."""
    if resolution.register is None:
        return "shown now"
    from streams.explain.flag_text import source_words  # imported on use: other commands start faster without it

    shown, register = resolution.shown, resolution.register
    counts = f", its tweets count {register.weight:.0%}" if shown and register.weight < 1 else ""
    return f"{'shown' if shown else 'hidden'} now{counts}, by {source_words(register)}"


def place_words(country: str) -> str:
    """Name a country scope; "*" is everywhere."""
    return "everywhere" if country == "*" else country


def end_words(record: TagRecord, now_ms: int) -> str:
    """Format the remaining time of an override; "" for an undo."""
    if not isinstance(record, Override):
        return ""
    return f"in {format_duration(record.expires_at_ms - now_ms)}" if record.expires_at_ms else "when revoked"


def written_end_words(record: Override) -> str:
    """Format the end of an override that was just written: what remains, and the moment."""
    moment = f" ({time_words(record.expires_at_ms)})" if record.expires_at_ms else ""
    return end_words(record, record.at_ms) + moment


def _decision(record: TagRecord) -> str:
    if record.hashtag != ANY_HASHTAG:
        return record.action if isinstance(record, Override) else "undo"
    return f"pause {record.category}".strip() if isinstance(record, Override) else "resume"


def _because(status: OverrideStatus) -> str:
    if (after := status.because) is None:
        return ""
    return f" [{_BECAUSE[status.state]} by {after.actor}, {time_words(after.at_ms)}: {after.reason}]"
