"""Encoders of a draft in the three payload shapes: native, Twitter API v1.1, Twitter API v2."""

from __future__ import annotations

from collections.abc import Callable

from devkit.simulation.draft import TweetDraft
from devkit.simulation.payloads.native import native
from devkit.simulation.payloads.twitter_v1 import v1
from devkit.simulation.payloads.twitter_v2 import v2

SHAPES: dict[str, Callable[[TweetDraft], bytes]] = {"native": native, "v1.1": v1, "v2": v2}
