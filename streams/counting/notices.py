"""The retractions of control messages: the rows that they add, and their kind for the metrics.

deletion          names the time and hashtags of its tweet, which leaves their counts and samples
notice            a deletion without these; the tweet leaves samples only
tweet_withheld    the tweet leaves the samples of the countries where it is withheld
account_withheld  retracts nothing: facts about accounts come from the moderation log
too_old           a deletion of a tweet that is older than every window
"""

from __future__ import annotations

from streams.constants import PANE_MS
from streams.counting.keys import Sharding
from streams.counting.retractions import NO_PANE, OpenRetractions
from streams.counting.times import TimeRules
from streams.errors import ContractError
from streams.events.tweet import Control

KINDS = ("deletion", "notice", "tweet_withheld", "account_withheld", "too_old")


def retract(control: Control, log_ms: int, into: OpenRetractions, sharding: Sharding, times: TimeRules) -> str | None:
    """Add the retraction of a message, and return one of `KINDS`; None if it is no retraction.

    Args:
        control: the control message.
        log_ms: log time of the message.
        into: receives the rows of the retraction.
        sharding: assigns each row to its shard.
        times: limits on the time of the deleted tweet.

    Raises:
        ContractError: `event_ahead`, the deleted tweet lies too far in the future.
    """
    if control.kind not in ("delete", "withheld"):
        return None
    tweet, received = control.id, max(0, log_ms // PANE_MS)  # a record without a timestamp has -1
    if tweet is None:
        return "account_withheld"
    if control.kind == "withheld":
        for country in control.countries:
            into.add(None, "", country, NO_PANE, tweet, received)
        return "tweet_withheld"
    if not control.exact:
        into.add(None, "", "*", NO_PANE, tweet, received)
        return "notice"
    made_ms = control.created_at_ms
    assert made_ms is not None
    if made_ms - log_ms > times.max_event_ahead_ms:
        fix = (
            f"created_at_ms is when the deleted tweet was made: at most {times.max_event_ahead_ms} ms ahead of "
            f"the record's timestamp {log_ms}"
        )
        raise ContractError("event_ahead", field="created_at_ms", value=made_ms, fix=fix)
    if log_ms - made_ms > times.max_event_age_ms:
        return "too_old"
    for use in control.hashtags:
        into.add(sharding.of(use.hashtag), use.hashtag, control.country, made_ms // PANE_MS, tweet, received)
    return "deletion"
