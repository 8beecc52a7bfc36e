"""Live lists: compute the smallest message that updates a viewer's page. Pure.

A page has named lists of rows (each with a key and its HTML) and named texts. A message holds the order of a list if it
changed, and the HTML of changed rows. A viewer who applies all messages since a full one has the present page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
    content: dict[str, Any] = {}
    for name, rows in after.lists.items():
        known = before.lists.get(name) if before is not None else None
        change: dict[str, Any] = {}
        if known is None or list(known) != list(rows):
            change["order"] = list(rows)
        changed = {key: html for key, html in rows.items() if known is None or known.get(key) != html}
        if changed or known is None:
            change["rows"] = changed
        if change:
            content.setdefault("lists", {})[name] = change
    texts = {name: text for name, text in after.texts.items() if before is None or before.texts.get(name) != text}
    if texts:
        content["texts"] = texts
    return msgspec.json.encode(content) if content or before is None else None
