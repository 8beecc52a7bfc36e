"""Live lists: compute the smallest message that updates a viewer's page. Pure.

A page has named lists of rows (each with a key and its HTML) and named texts. A message holds the order of a list if it
changed, and the HTML of changed rows. A viewer who applies all messages since a full one has the present page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec


@dataclass(frozen=True, slots=True)
class LivePage:
    """Rows of each list, by key and in order, and texts by name."""

    lists: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


def message(before: LivePage | None, after: LivePage) -> bytes | None:
    """Encode the changes from `before` to `after` as JSON; None if there are none.

    Without `before` the message holds the whole page.

    >>> message(LivePage({"a": {"x": "1"}}), LivePage({"a": {"x": "2"}}))
    b'{"lists":{"a":{"rows":{"x":"2"}}}}'
    """
    lists: dict[str, dict[str, object]] = {}
    for name, rows in after.lists.items():
        shown = before.lists.get(name) if before is not None else None
        change: dict[str, object] = {}
        if shown is None or list(shown) != list(rows):
            change["order"] = list(rows)
        changed = {key: html for key, html in rows.items() if shown is None or shown.get(key) != html}
        if changed or shown is None:
            change["rows"] = changed
        if change:
            lists[name] = change
    texts = {name: text for name, text in after.texts.items() if before is None or before.texts.get(name) != text}
    content = {part: changes for part, changes in (("lists", lists), ("texts", texts)) if changes}
    return msgspec.json.encode(content) if content or before is None else None
