"""Files of a published log as JSON."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping


def encoded(files: Mapping[str, bytes]) -> dict[str, str]:
    """Encode the content of each file in base64."""
    return {path: b64encode(content).decode() for path, content in sorted(files.items())}


def changes(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> dict[str, str | None]:
    """Return the files of `new` that differ from `old`; null for a missing one."""
    differing: dict[str, str | None] = dict(
        encoded({path: content for path, content in new.items() if old.get(path) != content})
    )
    return differing | dict.fromkeys(sorted(set(old) - set(new)))
