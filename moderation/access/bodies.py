"""Shapes and limits of requests, for validation and the OpenAPI document.

Values that need no log are checked here, with the functions that the commands use. So an answer reports all faults of
a body together; a service reports only the first.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Annotated, Any, Literal

from fastapi import Header, Path, Query
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from moderation.access.problems import MOST_FAULTS, http_words
from moderation.log.drafts import end_of, moment_ms, words_of
from streams.errors import CallerMistake
from streams.log.moderation import Verb
from streams.naming import country_of, recordable_tag, tag_of
from streams.policy.names import PolicyNames

REQUEST_NAMES: ContextVar[PolicyNames] = ContextVar("request_names")
"""Names of the live policy, for the request that is validated."""
REQUEST_MS: ContextVar[int] = ContextVar("request_ms")
"""Present time of the same request by the log's clock, Unix time in ms."""
CASE_ID = r"^case-[0-9a-f]{16}$"
CasePath = Annotated[str, Path(pattern=CASE_ID)]
ItemQuery = Annotated[
    str | None, Query(max_length=64, description="Item of the case; by default the one that reaches most.")
]
OrderPath = Annotated[str, Path(pattern=r"^[A-Z]{2}-[0-9a-f]{10}$")]
MOST_HANDLES = 100
"""Maximum number of handles of one call: each is a request to the resolver, and the caller waits for all."""
MOST_CASES = 200
"""Maximum number of cases of one call."""


def convert(function: Callable[[str], Any]) -> Callable[[str], Any]:
    """Let a function of the commands raise pydantic's errors."""

    def converted(value: str) -> Any:
        try:
            return function(value)
        except CallerMistake as error:
            words = f"{error}; {error.fix}" if error.fix else str(error)
            raise PydanticCustomError("hushtag", "{words}", {"words": http_words(words)}) from None

    return converted


def checked(check: Callable[[str], object]) -> AfterValidator:
    """Build a validator that keeps the value."""
    converted = convert(check)

    def validate(value: str) -> str:
        converted(value)
        return value

    return AfterValidator(validate)


FAULTY_ITEMS = "faulty_items"
"""Type of the fault that holds those of a list's items, in `faults`."""


def each_of(item: Any, most: int) -> WrapValidator:
    """Build a validator of a long list that checks item by item, and stops at `MOST_FAULTS` faults.

    Pydantic alone builds the faults of all items, which takes seconds.

    Args:
        item: type of the items.
        most: maximum number of items, which the list's own validator refuses to exceed.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(item)

    def validate(items: Any, validate_whole: ValidatorFunctionWrapHandler) -> Any:
        if not isinstance(items, list) or len(items) > most:
            return validate_whole(items)
        content, faults = [], list[Any]()
        for number, content_item in enumerate(items):
            try:
                content.append(adapter.validate_python(content_item))
            except ValidationError as error:
                faults += [fault | {"loc": (number, *fault["loc"])} for fault in error.errors(include_url=False)]
                if len(faults) >= MOST_FAULTS:
                    break
        if faults:
            raise PydanticCustomError(FAULTY_ITEMS, "{words}", {"words": "faulty items", "faults": faults})
        return content or validate_whole(content)

    return WrapValidator(validate)


Version = Annotated[
    str,
    Field(
        pattern=r"^(\d{4}\.\d{19}\.\d{15})?$",
        description='Version that you last saw; "" for nothing yet. A newer version answers 409.',
        examples=["", "0000.0000000000000000002.000000000000000"],
    ),
]
Moment = Annotated[
    str,
    Field(max_length=40, description="ISO 8601; UTC without an offset.", examples=["2026-12-31T18:00:00+05:30"]),
    checked(moment_ms),
]
HashtagText = Annotated[
    str,
    Field(min_length=1, max_length=280, description="Any equivalent spelling.", examples=["#Rumour"]),
    checked(recordable_tag),
]
CountryText = Annotated[
    str,
    Field(max_length=20, description="ISO 3166-1 alpha-2, or * for everywhere.", examples=["IN"]),
    AfterValidator(convert(country_of)),
]
SurfaceText = Annotated[
    str, Field(max_length=80, examples=["trends"]), checked(lambda name: REQUEST_NAMES.get().select_surfaces([name]))
]
Surfaces = Annotated[list[SurfaceText], Field(max_length=100)]
CategoryText = Annotated[str, Field(max_length=80), checked(lambda name: REQUEST_NAMES.get().check_category(name))]
Duration = Annotated[
    str,
    Field(max_length=40, description="Such as 2h or 7d.", examples=["2h"]),
    checked(lambda lasts: end_of(lasts or None, None, "7d", 0)),
]
ActorText = Annotated[
    str | None,
    Field(min_length=1, max_length=200, description="Person who decides; the caller if left out.", examples=["ann"]),
]
ReasonText = Annotated[
    str,
    Field(min_length=1, max_length=2000, description="Reason; it is kept and may be published."),
    checked(lambda reason: words_of("actor", reason)),
]
MomentQuery = Annotated[
    Annotated[int, BeforeValidator(convert(moment_ms), json_schema_input_type=str)] | None,
    Query(description="ISO 8601; UTC without an offset."),
]
HashtagPath = Annotated[
    str,
    Path(min_length=1, max_length=280, description="Any equivalent spelling, without #."),
    AfterValidator(convert(lambda text: tag_of(text).hashtag)),
]
HashtagQuery = Annotated[
    Annotated[str, AfterValidator(convert(lambda text: tag_of(text).hashtag))] | None,
    Query(max_length=300, description="Any equivalent spelling."),
]
CountryQuery = Annotated[
    Annotated[str, AfterValidator(convert(country_of))] | None,
    Query(max_length=20, description="ISO 3166-1 alpha-2, or *."),
]
IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", description="New for every write; the same for a repetition.")
]


def _checked_end(until: str | None, info: ValidationInfo) -> str | None:
    try:
        if until is not None:
            end_of(info.data.get("lasts"), until, "7d", REQUEST_MS.get())
    except CallerMistake as error:
        raise unusable(f"{error}; {error.fix}".replace("--for and --until", "`lasts` and `until`")) from None
    return until


OnlyEnd = Annotated[Moment | None, Field(description="Excludes `lasts`."), AfterValidator(_checked_end)]
"""End of a body that may have `lasts` in its place."""


class WriteBody(BaseModel):
    """Fields of every write."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actor: ActorText = None
    reason: ReasonText


