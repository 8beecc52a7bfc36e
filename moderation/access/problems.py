"""Refusals of the API: RFC 9457 problem details (`application/problem+json`), one shape for all of them.

`PROBLEMS` is the closed table of types. A refusal names its type, and its status follows from it. Routes raise
`RefusedCall` or let the errors of services pass; the application turns both into an answer. Faults of a request are
reported together: `errors` has a JSON pointer into the body, or the name of a parameter, for each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from moderation.access.answers import JsonReply
from moderation.domain.orders.errors import StaleOrder, change_words
from moderation.log.errors import ExposureLimit, FirstAnswerDue, NoSuchCase, NothingToUndo, StaleEdit, StaleReview
from streams.errors import ContractError, DependencyAway, HushtagError
from streams.flags.override_answers import record_view

PROBLEM_JSON = "application/problem+json"
MOST_FAULTS = 100
"""Maximum number of faults in an answer."""
_MOST_POINTER = 300
Problem = Mapping[str, Any]
"""Body of a refusal, in the shape of RFC 9457."""
TYPES = "/v1/problems/"
"""Path of the types: `type` is an address of this API that describes the problem."""


class ProblemType(NamedTuple):
    """Status and fixed words of one type of problem."""

    status: int
    title: str
    meaning: str


PROBLEMS: Mapping[str, ProblemType] = {
    "malformed": ProblemType(400, "Malformed request", "The body is not JSON, or the request cannot be parsed."),
    "unauthorised": ProblemType(401, "Not authenticated", "The key or the session is missing, unknown or expired."),
    "forbidden": ProblemType(403, "Not allowed", "The role of the caller lacks the permission."),
    "beyond_rights": ProblemType(
        403, "Beyond your rights", "The caller may write, but not for this country, category or duration."
    ),
    "blinded": ProblemType(
        403, "You review it blind", "You hold a blind second look of this hashtag; give your verdict or skip it first."
    ),
    "first_answer_due": ProblemType(
        403, "First answer due", "You see the numbers of an open case, and decide on it, after your first answer on it."
    ),
    "not_you": ProblemType(403, "Another person's name", "The caller may not write in the name of this actor."),
    "csrf": ProblemType(
        403, "CSRF token needed", "A write of a browser session lacks its token, or comes from another site."
    ),
    "keys_needed": ProblemType(403, "Keys needed", "A proxy or another machine calls an API without keys."),
    "not_found": ProblemType(404, "Not found", "The id or the address is unknown."),
    "wrong_method": ProblemType(405, "Wrong method", "The address does not have this method; `Allow` lists those."),
    "stale": ProblemType(409, "Another person acted first", "`changed` lists what happened; read again, then decide."),
    "under_way": ProblemType(409, "In progress", "The same write is in progress; wait for its answer."),
    "too_large": ProblemType(413, "Too large", "The body exceeds the limit."),
    "wrong_host": ProblemType(
        421, "Wrong host", "Without keys only localhost is served. The login takes keys only at the public address."
    ),
    "mistake": ProblemType(422, "Unusable value", "`errors` names each value that cannot be used."),
    "key_reused": ProblemType(422, "Idempotency key reused", "The key belongs to another request."),
    "too_often": ProblemType(429, "Too many calls", "`Retry-After` gives the wait."),
    "exposure_limit": ProblemType(
        429, "Enough texts for this shift", "You have opened as many texts as one person may; `next_at_ms` ends it."
    ),
    "bug": ProblemType(500, "The API failed", "It is a defect of hushtag; the server's log has the trace."),
    "away": ProblemType(503, "A dependency does not answer", "Kafka, Redis or the identity provider is away."),
}
_BY_STATUS = {400: "malformed", 401: "unauthorised", 403: "forbidden", 404: "not_found", 405: "wrong_method"} | {
    413: "too_large"
}


class Fault(NamedTuple):
    """One unusable value of a request."""

    detail: str
    pointer: str | None = None
    """JSON pointer into the body, as a fragment: `#/targets/3/kind`; `#` is the whole body."""
    parameter: str | None = None
    """Name of a query, path or header parameter."""

    def as_dict(self) -> dict[str, str]:
        """Build the entry of `errors`."""
        members = {"detail": self.detail, "pointer": self.pointer, "parameter": self.parameter}
        return {name: value for name, value in members.items() if value is not None}


class RefusedCall(Exception):
    """Refusal of a call by the API itself.

    Args:
        problem_type: key of `PROBLEMS`.
        detail: sentence for a person: what happened, to which value.
        fix: next step of the caller, in the words of HTTP.
        errors: every fault of the request.
        headers: headers of the answer.
        **more: further members of the body.
    """

    def __init__(
        self,
        problem_type: str,
        detail: str,
        fix: str = "",
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.body = problem(problem_type, detail, fix, errors=errors, **more)
        self.headers = dict(headers or {})


class ProblemReply(JsonReply):
    """Answer with the body of a problem; its status is the body's."""

    media_type = PROBLEM_JSON

    def __init__(self, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(body, body["status"], headers=dict(headers or {}))


def problem(
    problem_type: str, detail: str, fix: str = "", *, errors: Iterable[Fault] = (), **more: Any
) -> dict[str, Any]:
    """Build the body of a refusal, with the first `MOST_FAULTS` faults; `more` are further members."""
    kind = PROBLEMS[problem_type]
    body = {"type": TYPES + problem_type, "title": kind.title, "status": kind.status, "detail": detail, "fix": fix}
    faults = [fault.as_dict() for fault in islice(errors, MOST_FAULTS)]
    return body | ({"errors": faults} if faults else {}) | more


def problem_of_status(status: int, detail: str) -> dict[str, Any]:
    """Build the body of a refusal by the framework, such as an unknown address."""
    problem_type = _BY_STATUS.get(status)
    if problem_type is None:
        return {"type": "about:blank", "title": detail, "status": status, "detail": detail, "fix": "see /openapi.json"}
    return problem(problem_type, detail, "see /openapi.json")


def problem_of(error: HushtagError) -> dict[str, Any]:
    """Convert an error of a service to the body of a refusal."""
    detail, fix = http_words(str(error)), http_words(error.fix)
    match error:
        case StaleEdit():
            changed = [record_view(record).members() for record in error.changed]
            return problem("stale", detail, fix, version=error.version, changed=changed)
        case StaleOrder():
            changes = [change_words(record) for record in error.changed]
            return problem("stale", detail, fix, version=error.version, changed=changes)
        case StaleReview():
            return problem("stale", detail, fix, version="", changed=list(error.changed))
        case ExposureLimit():
            opened, limit, next_at_ms = error.opened, error.limit, error.next_ms or None
            return problem("exposure_limit", detail, fix, opened=opened, limit=limit, next_at_ms=next_at_ms)
        case FirstAnswerDue():
            return problem("first_answer_due", detail, fix, case=error.case)
        case NothingToUndo() | NoSuchCase():
            return problem("not_found", detail, fix)
        case DependencyAway():
            return problem("away", detail, fix)
    assert not isinstance(error, ContractError), error
    return problem("mistake", detail, fix, errors=[Fault(detail, "#")])


def faults_of(errors: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """Convert pydantic's errors of a request, all of them, to faults in plain words."""
    return [_fault(error) for error in errors]


def _fault(error: Mapping[str, Any]) -> Fault:
    place, *path = error["loc"]
    words, message = _WORDS.get(error["type"]), error["msg"]
    detail = words.format(**error.get("ctx", {})) if words else message[:1].lower() + message[1:]
    value = error.get("input")
    if error["type"] not in _WITHOUT_VALUE and isinstance(value, str | int | float | bool | None):
        detail += f", not {ascii(value)[:80]}"
    if place != "body":
        return Fault(f"{detail} ({place} parameter)", parameter=str(path[0]) if path else str(place))
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in path if part != "[key]"]
    return Fault(detail, "".join(("#", *(f"/{part}" for part in parts)))[:_MOST_POINTER])


_WORDS = {
    "missing": "this member is required",
    "extra_forbidden": "this member is unknown",
    "string_type": "a string is needed",
    "string_unicode": "text in UTF-8 is needed",
    "int_type": "an integer is needed",
    "int_parsing": "an integer is needed",
    "bool_type": "true or false is needed",
    "bool_parsing": "true or false is needed",
    "list_type": "an array is needed",
    "model_attributes_type": "an object is needed",
    "model_type": "an object is needed",
    "dict_type": "an object is needed",
    "string_too_short": "at least {min_length} characters are needed",
    "string_too_long": "at most {max_length} characters are allowed",
    "too_long": "at most {max_length} items are allowed",
    "too_short": "at least {min_length} items are needed",
    "greater_than_equal": "a number of at least {ge} is needed",
    "less_than_equal": "a number of at most {le} is needed",
    "literal_error": "one of {expected} is needed",
    "enum": "one of {expected} is needed",
    "string_pattern_mismatch": "text that matches {pattern} is needed",
    "json_invalid": "the body is not JSON: {error}",
}
_WITHOUT_VALUE = frozenset(("missing", "extra_forbidden", "json_invalid", "string_too_long", "hushtag"))

_HTTP_WORDS: Sequence[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern), words)
    for pattern, words in (
        (r"hushtag moderation list", "GET /v1/overrides"),
        (r"hushtag review list", "GET /v1/cases"),
        (r"hushtag cases? (?:list|show)", "GET /v1/cases"),
        (r"hushtag cases? claim", "POST /v1/cases/{case}/claim"),
        (r"hushtag appeal list", "GET /v1/appeals"),
        (r"hushtag orders list", "GET /v1/orders"),
        (r"hushtag orders show ([A-Z]{2}-[0-9a-f]+)", r"GET /v1/orders/\1"),
        (r"hushtag orders show", "GET /v1/orders/{order}"),
        (r"hushtag orders decide", "POST /v1/orders/{order}/rulings"),
        (r"hushtag resume", "POST /v1/resume"),
        (r"hushtag calibrate labels FILE", "POST /v1/calibration/labels"),
        (r"`hushtag model status` lists .*", "an operator lists the kept models, and may apply another one"),
        (r"hushtag model apply FILE", "an operator applies another model"),
        (r"--for\b", "`lasts`"),
        (r"--([a-z]+)-([a-z]+)\b", r"`\1_\2`"),
        (r"--([a-z]+)\b", r"`\1`"),
    )
]


def http_words(text: str) -> str:
    """Replace the words of the command line in an error of a service by those of HTTP.

    >>> http_words("look at it again (hushtag moderation list), or pause without --category")
    'look at it again (GET /v1/overrides), or pause without `category`'
    """
    for pattern, words in _HTTP_WORDS:
        text = pattern.sub(words, text)
    return text
