"""Commands of hushtag that a page of the documentation prints, with its placeholders filled.

A word in capitals, of three letters or more, is a placeholder; all else is meant as it stands.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")
_PLACEHOLDER = re.compile(r"[A-Z][A-Z_]{2,}")
_OPERATORS = "|&;<>()"
_SHELLS = ("sh", "bash", "console")


@dataclass(frozen=True, slots=True)
class PrintedCommand:
    """Command on a page: its words after the program. `in_block`: in a code block, else in running text."""

    page: str
    words: tuple[str, ...]
    in_block: bool

    def filled(self, values: Mapping[str, str]) -> list[str]:
        """Return the words with a value for each placeholder.

        Raises:
            KeyError: a placeholder has no value.
        """
        return [values[word] if _PLACEHOLDER.fullmatch(word) else word for word in self.words]

    def __str__(self) -> str:
        return f"{self.page}: hushtag {' '.join(self.words)}"


def printed_commands(page: Path) -> Iterator[PrintedCommand]:
    """Find the commands of hushtag on a page."""
    text = page.read_text("utf-8")
    for language, block in _FENCE.findall(text):
        if language in _SHELLS:
            for line in block.replace("\\\n", " ").splitlines():
                yield from (PrintedCommand(page.name, words, in_block=True) for words in _commands_of(line))
    for span in _SPAN.findall(_FENCE.sub("", text)):
        line = " ".join(span.split())
        if line.startswith("hushtag ") and not line.startswith("hushtag --"):
            yield from (PrintedCommand(page.name, words, in_block=False) for words in _commands_of(line))


def _commands_of(line: str) -> Iterator[tuple[str, ...]]:
    """Find the commands in a line of a shell, each without its redirections."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=_OPERATORS)
    lexer.whitespace_split = True
    words: list[str] = []
    for token in [*lexer, ";"]:
        if set(token) <= set(_OPERATORS):
            program = next((place for place, word in enumerate(words) if word.rpartition("/")[2] == "hushtag"), None)
            if program is not None and len(words) > program + 1:
                yield tuple(words[program + 1 :])
            words = ["after an operator"] if set(token) & {"<", ">"} else []
        else:
            words.append(token)
