"""A policy file's text with another serial, every other byte as it was, comments and spelling included."""

from __future__ import annotations

import codecs

from streams.policy.source import read


def with_serial(text: bytes, serial: int) -> bytes:
    """The text of a good policy with its serial replaced.

    >>> with_serial(b"# ours\\nserial: 3   # add 1\\n", 4)
    b'# ours\\nserial: 4   # add 1\\n'
    """
    root = read(text).root
    assert root is not None, "the policy was parsed"
    span = root.value["serial"].node.span
    plain = text.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    lines = plain.splitlines(keepends=True)  # a serial stands before any break that only YAML or only Python knows
    line = lines[span.line - 1]
    lines[span.line - 1] = line[: span.column - 1] + str(serial) + line[span.column - 1 + span.length :]
    return "".join(lines).encode("utf-8")
