"""What a control message takes out of the windows: the rows of its retraction, and a word for the metrics.

deletion          says when its tweet was made and which hashtags it had: it leaves their counts, and samples
notice            a deletion that says less: the tweet leaves samples
tweet_withheld    the tweet leaves the samples of the countries where it is withheld
account_withheld  takes nothing out: that is a fact about an account, and those come from the moderation log
too_old           a deletion whose tweet no window reaches back to
"""

from __future__ import annotations

from streams.counting.block_counts import PANE_MS
from streams.counting.retractions import NO_PANE, OpenRetractions
from streams.counting.sharding import Sharding
from streams.counting.times import TimeRules
from streams.errors import ContractError
from streams.events.tweet import Control

KINDS = ("deletion", "notice", "tweet_withheld", "account_withheld", "too_old")


def leaves(control: Control) -> tuple[str, ...]:
    """What a message takes its tweet out of: `counts`, `samples`."""
    if control.id is None:
        return ()
    if control.kind == "delete":
        return ("counts", "samples") if control.exact else ("samples",)
    return ("samples",) if control.countries else ()


def retract(control: Control, log_ms: int, into: OpenRetractions, sharding: Sharding, times: TimeRules) -> str | None:
    """Take the retraction of a message with log time `log_ms`; one of `KINDS`, None where it is no retraction.

    Raises:
        ContractError: `event_ahead`, the deleted tweet is said to lie too far in the future.
    """
    if control.kind not in ("delete", "withheld"):
        return None
    tweet, heard = control.id, log_ms // PANE_MS
    if tweet is None:
        return "account_withheld"
    if control.kind == "withheld":
        for country in control.countries:
            into.add(None, "", country, NO_PANE, tweet, heard)
        return "tweet_withheld"
    if not control.exact:
        into.add(None, "", "*", NO_PANE, tweet, heard)
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
        into.add(sharding.of(use.hashtag), use.hashtag, control.country, made_ms // PANE_MS, tweet, heard)
    return "deletion"
