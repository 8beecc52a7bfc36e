"""Every error that hushtag raises on purpose, split by who must act.

    HushtagError
    ├── CallerMistake        whoever called: a wrong flag, setting or file           exit 2
    │   ├── SettingsError    the operator: an environment variable
    │   ├── PolicyError      the policy's author (streams.policy.errors adds file, line, hint)
    │   └── TopicsError      the operator: a topic whose settings break a promise
    ├── DependencyAway       nobody yet: Kafka or Redis is not reachable, wait       exit 1
    │   ├── FlagStoreUnavailable
    │   └── BrokerRefuses    the operator: the login, or the user's rights    exit 2
    └── ContractError        the producer of one record: it goes to the dead letters

Bugs are none of these: they assert, and end the worker.
"""

from __future__ import annotations

EXIT_AWAY = 1
EXIT_CALLER = 2
EXIT_NO = 3


class HushtagError(Exception):
    """Base of all. `fix` says what to do next, in one line; "" where nothing can be done."""

    exit_code = EXIT_CALLER

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


class CallerMistake(HushtagError):
    """The caller gave something wrong and can mend it."""


class SettingsError(CallerMistake):
    """An environment variable has a value that cannot be used."""


class PolicyError(CallerMistake):
    """A policy file cannot be used."""


class TopicsError(CallerMistake):
    """A Kafka topic is missing or has settings that the promises do not allow."""


class DependencyAway(HushtagError):
    """A part that we depend on does not answer."""

    exit_code = EXIT_AWAY


class FlagStoreUnavailable(DependencyAway):
    """Redis does not take writes. Retry after `retry_after_seconds`, within a deadline of your own."""

    def __init__(self, message: str, *, retry_after_seconds: float = 1.0, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.retry_after_seconds = retry_after_seconds


class BrokerRefuses(DependencyAway):
    """Kafka does not let us in, or not at this topic. Who waits for a broker that is away waits for this, too."""

    exit_code = EXIT_CALLER


class ContractError(HushtagError):
    """One record breaks the contract of its topic.

    `reason` is a short stable word (a metric label and a dead-letter header), `field` the path of the
    field at fault ("" where it is the whole record), `value` what stood there, cut to 80 characters.
    """

    def __init__(self, reason: str, *, field: str = "", value: object = "", fix: str = "") -> None:
        self.reason = reason
        self.field = field
        self.value = ascii(value)[:80] if value != "" else ""
        where = f" in {field}" if field else ""
        what = f": {self.value}" if self.value else ""
        super().__init__(f"{reason}{where}{what}", fix=fix)