class _ScopeBody(WriteBody):
    hashtag: HashtagText
    surfaces: Annotated[Surfaces, Field(description="Empty: all; for an undo, every surface in force.")] = []
    if_version: Version


class OverrideBody(_ScopeBody):
    """Block, allow or hold of a hashtag."""

    action: Verb
    country: CountryText = "*"
    lasts: Duration | None = None
    until: OnlyEnd = None


class BulkRow(BaseModel):
    """One decision of a bulk write."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hashtag: HashtagText
    action: Verb
    country: CountryText = "*"
    surfaces: Annotated[Surfaces, Field(description="Empty: all.")] = []
    lasts: Duration | None = None
    until: OnlyEnd = None
    if_version: Version


class BulkBody(WriteBody):
    """Decisions on several hashtags."""

    items: Annotated[list[BulkRow], Field(min_length=1, max_length=500)]


class UndoBody(_ScopeBody):
    """Undo of the last override of a scope."""

    country: Annotated[
        CountryText | None, Field(description="Needed if overrides are in force in several countries.")
    ] = None


class _StopBody(WriteBody):
    surfaces: Annotated[Surfaces, Field(description="Empty: all; to resume, every paused surface.")] = []
    if_version: Version


class PauseBody(_StopBody):
    """Press of the stop button."""

    country: CountryText = "*"
    category: Annotated[CategoryText, Field(description="Only this category of the policy; empty: all.")] = ""
    lasts: Annotated[Duration | None, Field(description="Automation resumes at its end; 24h by default.")] = None
    until: OnlyEnd = None


class ResumeBody(_StopBody):
    """Release of the stop button."""

    country: Annotated[CountryText | None, Field(description="Needed if several countries are paused.")] = None


class EndBody(WriteBody):
    """Outcome of an appeal."""

    verdict: Literal["uphold", "overturn"]


class AppealBody(WriteBody):
    """Appeal; `reason` is the appellant's."""

    reference: Annotated[str, Field(pattern=r"^hushtag-[0-9a-f]{24}$", description="Reference from the statement.")]


def unusable(words: str) -> PydanticCustomError:
    """Build the fault of a value."""
    return PydanticCustomError("hushtag", "{words}", {"words": words})
