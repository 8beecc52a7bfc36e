"""How people's decisions are shown: one JSON object each for programs, one table for eyes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hushtag_client.registers import ANY_HASHTAG
from rich.table import Table
from rich.text import Text

from moderation.written import Written
from streams.flags.overrides import Standing, record_as_dict
from streams.log.moderation import Override, TagRecord
from streams.naming import in_words

if TYPE_CHECKING:
    from moderation.visible import Visible

_STYLES = {"in force": "bold", "superseded": "yellow", "expired": "dim", "undone": "dim", "refused": "red"}


def written_json(written: Written, visible: Visible | None, notes: Sequence[str] = ()) -> dict[str, Any]:
    """The answer to a write. `published` is null where nobody waited for it."""
    plain = record_as_dict(written.record) | {"version": written.version, "notes": list(notes)}
    plain["published"] = visible.published if visible else None
    plain["note"] = visible.note if visible else ""
    plain["now"] = [
        {"surface": v.surface, "shown": v.shown, "decided_by": v.register.source if v.register else None}
        for v in (visible.verdicts if visible else ())
    ]
    return plain


def table(standings: Sequence[Standing], now_ms: int) -> Table:
    """The list for a terminal."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("hashtag", "where", "decision", "state", "ends", "by", "reason"):
        shown.add_column(column, overflow="fold")
    for standing in standings:
        record = standing.record
        shown.add_row(
            Text("automation" if record.hashtag == ANY_HASHTAG else f"#{record.hashtag}"),
            Text(f"{where(record.country)}: {', '.join(standing.surfaces)}"),
            _decision(record),
            Text(standing.state, style=_STYLES[standing.state]),
            ends(record, now_ms) if standing.state in ("in force", "superseded") else "",
            Text(record.actor),
            Text(" ".join((record.reason + _because(standing)).split())),
        )
    return shown


def where(country: str) -> str:
    """A country in words."""
    return "everywhere" if country == "*" else country


def ends(record: TagRecord, now_ms: int) -> str:
    """When an override ends, as time to go; "" for an undo."""
    if not isinstance(record, Override):
        return ""
    return f"in {in_words(record.expires_at_ms - now_ms)}" if record.expires_at_ms else "when revoked"


def _decision(record: TagRecord) -> str:
    if record.hashtag != ANY_HASHTAG:
        return record.action if isinstance(record, Override) else "undo"
    if isinstance(record, Override):
        return f"pause {record.category}".strip()
    return "resume"


def _because(standing: Standing) -> str:
    if standing.because is None:
        return ""
    after = standing.because
    at = datetime.fromtimestamp(after.at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    what = {"undone": "undone", "superseded": "newer decision", "refused": "came first"}[standing.state]
    return f" [{what} by {after.actor}, {at}: {after.reason}]"
