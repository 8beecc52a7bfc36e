"""The manifest of a backup: its topics, its files with their hashes, and its state."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec
from msgspec.structs import replace

from streams.errors import CallerMistake
from streams.log.topic_specs import (
    AUDIT,
    AUDIT_CHECKPOINTS,
    AUDIT_ERASURES,
    AUDIT_OPENINGS,
    MODELS,
    MODERATION,
    POLICY,
)
from streams.private_files import owner_only

FORMAT = 1
LOG = (AUDIT_CHECKPOINTS, AUDIT, AUDIT_OPENINGS, AUDIT_ERASURES)
"""Topics of the audit log: a checkpoint covers leaves, each leaf has an opening, and a missing opening an erasure."""
ORDER = (*LOG, MODERATION, POLICY, MODELS)
"""Topics in the order in which they are read: what a record refers to follows it, such as a policy's model."""
MANIFEST = "manifest.json"
UNFINISHED = "manifest.unfinished.json"


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One file: the records of a topic in a range of offsets, half-open."""

    file: str
    sha256: str
    first_offset: int
    next_offset: int
    records: int


class TopicBackup(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one topic, in the order of their offsets."""

    topic_id: str
    """A topic created again under the same name has another id."""
    next_offset: int = 0
    """First offset that is not in the backup."""
    segments: tuple[Segment, ...] = ()

    @property
    def records(self) -> int:
        """Return the number of records in all files."""
        return sum(segment.records for segment in self.segments)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """State of a backup."""

    format: int = FORMAT
    prefix: str
    """Prefix of the topic names."""
    shards: int
    began_at_ms: int
    """Time before which everything is in the backup."""
    topics: dict[str, TopicBackup] = {}
    digest: str = ""
    """SHA-256 of the manifest with an empty digest."""


_decoder = msgspec.json.Decoder(Manifest)


def read_manifest(folder: Path, name: str = MANIFEST) -> Manifest | None:
    """Read a manifest; None if the folder has none.

    Raises:
        CallerMistake: the manifest cannot be read, or has another format.
    """
    path = folder / name
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CallerMistake(f"cannot read {path}: {error.strerror}", fix="name the folder of a backup") from None
    try:
        manifest = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CallerMistake(f"{path} is damaged: {error}", fix="use another copy of the backup") from None
    if manifest.format != FORMAT:
        raise CallerMistake(
            f"{path} has format {manifest.format}, not {FORMAT}", fix="use a matching version of hushtag"
        )
    if manifest.digest != _digest_of(manifest):
        raise CallerMistake(f"{path} is damaged: its digest differs", fix="use another copy of the backup")
    return manifest


def write_manifest(folder: Path, manifest: Manifest, name: str = MANIFEST) -> None:
    """Replace a manifest in one step."""
    part = folder / f"{name}.part"
    with open(part, "wb", opener=owner_only) as file:
        whole = replace(manifest, digest=_digest_of(manifest))
        file.write(msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, folder / name)


def _digest_of(manifest: Manifest) -> str:
    return hashlib.sha256(msgspec.json.encode(replace(manifest, digest=""), order="sorted")).hexdigest()
