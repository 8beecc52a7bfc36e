"""Bodies of requests: counted before they are parsed, and parsed and validated in a thread, within bounds.

Neither the time of other callers nor memory depends on how faulty a body is. Pydantic builds every fault of a body, so
what could have many is refused before: more values than a route needs, or an object with more members than any has.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from moderation.access.bodies import FAULTY_ITEMS
from moderation.access.problems import RefusedCall

MOST_VALUES = 20_000
"""Maximum number of members, items and objects of a body, each; a model with `most_values` has its own."""
MOST_MEMBERS = 200
"""Maximum number of members of one object; no model has as many."""
MOST_BUILT_FAULTS = 5_000
"""Number of faults above which none is built."""
_STRING = re.compile(r'"(?:[^"\\]+|\\.)*+(?:"|\\?\Z)', re.DOTALL)


class BodyShape:
    """Model of a route's body, with its bounds."""

    def __init__(self, model: Any) -> None:
        self._adapter: TypeAdapter[Any] = TypeAdapter(model)
        self._most_values = int(getattr(model, "most_values", MOST_VALUES))

    def validated(self, body: bytes) -> tuple[Any, list[Any]]:
        """Return the model of a body, or its faults.

        Raises:
            RefusedCall: the body has more values than it may have (413, 422).
            ValueError: it is not JSON.
        """
        text = body.decode(json.detect_encoding(body), "surrogatepass")
        _check_count(text, self._most_values)
        content = json.loads(text)
        _check_members(content)
        try:
            return self._adapter.validate_python(content, from_attributes=True), []
        except ValidationError as error:
            if (count := error.error_count()) > MOST_BUILT_FAULTS:
                detail = f"the body has {count:,} faults"
                raise RefusedCall("mistake", detail, "compare it with /openapi.json") from None
            return None, list(_placed(error.errors(include_url=False), ("body",)))


class BodyRequest(Request):
    """Request whose body is validated before its route reads it.

    The route gets the validated model in place of the JSON, and takes it as it is.
    """

    faults: Sequence[Any] = ()
    """Faults of the body, in the form of pydantic."""
    _content: Any = None
    _failure: Exception | None = None

    async def read_body(self, shape: BodyShape) -> None:
        """Parse and validate the body in a thread.

        Raises:
            RefusedCall: it has more values than a body may have (413, 422).
        """
        body = await self.body()
        if body:
            try:
                self._content, self.faults = await asyncio.to_thread(shape.validated, body)
            except (ValueError, RecursionError) as error:  # not JSON
                self._failure = error

    async def json(self) -> Any:
        """Return the validated model; for a faulty body a value that every model refuses."""
        if self._failure is not None:
            raise self._failure
        return 0 if self.faults else self._content

    def with_body_faults(self, error: RequestValidationError) -> RequestValidationError:
        """Return the faults of a refused request, with those of the body that were found before."""
        if not self.faults:
            return error
        others = [fault for fault in error.errors() if fault["loc"][0] != "body"]
        return RequestValidationError([*others, *self.faults])


def _placed(faults: Iterable[Any], place: tuple[str | int, ...]) -> Iterator[Any]:
    """Add a place to faults; a fault of `each_of` is replaced by the faults of its items."""
    for fault in faults:
        if fault["type"] == FAULTY_ITEMS:
            yield from _placed(fault["ctx"]["faults"], (*place, *fault["loc"]))
        else:
            yield fault | {"loc": (*place, *fault["loc"])}


def _check_count(text: str, most_values: int) -> None:
    """Count the values of a JSON text without parsing it.

    Raises:
        RefusedCall: there are too many (413).
    """
    structure = _STRING.sub('"', text)
    count = max(structure.count(":"), structure.count(","), structure.count("[") + structure.count("{"))
    if count > most_values:
        raise RefusedCall("too_large", f"a body of this call has at most {most_values:,} values", "split it")


def _check_members(content: Any) -> None:
    """Check the number of members of every object.

    Raises:
        RefusedCall: one has too many (422).
    """
    waiting = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if len(value) > MOST_MEMBERS:
                words = f"an object of the body has {len(value):,} members, at most {MOST_MEMBERS} are allowed"
                raise RefusedCall("mistake", words, "leave out what /openapi.json does not name")
            waiting.extend(member for member in value.values() if isinstance(member, dict | list))
        elif isinstance(value, list):
            waiting.extend(member for member in value if isinstance(member, dict | list))
