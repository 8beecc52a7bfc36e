"""Signed notes (C2SP signed-note): a text, an empty line, and one line for each signature."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from moderation.publiclog.tlog.encoding import from_base64, to_base64
from moderation.publiclog.tlog.errors import malformed
from moderation.publiclog.tlog.keys import PublicKey

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_LINE = re.compile(r"— ([^ ]+) ([^ ]+)")
_MAX_SIGNATURES = 100


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One line of signatures."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """Write the line, with its line break."""
        return f"— {self.name} {to_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """Text with its signatures, none of them verified yet."""

    text: str
    """Text, with the line break at its end."""
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> str:
        """Write the note with its signatures."""
        return self.text + "\n" + "".join(signature.line() for signature in self.signatures)

    def by(self, key: PublicKey) -> list[bytes]:
        """Return the signatures that claim to be of this key."""
        return [line.signature for line in self.signatures if line.name == key.name and line.key_id == key.key_id]

    def with_signatures(self, added: Sequence[NoteSignature]) -> SignedNote:
        """Add signatures that the note does not have yet."""
        return SignedNote(self.text, (*self.signatures, *(line for line in added if line not in self.signatures)))


def read_note(note: str) -> SignedNote:
    """Read a signed note.

    Raises:
        ProofError: The text does not follow the format.
    """
    if _CONTROL.search(note):
        raise malformed("a signed note has a control character")
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not text or not lines.endswith("\n"):
        raise malformed("a signed note has no text, no signature, or an unfinished line")
    return SignedNote(text + "\n", read_signature_lines(lines))


def read_signature_lines(lines: str) -> tuple[NoteSignature, ...]:
    """Read lines of signatures, each with its line break.

    Raises:
        ProofError: A line does not follow the format, or there are more than 100.
    """
    signature_lines = lines.split("\n")
    if signature_lines.pop() != "" or len(signature_lines) > _MAX_SIGNATURES:
        raise malformed(f"a signed note has an unfinished line, or more than {_MAX_SIGNATURES} signatures")
    return tuple(map(_read_line, signature_lines))


def _read_line(line: str) -> NoteSignature:
    parts = _LINE.fullmatch(line)
    if parts is None:
        raise malformed(f"a line of a signed note is no signature: {line[:60]!r}")
    data = from_base64(parts[2], "a signature")
    if len(data) < 5:
        raise malformed(f"a signature is too short: {line[:60]!r}")
    return NoteSignature(parts[1], data[:4], data[4:])
