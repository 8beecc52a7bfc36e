"""The decision record: what the judge says of one (hashtag, country), and the one truth that all renderings share.

A record carries the whole state of its key, every category and surface in it, so that the greatest version alone
tells everything and records may repeat or come out of order. Ids are strings in JSON.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from streams.log.account_facts import HeardFacts
from streams.policy.activation import Activation

WORLD = "*"
Action = Literal["suppress", "hold", "review", "shadow", "allow", "clear"]
HIDING: frozenset[str] = frozenset({"suppress", "hold"})
SAY_AGAIN_MS = 12 * 3_600_000
"""So often a lapsed ruling, which may bar the next for longer than decisions are kept, is said again."""


class Reason(msgspec.Struct, frozen=True):
    """One signal that spoke for the action: its value and the threshold that it passed."""

    signal: str
    value: float
    threshold: float


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What the ruling rests on; counts of the window that decided. Never texts."""

    window_ms: int
    tweets: int
    authors: int
    scored: int
    """How many sampled authors had a scored text."""
    share: float
    """Estimated from the scored sample: the part of the authors that writes harm of this category, in [0, 1]."""
    lower: float
    upper: float
    burst: float | None = None
    """Rate against the tag's own past; None without a past."""
    copies: float = 0.0
    """Share of sampled tweets whose text another sampled author wrote too, native retweets apart, in [0, 1]."""
    young: float = 0.0
    """Share of sampled authors with a young account, in [0, 1]."""
    term: bool = False
    """The tag is, or looks like, a curated term."""
    links: float = 0.0
    """Share of scored authors whose tweet links to a curated domain, in [0, 1]."""
    successor: float = 0.0
    """Lower bound of the share of authors who wrote under a hidden tag before, in [0, 1]; 0 where nobody asks."""
    predecessor: str = ""
    """That tag, the one of which the bound is greatest."""
    sampled: tuple[str, ...] = ()
    """Ids of some sampled tweets, at most 10."""
    looked: int = 0
    """How many of the scored authors' texts stage 2 has read as well; 0: `share` is stage 1's alone."""
    stage_2: str = ""
    """Revision of stage 2; "" where it had no part, be it that it was away or had not come to this hashtag."""


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one (category, surface) under the record's key."""

    category: str
    surface: str
    action: Action
    since_ms: int
    """Tick at which this action began; a refresh leaves it alone."""
    expires_at_ms: int
    """0 for `clear`."""
    lapsed: bool = False
    """A `clear` that must not turn back by itself until the upper bound has been below `clear_at`."""
    provisional: bool = False
    """Early: not settled yet. A provisional `clear` withdraws an early ruling."""
    valve: str = ""
    """A `review` that would have hidden: the safety valve that it was past."""
    reasons: tuple[Reason, ...] = ()
    evidence: Evidence | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="decision"):
    """What is in force for one (hashtag, country or `*`) from one source."""

    hashtag: str
    display: str
    country: str
    rulings: tuple[Ruling, ...]
    """Every ruling in force; one whose action is `clear` says that it has just ended."""
    version: str
    tick_ms: int
    """End of the tick that it settles, or for a provisional one the end of the newest pane that it counted."""
    settled_ms: int
    """The settled tick as of which the rulings that are not provisional stand."""
    decided_at_ms: int
    policy_revision: str
    model_revision: str
    provisional: bool = False
    source: str = "automated"
    actor: str = "hushtag"


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="progress"):
    """How far a shard's judge has got: everything up to `position` has been said and acknowledged."""

    shard: int
    settled_ms: int
    """End of the last settled pane."""
    position: int
    """Offset of the partials record at which it settled."""
    replay_offset: int
    """First record of any pane that had not settled: where a successor begins."""
    activations: list[Activation]
    """Without the policies' bodies: the `policy` topic has them by revision."""
    hold_until_ms: int = 0
    """No clear and no early flag before this tick: a gap of the log is in the windows."""
    blocks: dict[str, int] = {}
    """The open block of each source, by topic id and partition: registers of settled panes in it are counted."""
    minutes_from_ms: int = 0
    """No minute pane that starts earlier was kept."""
    facts: list[HeardFacts] = []
    """How much of the `moderation` topic counts from which tick on."""
    passed_ms: int = -1
    """The greatest watermark in the shard's log up to `position`."""
    replay_passed_ms: int = -1
    """The same before `replay_offset`: from which tick on a correction counts is told by the watermarks before it."""
    model_from_ms: int = -1
    """Since when the model in force has been so; -1: since the beginning."""

    @property
    def version(self) -> str:
        """Compares like a decision's."""
        return version_of(self.position, self.settled_ms)


def version_of(offset: int, tick_ms: int, *, incarnation: int = 0) -> str:
    """A version that compares as text the way (incarnation, offset, tick) compares as numbers.

    >>> version_of(9, 10_000) < version_of(10, 0) < version_of(10, 10_000)
    True
    """
    return f"{incarnation:04d}.{offset:019d}.{tick_ms:015d}"


encode_record = msgspec.json.Encoder().encode
"""Decision or Progress to JSON."""
decode_record = msgspec.json.Decoder(Decision | Progress).decode
"""JSON of `suppression-decisions` to Decision or Progress."""


def decision_in(value: bytes | None) -> Decision | None:
    """The decision in a record of `suppression-decisions`; None for progress, and for what is no record at all.

    For those who only look: whoever acts on the topic counts and tells what it cannot read.
    """
    try:
        said = decode_record(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return said if isinstance(said, Decision) else None


encode_decision = encode_record
decode_decision = msgspec.json.Decoder(Decision).decode
