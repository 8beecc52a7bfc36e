"""Provider for OpenFeature: a boolean flag, whether a surface may show a hashtag. Needs the extra `openfeature`.

from openfeature import api
from openfeature.evaluation_context import EvaluationContext

api.set_provider(HushtagProvider(FlagsClient("redis://127.0.0.1:6379/0").start()))
context = EvaluationContext("#SomeTag", {"surface": "trends", "country": "IN"})
api.get_client().get_boolean_value("hashtag-shown", True, context)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import FlagNotFoundError, InvalidContextError, TargetingKeyMissingError, TypeMismatchError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from hushtag_client.answer import Answer
from hushtag_client.answers import Answers

SHOWN, WEIGHT = "hashtag-shown", "hashtag-weight"
"""Flags: a boolean, and a number from 0 to 1 for rankings."""


class HushtagProvider(AbstractProvider):
    """Answers of a client as OpenFeature flags.

    The evaluation context names the hashtag (its targeting key), the `surface` and the `country`. Without current flags
    the value is the surface's fallback in the client's options, with the reason STALE. The flag's metadata has `why`,
    `weight`, `by` and `warning`.

    Args:
        client: client that the caller starts and closes.
    """

    def __init__(self, client: Answers) -> None:
        super().__init__()
        self._client = client

    def get_metadata(self) -> Metadata:
        """Return the provider's name."""
        return Metadata(name="hushtag")

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """Resolve the flag `hashtag-shown` by one check."""
        answer = self._answer(flag_key, SHOWN, evaluation_context)
        return FlagResolutionDetails(
            value=answer.shown, variant="shown" if answer.shown else "hidden", reason=_reason(answer),
            flag_metadata=_metadata(answer),
        )  # fmt: skip

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """Resolve the flag `hashtag-weight` by one check."""
        answer = self._answer(flag_key, WEIGHT, evaluation_context)
        return FlagResolutionDetails(
            value=float(answer.weight), reason=_reason(answer), flag_metadata=_metadata(answer)
        )

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """Refuse: no flag is a text."""
        self._refuse(flag_key)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """Refuse: no flag is an integer."""
        self._refuse(flag_key)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Any]:
        """Refuse: no flag is an object."""
        self._refuse(flag_key)

    def _answer(self, flag_key: str, offered: str, context: EvaluationContext | None) -> Answer:
        if flag_key != offered:
            self._refuse(flag_key)
        if context is None or not context.targeting_key:
            raise TargetingKeyMissingError("the hashtag is missing: set it as the targeting key")
        surface, country = context.attributes.get("surface"), context.attributes.get("country")
        if not isinstance(surface, str) or not surface:
            raise InvalidContextError('surface: missing; set it in the context, such as "trends"')
        if country is not None and not isinstance(country, str):
            raise InvalidContextError('country: must be two letters such as "IN", or absent if unknown')
        return self._client.check(context.targeting_key, surface, country)

    def _refuse(self, flag_key: str) -> NoReturn:
        if flag_key in (SHOWN, WEIGHT):
            raise TypeMismatchError(f"{SHOWN} is a boolean, {WEIGHT} a float")
        raise FlagNotFoundError(f"{flag_key!r} is no flag: use {SHOWN} or {WEIGHT}")


def _reason(answer: Answer) -> Reason:
    if answer.why in ("stale", "unavailable"):
        return Reason.STALE
    return Reason.DEFAULT if answer.register is None else Reason.TARGETING_MATCH


def _metadata(answer: Answer) -> Mapping[str, bool | int | float | str]:
    by = answer.register.field if answer.register else ""
    return {"why": answer.why, "weight": answer.weight, "by": by, "warning": answer.warning or ""}
