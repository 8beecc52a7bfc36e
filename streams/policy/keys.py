"""Types of the values in a policy file: their ranges, and the errors for values outside of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from hushtag_client.normalise import normalise
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from streams.actions import MODES
from streams.constants import DAY_MS, MINUTE_MS, PANE_MS, SHORT_WINDOW_MS
from streams.countries import COUNTRIES, WORLD, nearest_country
from streams.policy.durations import DURATION_PATTERN, nearest_duration, parse_duration, spell_duration
from streams.policy.look_alikes import host_in, is_domain
from streams.signals.base import Kind

LONGEST_WINDOW_MS = DAY_MS
HASHTAG_MAX = 280

DURATION_EXPECTED = "a duration: a whole number and s, m or h, such as 30s, 10m, 24h"


def refuse(message: str, expected: str, hint: str = "") -> PydanticCustomError:
    """Build the error of a validator: the problem, the expected value, and the nearest valid value as a hint."""
    return PydanticCustomError("refused", "{message}", {"message": message, "expected": expected, "hint": hint})


def _to_ms(value: object) -> int:
    duration_ms = parse_duration(value) if isinstance(value, str) else None
    if duration_ms is None:
        raise refuse("not a duration", DURATION_EXPECTED, nearest_duration(value))
    return duration_ms


def _between(least_ms: int, most_ms: int, multiple_ms: int) -> Callable[[int], int]:
    limits = f"from {spell_duration(least_ms)} to {spell_duration(most_ms)}"
    steps = f", in steps of {spell_duration(multiple_ms)}" if multiple_ms > 1_000 else ""
    expected = f"a duration {limits}{steps}"

    def check(duration_ms: int) -> int:
        if not least_ms <= duration_ms <= most_ms:
            nearest_ms = min(max(duration_ms, least_ms), most_ms)
            raise refuse(f"{spell_duration(duration_ms)} is out of range", expected, spell_duration(nearest_ms))
        if duration_ms % multiple_ms:
            nearest_ms = max(least_ms, round(duration_ms / multiple_ms) * multiple_ms)
            message = f"{spell_duration(duration_ms)} is no multiple of {spell_duration(multiple_ms)}"
            raise refuse(message, expected, spell_duration(nearest_ms))
        return duration_ms

    return check


def _whole_minutes_if_long(window_ms: int) -> int:
    if window_ms > SHORT_WINDOW_MS and window_ms % MINUTE_MS:
        nearest_ms = round(window_ms / MINUTE_MS) * MINUTE_MS
        raise refuse(
            f"{spell_duration(window_ms)} is over 15m and not a whole number of minutes",
            "a window over 15m is whole minutes",
            spell_duration(nearest_ms),
        )
    return window_ms


def _country(code: str) -> str:
    if code != WORLD and code not in COUNTRIES:
        expected = 'a country (ISO 3166-1 alpha-2, such as IN or BR), or "*" for the world as a whole'
        raise refuse(f"there is no country {code!r}", expected, nearest_country(code))
    return code


def _hashtag(text: str) -> str:
    if any(character.isspace() for character in text.strip()):
        parts = text.split()
        meant = f"{', '.join(parts)} for {len(parts)} hashtags, or {''.join(parts)} for one"
        raise refuse("a hashtag has no spaces", "one hashtag, with or without its #", meant)
    if len(text) > HASHTAG_MAX:
        raise refuse(f"{len(text)} characters", f"one hashtag, at most {HASHTAG_MAX} characters")
    hashtag = normalise(text.strip())
    if any(character.isspace() for character in hashtag):  # a letterless accent, such as a diaeresis alone, brings one
        raise refuse(
            "this hashtag has a space once normalised",
            "one hashtag of letters",
            "".join(hashtag.split()),
        )
    if not hashtag:
        raise refuse("this hashtag is empty once normalised", "one hashtag, with or without its #")
    return text.strip()


def _domain(text: str) -> str:
    stripped = text.strip()
    bare = host_in(stripped)
    if bare != stripped.lower().strip("."):
        raise refuse(
            "this is more than a domain", "a domain name such as example.org; its subdomains are included", bare
        )
    if not is_domain(stripped):
        raise refuse("not a domain name", "a domain name of two labels or more, such as example.org")
    return stripped


_duration_text = (
    BeforeValidator(_to_ms),
    PlainSerializer(spell_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["30s", "10m", "24h"]}),
)

Window = Annotated[
    int,
    *_duration_text,
    AfterValidator(_between(PANE_MS, LONGEST_WINDOW_MS, PANE_MS)),
    AfterValidator(_whole_minutes_if_long),
]
Windows = Annotated[tuple[Window, ...], Field(min_length=1)]
Dwell = Annotated[int, *_duration_text, AfterValidator(_between(PANE_MS, LONGEST_WINDOW_MS, PANE_MS))]
Expiry = Annotated[int, *_duration_text, AfterValidator(_between(2 * PANE_MS, 7 * LONGEST_WINDOW_MS, 1_000))]
Grace = Annotated[int, *_duration_text, AfterValidator(_between(0, DAY_MS, 1_000))]
Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
OptionalShare = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
ReachedShare = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Confidence = Annotated[float, Field(gt=0.5, lt=1, allow_inf_nan=False)]
Floor = Annotated[int, Field(ge=1, le=1_000_000)]
if TYPE_CHECKING:
    Mode = str
else:
    Mode = Literal[tuple(MODES)]
Surface = Literal["trends", "search"]
Match = Literal["exact", "lookalike"]
Country = Annotated[
    str, AfterValidator(_country), WithJsonSchema({"type": "string", "enum": [WORLD, *sorted(COUNTRIES)]})
]
Domain = Annotated[str, Field(min_length=1, max_length=253), AfterValidator(_domain)]
Hashtag = Annotated[str, Field(min_length=1), AfterValidator(_hashtag)]


def threshold_of(kind: Kind) -> Any:
    """Return the pydantic type of the threshold of a signal of some kind."""
    if kind.threshold_type is bool:
        return bool
    above, least = (kind.least, None) if kind.above_least else (None, kind.least)
    finite = False if kind.threshold_type is float else None
    return Annotated[kind.threshold_type, Field(gt=above, ge=least, le=kind.most, allow_inf_nan=finite)]
