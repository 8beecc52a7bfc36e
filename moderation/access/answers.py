"""JSON answers of the API, and the convention of their models.

Every answer is a subclass of `AnswerModel` whose name ends in `Answer`, unique in the tree, given to its route as
`response_model`. The route returns it, or its members, in a `JsonReply`. `tests/support/api_calls.py` validates every
answer that a test receives against the model of its route; a member that the model does not declare fails the test.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse

from streams.answers import AnswerModel


class JsonReply(JSONResponse):
    """JSON in UTF-8; a lone surrogate, which UTF-8 cannot encode, stays escaped."""

    def render(self, content: Any) -> bytes:
        """Encode compact UTF-8 JSON; refuse NaN and escape lone surrogates."""
        text = json.dumps(
            content, default=AnswerModel.members, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        return text.encode("utf-8", "backslashreplace")
