"""Published log: the folder of checkpoint, tiles and entry bundles, on disk or on a web server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from moderation.publiclog.tlog.bundles import decode_bundle
from moderation.publiclog.tlog.errors import ProofCode, ProofError, malformed
from moderation.publiclog.tlog.hashing import HASH_BYTES
from moderation.publiclog.tlog.tiles import MAX_ENTRY_BYTES, TILE_WIDTH, TileName, names_at
from streams.errors import CallerMistake, DependencyAway

CHECKPOINT = "checkpoint"
_MOST_BYTES = TILE_WIDTH * (MAX_ENTRY_BYTES + 2)
FILE_SECONDS = 30.0
"""Deadline for one file of a web server."""


class Files(Protocol):
    """Files of a published log by their path."""

    def read(self, path: str) -> bytes | None:
        """Return the content of a file, or None if it is missing."""
        ...


class Folder:
    """Published log on disk."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise CallerMistake(f"there is no folder {str(folder)!r}", fix="give the published folder, or its URL")
        self._folder = folder

    def read(self, path: str) -> bytes | None:
        """Return the content of a file, or None if it is missing."""
        try:
            return (self._folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise DependencyAway(f"cannot read {path} of the published log: {error}") from error


class Website:
    """Published log on a web server."""

    def __init__(self, url: str) -> None:
        import httpx  # slow to import

        self._url = url.rstrip("/")
        self._client = httpx.Client(timeout=FILE_SECONDS)  # noqa: TID251  # `within` has the deadline
        self._errors = (httpx.HTTPError, httpx.InvalidURL, TimeoutError)

    def read(self, path: str) -> bytes | None:
        """Return the content of a file, or None if it is missing."""
        from streams.exchange import within

        try:
            return within(FILE_SECONDS, lambda: self._fetch(path))
        except self._errors as error:
            why = str(error) or f"no whole answer within {FILE_SECONDS:g} s"
            raise DependencyAway(f"cannot read {path} of the published log: {why}", fix="try again later") from error

    def _fetch(self, path: str) -> bytes | None:
        with self._client.stream("GET", f"{self._url}/{path}") as answer:
            if answer.status_code in (404, 410):
                return None
            answer.raise_for_status()
            content = bytearray()
            for part in answer.iter_bytes():
                content += part
                if len(content) > _MOST_BYTES:
                    raise malformed(f"{path} of the published log is larger than any of its files can be")
            return bytes(content)


class PublishedLog:
    """Checkpoint, tiles and entries of a published log; nothing is verified here."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def checkpoint(self) -> str:
        """Return the signed checkpoint.

        Raises:
            ProofError: `malformed`: it is missing, or no text.
        """
        data = self._files.read(CHECKPOINT)
        try:
            if data is None:
                raise ValueError
            return data.decode()
        except ValueError:
            raise malformed("the published log has no checkpoint that can be read") from None

    def tile(self, name: TileName) -> bytes | None:
        """Return a tile, cut from the full one if the partial one is gone; None if both are missing."""
        data = self._files.read(name.path)
        if data is None and name.width < TILE_WIDTH:
            full = self._files.read(TileName(name.level, name.index, TILE_WIDTH).path)
            data = None if full is None else full[: name.width * HASH_BYTES]
        return data

    def bundles(self, size: int) -> Iterator[list[bytes]]:
        """Read the first `size` entries, at most 256 at a time.

        Raises:
            ProofError: `omitted_entry`: a bundle is missing. `malformed`.
        """
        for name in names_at(size, None):
            data, width = self._files.read(name.path), name.width
            if data is None and width < TILE_WIDTH:
                data, width = self._files.read(TileName(None, name.index, TILE_WIDTH).path), TILE_WIDTH
            if data is None:
                first = name.index * TILE_WIDTH
                raise ProofError(
                    ProofCode.omitted_entry,
                    f"the published log lacks the entries {first} to {first + name.width - 1} ({name.path})",
                    "ask the publisher to restore the file; do not rely on the log until then",
                )
            yield decode_bundle(data, width)[: name.width]


def published_files(where: str) -> Files:
    """Open the files of a published log by the path of its folder or by its URL."""
    return Website(where) if where.startswith(("http://", "https://")) else Folder(Path(where))


def published_log(where: str) -> PublishedLog:
    """Open a published log by the path of its folder or by its URL."""
    return PublishedLog(published_files(where))
