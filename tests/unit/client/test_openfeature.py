"""The OpenFeature provider, through the SDK's own client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hushtag_client import MemoryFlagsClient, MemoryServer, Register
from hushtag_client.openfeature import SHOWN, WEIGHT, HushtagProvider
from hushtag_client.registers import Action
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

NOW_MS = 1_800_000_000_000


def automated(action: Action, hashtag: str, **members: Any) -> Register:
    until_ms = NOW_MS + 3_600_000
    return Register(version="1", action=action, hashtag=hashtag, surface="trends", expires_at_ms=until_ms, **members)


class World:
    def __init__(self) -> None:
        self.server, self.now_ms = MemoryServer(), NOW_MS
        self.server.away = True
        flags = MemoryFlagsClient(self.server, clock=lambda: self.now_ms, surface_defaults={"search": "hide"})
        api.set_provider(HushtagProvider(flags), domain="hushtag")
        self.client: OpenFeatureClient = api.get_client("hushtag")

    def seed(self) -> None:
        self.server.away = False
        self.server.seed(
            [automated("suppress", "bad", country="IN"), automated("discount", "half", weight=0.25)], settled_ms=NOW_MS
        )


@pytest.fixture
def world() -> Iterator[World]:
    yield World()
    api.clear_providers()


def asked(hashtag: str | None, surface: object = "trends", country: object = "IN") -> EvaluationContext:
    attributes = {name: value for name, value in (("surface", surface), ("country", country)) if value is not None}
    return EvaluationContext(hashtag, attributes)  # type: ignore[arg-type]


def test_boolean_flag_follows_hashtag_surface_and_country(world: World) -> None:
    world.seed()
    found = world.client.get_boolean_details(SHOWN, True, asked("#Bad"))
    assert (found.value, found.reason, found.variant) == (False, Reason.TARGETING_MATCH, "hidden")
    assert found.flag_metadata == {"why": "flagged", "weight": 1.0, "by": "trends|IN|automated|bad", "warning": ""}
    for context in (asked("bad", country="US"), asked("bad", country=None), asked("bad", "search"), asked("other")):
        found = world.client.get_boolean_details(SHOWN, False, context)
        assert (found.value, found.reason) == (True, Reason.DEFAULT)


def test_weight_flag_is_that_of_a_discount(world: World) -> None:
    world.seed()
    assert world.client.get_float_value(WEIGHT, 0.9, asked("half")) == 0.25
    assert world.client.get_float_value(WEIGHT, 0.9, asked("bad")) == 1.0


def test_without_current_flags_surface_fallback_is_the_value(world: World) -> None:
    found = world.client.get_boolean_details(SHOWN, True, asked("bad", "search"))
    assert (found.value, found.reason, found.flag_metadata["why"]) == (False, Reason.STALE, "unavailable")
    world.seed()
    world.now_ms += 120_000
    found = world.client.get_boolean_details(SHOWN, False, asked("bad"))
    assert (found.value, found.reason, found.flag_metadata["why"]) == (True, Reason.STALE, "stale")


def test_unknown_country_is_in_metadata(world: World) -> None:
    world.seed()
    found = world.client.get_boolean_details(SHOWN, False, asked("bad", country="ZZ"))
    assert (found.value, found.flag_metadata["warning"]) == (True, "unknown_country")


@pytest.mark.parametrize(
    ("context", "code"),
    [
        (asked(None), ErrorCode.TARGETING_KEY_MISSING),
        (asked("bad", None), ErrorCode.INVALID_CONTEXT),
        (asked("bad", country=91), ErrorCode.INVALID_CONTEXT),
    ],
)
def test_incomplete_context_gives_default_with_error(world: World, context: EvaluationContext, code: ErrorCode) -> None:
    world.seed()
    found = world.client.get_boolean_details(SHOWN, False, context)
    assert (found.value, found.error_code, found.reason) == (False, code, Reason.ERROR)


def test_other_flags_and_types_are_refused(world: World) -> None:
    world.seed()
    assert world.client.get_boolean_details("shown", True, asked("bad")).error_code == ErrorCode.FLAG_NOT_FOUND
    assert world.client.get_string_details(SHOWN, "", asked("bad")).error_code == ErrorCode.TYPE_MISMATCH
    assert world.client.get_integer_details(SHOWN, 1, asked("bad")).error_code == ErrorCode.TYPE_MISMATCH
    assert world.client.get_object_details(SHOWN, {}, asked("bad")).error_code == ErrorCode.TYPE_MISMATCH
