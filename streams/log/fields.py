"""The kinds of values that records of the `moderation` topic are made of, and the limits that the codec checks."""

from __future__ import annotations

from typing import Annotated

import msgspec
from hushtag_client.registers import ACCOUNT, TWEET

Country = Annotated[str, msgspec.Meta(pattern=r"^([A-Z]{2}|\*)$")]
Surface = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
RESERVED_SURFACES = frozenset({ACCOUNT, TWEET})
"""Under which the flags contract has accounts and tweets: only an order's records may speak of them."""
Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=280)]
Ms = Annotated[int, msgspec.Meta(ge=0, lt=10**15)]
Version = Annotated[str, msgspec.Meta(pattern=r"^(\d{4}\.\d{19}\.\d{15})?$")]
AccountId = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}$")]
