"""The policy file of this worker: read at start, and again whenever its content changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from streams.errors import BrokerRefuses, PolicyError, TopicsError
from streams.log.policies import read_policy_topic
from streams.policy import Policy, parse_policy
from streams.policy.proposal import PolicyNote, note_path
from streams.settings import Settings

UNREADABLE_READS = 3
"""After this many failed reads in a row the file is missing, and not between the two renames of an editor."""


class PolicyFile:
    """The policy file, and the content last read from it.

    Args:
        categories: the categories of the model, which the policy must use.
    """

    def __init__(self, path: Path, *, shards: int, categories: tuple[str, ...]) -> None:
        self.path = path
        self._shards = shards
        self._categories = categories
        self._content: bytes | None = None
        """None before the first read, and after the file was reported as unreadable."""
        self._failed_reads = 0

    @property
    def text(self) -> str:
        """The content last read; "" where there is none."""
        return self._content.decode("utf-8") if self._content else ""

    def read(self) -> Policy:
        """Read the file when the worker starts.

        Raises:
            PolicyError: the file is bad or cannot be read.
        """
        try:
            content = self.path.read_bytes()
        except OSError as error:
            self._failed_reads = UNREADABLE_READS
            raise PolicyError(
                f"cannot read the policy {self.path}: {error.strerror}", fix="set HUSHTAG_POLICY"
            ) from None
        return self._parse(content)

    def read_if_changed(self) -> Policy | None:
        """Read the file; None where its content is unchanged, or where it may be between two renames.

        Raises:
            PolicyError: the file is bad, or has been unreadable for some reads. Both are raised once.
        """
        try:
            content = self.path.read_bytes()
        except OSError as error:
            self._failed_reads += 1
            if self._failed_reads != UNREADABLE_READS:
                return None
            self._content = None  # the file is compared again once it is back
            raise PolicyError(
                f"cannot read the policy {self.path}: {error.strerror}",
                fix="restore it and make it readable for the worker's user: without it no worker starts",
            ) from None
        self._failed_reads = 0
        return None if content == self._content else self._parse(content)

    def note(self, revision: str) -> PolicyNote | None:
        """Read the actor and reason that `hushtag policy apply` wrote; None without a note for this revision."""
        try:
            note = msgspec.json.decode(note_path(self.path).read_bytes(), type=PolicyNote)
        except (OSError, msgspec.DecodeError):
            return None
        return note if note.revision == revision else None

    def _parse(self, content: bytes) -> Policy:
        self._content = content
        return parse_policy(content, str(self.path), shards=self._shards, categories=self._categories)


async def policy_to_begin_with(settings: Settings, file_policy: Policy, log: Any) -> Policy:
    """Return the policy that a worker starts with: the live one if it has a higher serial than the worker's file.

    A policy that was applied through the topic is newer than every file. Its limits must hold from the start.

    Args:
        settings: address of the broker, and the prefix of topic names.
        file_policy: policy of the worker's file.
        log: structured logger of the worker.

    Raises:
        DependencyAway: the broker does not answer.
    """
    try:
        live = (await read_policy_topic(settings)).live
        return file_policy if live is None or live.serial <= file_policy.serial else Policy.from_canonical(live.policy)
    except (BrokerRefuses, TopicsError, PolicyError) as error:  # publish alone needs no right on the topic
        log.warning("the live policy cannot be read, the worker starts with its file", why=str(error), fix=error.fix)
        return file_policy
