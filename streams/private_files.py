"""Files for their owner alone: what holds names, texts, decisions or secrets of a platform."""

from __future__ import annotations

import os

PRIVATE_FOLDER = 0o700


def owner_only(path: str, flags: int) -> int:
    """Open a file, as `opener` of `open`: a new one gets mode 0600, an existing one keeps its mode.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, open(f"{folder}/x", "w", opener=owner_only) as file:
    ...     oct(os.fstat(file.fileno()).st_mode & 0o777)
    '0o600'
    """
    return os.open(path, flags, 0o600)
