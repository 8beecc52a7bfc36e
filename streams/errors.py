"""Errors that hushtag raises on purpose, split by who must act.

    HushtagError
    ├── CallerMistake        the caller: a wrong flag, setting or file               exit 2
    │   ├── SettingsError    the operator: an environment variable
    │   ├── PolicyError      the policy's author (streams.policy.errors adds file, line, hint)
    │   └── TopicsError      the operator: a topic whose settings break a promise
    ├── DependencyAway       no one yet: Kafka, Redis or a disk is not usable, wait  exit 1
    │   ├── FlagStoreUnavailable
    │   │   └── FlagStoreRefuses  the operator: TLS, the login, or the user's rights  exit 2
    │   └── BrokerRefuses    the operator: the login, or the user's rights    exit 2
    └── ContractError        the producer of one record, which becomes a dead letter

A bug raises AssertionError instead, and ends the worker.
"""

from __future__ import annotations

import errno

EXIT_AWAY = 1
EXIT_CALLER = 2
EXIT_NO = 3
_DISK_FAILURES = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE}
"""Errors of files that pass without a change of the call: no space, a failing or distant disk, too many open files."""


class HushtagError(Exception):
    """Base class. `fix` is the next step for the user, in one line; "" if there is none."""

    exit_code = EXIT_CALLER

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


class CallerMistake(HushtagError):
    """The caller's input is wrong, and the caller can correct it."""


class SettingsError(CallerMistake):
    """An environment variable has a value that cannot be used."""


class PolicyError(CallerMistake):
    """A policy file cannot be used."""


class TopicsError(CallerMistake):
    """A Kafka topic is missing or has settings that the promises do not allow."""


class DependencyAway(HushtagError):
    """A service that hushtag depends on does not answer."""

    exit_code = EXIT_AWAY


def file_error(what: str, error: OSError, *, fix: str) -> HushtagError:
    """Return the error for a file or folder: the caller's mistake with `fix`, unless the disk is full or fails.

    >>> type(file_error("x", OSError(errno.ENOSPC, "No space left on device"), fix="")).__name__
    'DependencyAway'
    """
    if error.errno in _DISK_FAILURES:
        return DependencyAway(f"{what}: {error.strerror}", fix="free some space or repair the disk, then run it again")
    return CallerMistake(f"{what}: {error.strerror}", fix=fix)


class FlagStoreUnavailable(DependencyAway):
    """Redis does not take writes. Retry after `retry_after_seconds`, within the caller's deadline.

    `kind` is a short stable word, a metric label: the server's own word (NOPERM, OOM, READONLY, ...), or `away`.
    """

    def __init__(self, message: str, *, retry_after_seconds: float = 1.0, fix: str = "", kind: str = "away") -> None:
        super().__init__(message, fix=fix)
        self.retry_after_seconds = retry_after_seconds
        self.kind = kind


class FlagStoreRefuses(FlagStoreUnavailable):
    """Redis denies the login or a command, or TLS with it fails. Callers that wait for Redis wait for this too."""

    exit_code = EXIT_CALLER


class BrokerRefuses(DependencyAway):
    """Kafka denies the login or access to a topic. Callers that wait for an absent broker wait for this too."""

    exit_code = EXIT_CALLER


class ContractError(HushtagError):
    """One record breaks the contract of its topic.

    `reason` is a short stable word (a metric label and a dead-letter header). `field` is the path of the wrong field
    ("" for the whole record), `value` its value cut to 80 characters.
    """

    def __init__(self, reason: str, *, field: str = "", value: object = "", fix: str = "") -> None:
        self.reason = reason
        self.field = field
        self.value = ascii(value)[:80] if value != "" else ""
        where = f" in {field}" if field else ""
        what = f": {self.value}" if self.value else ""
        super().__init__(f"{reason}{where}{what}", fix=fix)
