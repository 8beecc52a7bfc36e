"""Sense of records: values that decode, and that no worker can have written.

A judge would act on such a value for ever: it would wait for a billion source partitions, or for a tick in the year
9999. So the record counts as one that cannot be read. A check knows the record, its shard and its log time alone, since
a judge has no clock. Where a setting bounds the distance of two times, the check takes the greatest value that the
setting can have: a rolling change of settings stops no shard.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt

from streams.constants import DAY_MS, PANE_MS
from streams.errors import ContractError

MOST_SOURCES = 65_536
"""Partitions of the source topic."""
MOST_OFFSET = 2**43 - 1
"""Greatest source offset: origins have 43 bits for it (`streams.counting.origins`)."""
LATEST_MS = 253_402_300_799_999
"""Latest time: the end of the year 9999, the last that a date can show; versions have 15 digits for it."""
AHEAD_MS = DAY_MS
"""Greatest lead of a time in a record before its log time; brokers' clocks differ by less."""
MARK_AHEAD_MS = 600_000
"""Greatest lead of a watermark before its record's log time; what it passes settles for ever.

A worker's watermark lies behind the brokers' time, and settings let that differ by a minute.
"""
SLACK_MS = 600_000 + 60_000 + 600_000
"""Greatest `TimeRules.watermark_slack_ms` that settings allow."""
_TOPIC_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Ms = Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)]
"""Time in milliseconds since 1970."""
MsOrNone = Annotated[int, msgspec.Meta(ge=-1, le=LATEST_MS)]
"""Time in milliseconds; -1: none yet."""
Offset = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
LogOffset = Annotated[int, msgspec.Meta(ge=0, le=MOST_OFFSET)]
"""Offset in a topic whose records a person or a tweet makes."""
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Part = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
"""Share, probability or factor."""
Shard = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
"""Number of a partition."""
Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=280)]
"""Hashtag in normal form."""
Surface = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}\Z")]
Country = Annotated[str, msgspec.Meta(pattern=r"^([A-Z]{2}|\*)\Z")]


def absurd(field: str, value: object, allowed: str) -> ContractError:
    """Return the error of a field whose value makes no sense."""
    return ContractError("absurd", field=field, value=f"{str(value)[:40]}, not {allowed}")


def require_range(field: str, value: int, least: int, most: int) -> None:
    """Check a number.

    Raises:
        ContractError: it is not in [least, most].
    """
    if not least <= value <= most:
        raise absurd(field, value, f"{least} to {most}")


def require_column(field: str, values: npt.NDArray[Any], least: int, most: int | None = None) -> None:
    """Check the numbers (n,) of a column; `most` None: any that its type holds. See `require_range`."""
    if len(values):
        require_range(field, int(values.min()), least, 2**63 - 1 if most is None else most)
        if most is not None:
            require_range(field, int(values.max()), least, most)


def require_topic_id(field: str, topic_id: str) -> None:
    """Check the id of a topic.

    Raises:
        ContractError: Kafka gives no such id.
    """
    if not _TOPIC_ID.fullmatch(topic_id):
        raise absurd(field, topic_id, "a topic's UUID")


def require_names(field: str, names: Sequence[str], *, with_empty: bool = False) -> None:
    """Check hashtags in a record of a side input: tables of names hold one a line.

    Raises:
        ContractError: one has a line break, or is empty.
    """
    wrong = next((name for name in names if "\n" in name or not (name or with_empty)), None)
    if wrong is not None:
        raise absurd(field, repr(wrong), "a hashtag")


def require_tick(field: str, at_ms: int) -> None:
    """Check the end of a tick.

    Raises:
        ContractError: no pane ends there.
    """
    require_range(field, at_ms, 0, LATEST_MS)
    if at_ms % PANE_MS:
        raise absurd(field, at_ms, f"a multiple of {PANE_MS}")


def are_probabilities(values: npt.NDArray[np.floating[Any]]) -> bool:
    """Return whether each value is in [0, 1], or NaN."""
    return not ((values < 0) | (values > 1)).any()
