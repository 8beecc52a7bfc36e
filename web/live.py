"""Live lists: what a viewer has, what there is now, and the least to send in between. Pure.

A page is some named lists of rows (each with a key and its HTML) and some named texts. A message tells the order of a
list when it changed and the HTML of the rows that changed; whoever has applied all messages since a full one has the
page as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of each list in order, by key, and the texts beside them."""

    lists: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


def message(before: Page | None, after: Page) -> bytes | None:
    """JSON that turns `before` into `after`; all of it if there is no before, None if nothing changed.

    >>> message(Page({"a": {"x": "1"}}), Page({"a": {"x": "2"}}))
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
