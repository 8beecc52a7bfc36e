"""Configuration of notifications, `config/notify.yaml`: the channels, and the events that each of them sends.

Keys and passwords are settings of the environment and never stand in this file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from streams.errors import CallerMistake
from streams.policy.durations import nearest_duration, parse_duration
from streams.settings_checks import address_problem

EventKind = Literal["holds", "deadlines", "appeals", "statements", "decisions"]
"""`holds`: holds about to lapse. `deadlines`: orders' deadlines. `appeals`: decided appeals. `statements`: statements
of reasons for affected users, through the platform's endpoint. `decisions`: changes by automated decisions."""
EVENT_KINDS: tuple[EventKind, ...] = get_args(EventKind)
CHANNEL_NAME = r"^[a-z][a-z0-9-]{0,39}$"
_ADDRESS = r"^[^@\s,<>]+@[^@\s,<>]+$"
_DURATION = "a whole number and s, m or h, such as 30m"


def _duration_ms(value: object) -> int:
    duration_ms = parse_duration(value) if isinstance(value, str) else None
    if duration_ms is None:
        raise ValueError(f"write {nearest_duration(value) or _DURATION}")
    return duration_ms


def _working_address(address: str) -> str:
    if address_problem(address):
        raise ValueError("give a host, and a port from 1 to 65535, such as https://platform.example:8443/hushtag")
    return address


DurationMs = Annotated[int, BeforeValidator(_duration_ms)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NotifyRoute(_Section):
    """Route of one kind of event on a channel."""

    digest_ms: Annotated[DurationMs, Field(alias="digest", description="events of this time are one message")] = 60_000


class TimedRoute(NotifyRoute):
    """Route of events that are announced before their time."""

    before_ms: Annotated[
        tuple[DurationMs, ...], Field(alias="before", min_length=1, description="times before it, each a message")
    ]


class StatementRoute(NotifyRoute):
    """Route of statements of reasons."""

    confidential: Annotated[
        bool, Field(description="whether to send statements on measures of confidential orders")
    ] = False


class NotifyRoutes(_Section):
    """Events that a channel sends; an event that is left out is not sent."""

    holds: TimedRoute | None = None
    deadlines: TimedRoute | None = None
    appeals: NotifyRoute | None = None
    statements: StatementRoute | None = None
    decisions: NotifyRoute | None = None

    def items(self) -> Iterator[tuple[EventKind, NotifyRoute]]:
        """Yield each event that is sent, with its route."""
        for kind in EVENT_KINDS:
            if (route := getattr(self, kind)) is not None:
                yield kind, route


class ChannelConfig(_Section):
    """One channel: a webhook's address, or the recipients of e-mail."""

    webhook: Annotated[str, Field(pattern=r"^https?://[^\s/]+\S*$"), AfterValidator(_working_address)] = ""
    email: tuple[Annotated[str, Field(pattern=_ADDRESS)], ...] = ()
    sends: NotifyRoutes

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if bool(self.webhook) == bool(self.email):
            raise ValueError("give either `webhook` or `email`, one of the two")
        if self.email and self.sends.statements is not None:
            raise ValueError("statements need a webhook: hushtag does not know the addresses of users")
        return self


class NotifyConfig(_Section):
    """All channels by name, and the sender of e-mail."""

    sender: Annotated[str, Field(alias="from", pattern=rf"{_ADDRESS}|^$")] = ""
    channels: Mapping[Annotated[str, Field(pattern=CHANNEL_NAME)], ChannelConfig] = {}

    @model_validator(mode="after")
    def _check_sender(self) -> Self:
        if not self.sender and any(channel.email for channel in self.channels.values()):
            raise ValueError("a channel sends e-mail: give its sender as `from`")
        return self


def load_notify_config(path: Path) -> NotifyConfig:
    """Read the file.

    Raises:
        CallerMistake: names every wrong field with its value, and the fix.
    """
    try:
        document = YAML(typ="safe").load(path.read_text("utf-8"))
    except OSError as error:
        raise CallerMistake(f"{path}: {error.strerror}", fix="name the file with --config") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise CallerMistake(f"{path} is not YAML: {' '.join(str(error).split())[:200]}", fix="correct it") from None
    try:
        return NotifyConfig.model_validate(document if document is not None else {})
    except ValidationError as error:
        # A list whose only value is wrong counts as empty, too: one fault, one line.
        problems = [_problem(fault) for fault in error.errors() if fault["type"] != "too_short" or not fault["input"]]
        lines = [f"{path}: {where}{what}" for where, what, _ in problems]
        raise CallerMistake("\n".join(lines), fix="\n".join(dict.fromkeys(fix for *_, fix in problems))) from None


def _problem(error: Any) -> tuple[str, str, str]:
    """Return the field, its value and fault, and the fix."""
    path = ".".join(str(step) for step in error["loc"] if step != "[key]")
    where = f"{path}: " if path else ""
    if error["type"] == "extra_forbidden":
        return where, "there is no such field", f"remove {path}, or correct its name"
    if error["type"] == "missing":
        return where, "is missing", f"give {path}"
    what = error["msg"].removeprefix("Value error, ")
    if error["type"] == "value_error":
        value = "" if isinstance(error["input"], dict) else f"{str(error['input'])[:80]!r}: "
        return where, value + ("not a duration" if what.startswith("write ") else what), what
    return where, f"{str(error['input'])[:80]!r}: {what[0].lower() + what[1:]}", f"correct {path or 'the file'}"
