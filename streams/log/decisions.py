"""Decision records of `suppression-decisions`: the state of one (hashtag, country), from which all renderings are made.

A record carries the whole state of its key, with every category and surface. So the greatest version alone is
sufficient, and records may repeat or arrive out of order. Ids are strings in JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from hushtag_client.normalise import normalise

from streams.constants import HOUR_MS, PANE_MS
from streams.errors import ContractError
from streams.log.account_facts import AppliedMark
from streams.log.activations import check_sequence
from streams.log.sense import (
    MOST_SOURCES,
    Count,
    Country,
    Ms,
    MsOrNone,
    Offset,
    Part,
    Shard,
    Surface,
    Tag,
    absurd,
    require_names,
    require_range,
    require_tick,
    require_topic_id,
)
from streams.policy.activation import Activation
from streams.signals.registry import RECORDED

WORLD = "*"
Action = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,40}\Z")]
"""Action of a ruling: one of `streams.actions.ACTIONS`, or one of a later version."""
NOT_ASSESSED = "not_assessed"
"""Valve of a review that begins because the model does not read most of the texts."""
UNCORROBORATED = "uncorroborated"
"""Valve of a review that begins because a tag is over and nothing corroborates it, and of the `clear` that ends it."""
UNREAD_CAP = "unread_per_hour"
"""Reason of a review that stands for a country and language beyond the cap on reviews of tags that are not assessed."""
SPEAKING_SHARE = "speaking_share_lower"
"""Reason of a tag that is over only without the authors whose texts have no words."""
REPEAT_LAPSED_MS = 12 * HOUR_MS
"""Interval at which a lapsed decision is published again: it may bar the next for longer than decisions are kept."""


class DecisionReason(msgspec.Struct, frozen=True):
    """One signal that spoke for the action: its value and the threshold that it reached."""

    signal: str
    value: float
    threshold: float


class _Counts(msgspec.Struct, frozen=True, kw_only=True):
    window_ms: int
    tweets: int
    authors: int
    scored: int
    """Sampled authors with a scored text."""
    share: float
    """Estimated share of authors that write harm of the category, in [0, 1]."""
    lower: float
    upper: float


if TYPE_CHECKING:  # a field for each recorded signal of the registry
    _Measured = _Counts
else:
    _Measured = msgspec.defstruct(
        "_Measured",
        [(signal.name, signal.kind.record_type, signal.kind.absent) for signal in RECORDED],
        bases=(_Counts,),
        frozen=True,
        kw_only=True,
    )


class SampledAt(msgspec.Struct, frozen=True, array_like=True):
    """Position of a sampled tweet in the source topic."""

    partition: int
    """Partition of `tweets`; -1 where the position is unknown."""
    offset: int
    lang: str
    """Primary language subtag of BCP 47 that the payload names; `und` for none, or one that hushtag does not list."""


class Evidence(_Measured, frozen=True, kw_only=True):
    """Evidence of a decision: counts of the window that decided, and its signals. Never texts."""

    established: int = 0
    """Established authors, estimated from their part of the sample."""
    established_lower: float = 0.0
    """Lower bound of the harmful share among the established authors."""
    established_upper: float = 1.0
    """Upper bound of the same."""
    unread: dict[str, int] | msgspec.UnsetType = msgspec.UNSET
    """Sampled authors whose texts the model does not read, by language group; absent where it read all of them.

    `zxx` has those whose texts have no words.
    """
    predecessor: str = ""
    """Hidden tag with the greatest `successor`; "" without one."""
    sampled: tuple[str, ...] = ()
    """Ids of the tweets of some sampled authors, chosen at random, one of each; at most 10."""
    sampled_at: tuple[SampledAt, ...] = ()
    """Positions of the same."""
    sampled_from: int = 0
    """Sampled authors that they are chosen from, at most 64."""
    highest: tuple[str, ...] = ()
    """Ids of the sampled tweets with the highest scores, the highest first; at most 5. No fair sample."""
    highest_at: tuple[SampledAt, ...] = ()
    """Positions of the same."""
    looked: int = 0
    """Scored authors whose texts stage 2 has read too; 0: `share` is stage 1's alone."""
    stage_2: str = ""
    """Revision of stage 2; "" where it had no part: it was away, or had not reached this hashtag."""


def unread_of(evidence: Evidence) -> dict[str, int]:
    """Return the sampled authors whose texts the model does not read, by language; empty where it read all of them."""
    return {} if isinstance(evidence.unread, msgspec.UnsetType) else evidence.unread


HARM_FIELDS = frozenset({"share", "lower", "upper", "established_lower", "established_upper"})
"""Fields of `Evidence` that are no measure of a hashtag whose texts are mostly unread."""
POSITION_FIELDS = frozenset({"sampled_at", "highest", "highest_at"})
"""Fields of `Evidence` that lead to texts; readers' registers, webhooks and the audit log leave them out."""


def without_positions(evidence: Evidence | None) -> Evidence | None:
    """Return evidence whose `POSITION_FIELDS` are empty."""
    return evidence and msgspec.structs.replace(evidence, sampled_at=(), highest=(), highest_at=())


class ScopeDecision(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one (category, surface) of a key."""

    category: str
    surface: Surface
    action: Action
    since_ms: Ms
    """Tick at which this action began; a refresh does not change it."""
    expires_at_ms: Ms
    """Time of expiry; 0 for `clear`."""
    lapsed: bool = False
    """Whether this `clear` bars a new action until the upper bound has been below `clear_at`."""
    provisional: bool = False
    """Whether it is an early decision, of a tick that has not settled. A provisional `clear` withdraws one."""
    valve: str = ""
    """Circuit breaker, `innocent_past`, `not_assessed` or `uncorroborated`: why it is a `review`, and hides nothing."""
    weight: Part | None = None
    """Factor on the tweets of a discounted hashtag: the established part of its authors; else None."""
    without: bool = False
    """Whether it hides although too few established authors wrote for a verdict."""
    below_since_ms: Ms = 0
    """First tick since which the tag has not been over; 0 while it is."""
    reasons: tuple[DecisionReason, ...] = ()
    evidence: Evidence | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="decision"):
    """Everything in force for one (hashtag, country or `*`) from one source."""

    hashtag: Tag
    display: str
    country: Country
    rulings: tuple[ScopeDecision, ...]
    """Every scope's decision in force; a `clear` among them has just ended an action."""
    version: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}\.[0-9]{19}\.[0-9]{15}\Z")]
    """See `version_of`; a record with another form cannot be read."""
    tick_ms: Ms
    """End of the tick that it settles; of a provisional one, end of the newest pane that it counted."""
    settled_ms: Ms
    """Settled tick as of which the decisions that are not provisional hold."""
    decided_at_ms: Ms
    policy_revision: str
    model_revision: str
    provisional: bool = False
    source: str = "automated"
    actor: str = "hushtag"

    @property
    def is_renewal(self) -> bool:
        """Whether a stopped shard wrote it to extend expiries; no judge recovers from it."""
        return is_renewal(self.version)


class LanguageTexts(msgspec.Struct, frozen=True, array_like=True):
    """Sampled texts in one language that the model has looked at."""

    language: str
    """Storage group of `models.languages`; `und` where the model does not tell languages apart."""
    texts: Count
    """Texts; one of two hashtags counts twice."""
    read: Count
    """Texts of these that the model has read, and scored."""


class LanguageCoverage(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="coverage"):
    """Texts of one shard and hour by language: which part the model has read.

    A pure function of the settled panes. It may repeat after a restart, always the same. An hour without texts has no
    record.
    """

    shard: Shard
    from_ms: Ms
    """Start of the hour."""
    to_ms: Ms
    """End of the hour."""
    languages: tuple[LanguageTexts, ...]
    """Languages with texts, by name."""


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="progress"):
    """Progress of a shard's judge: everything up to `position` has been published and acknowledged."""

    shard: Shard
    settled_ms: Ms
    """End of the last settled pane."""
    position: Offset
    """Offset of the partials record at which it settled."""
    replay_offset: Offset
    """First record of any pane that had not settled: the next owner reads from here."""
    activations: list[Activation]
    """Activations without the policies' bodies, which the `policy` topic has by revision."""
    hold_until_ms: Ms = 0
    """Tick before which nothing is cleared and no early decision is taken: a gap of the log is in the windows."""
    blocks: dict[str, Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)]] = {}
    """Open block of each source, by topic id and partition: its counts in settled panes are included."""
    minutes_from_ms: Ms = 0
    """Start of the oldest minute pane that was kept."""
    facts: list[AppliedMark] = []
    """Offsets of the `moderation` topic, each with the tick from which it applies."""
    passed_ms: MsOrNone = -1
    """Greatest watermark in the shard's log up to `position`."""
    replay_passed_ms: MsOrNone = -1
    """Greatest watermark before `replay_offset`: it determines the tick from which a correction counts."""
    model_from_ms: MsOrNone = -1
    """Tick from which the model in force has been so; -1: from the beginning."""
    surfaces: tuple[str, ...] = ()
    """Surfaces of the policy in force, for readers of the flags."""
    texts_from_ms: MsOrNone = -1
    """Start of the next `LanguageCoverage`; -1: nothing is counted yet."""
    texts: tuple[LanguageTexts, ...] = ()
    """Texts of the next `LanguageCoverage` so far."""

    @property
    def version(self) -> str:
        """Version that compares with those of decisions."""
        return version_of(self.position, self.settled_ms)


class StoppedShard(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="stopped"):
    """Sign of life of a judge whose shard has stopped at an unreadable record: its flags in force stand.

    Its time is the log time of the record.
    """

    shard: Shard
    topic: str
    """Topic of the unreadable record, without its prefix."""
    partition: Shard
    offset: Offset
    reason: str


DecisionRecord = Decision | Progress | StoppedShard | LanguageCoverage


def renewal_version(version: str) -> str:
    """Return the version of the next renewal of a decision: above it, and below all that its judge decides later.

    Ticks are multiples of PANE_MS, and a judge's next decision on a key has a later offset, or a later tick at the same
    one. So PANE_MS - 1 versions lie between.

    >>> renewal_version(version_of(9, 10_000)) < version_of(9, 20_000) < version_of(10, 0)
    True

    Raises:
        ValueError: no version is free.
    """
    head, _, tick = version.rpartition(".")
    if (int(tick) + 1) % PANE_MS == 0:
        raise ValueError(f"no version between {version} and that of the next tick")
    return f"{head}.{int(tick) + 1:015d}"


def is_renewal(version: str) -> bool:
    """Return whether a version is one of `renewal_version`."""
    return int(version[-15:]) % PANE_MS != 0


def version_of(offset: int, tick_ms: int, *, incarnation: int = 0) -> str:
    """Build a version that compares as text the way (incarnation, offset, tick) compares as numbers.

    >>> version_of(9, 10_000) < version_of(10, 0) < version_of(10, 10_000)
    True
    """
    return f"{incarnation:04d}.{offset:019d}.{tick_ms:015d}"


encode_record = msgspec.json.Encoder().encode
"""A record of `suppression-decisions` to JSON."""
_decoder: msgspec.json.Decoder[DecisionRecord] = msgspec.json.Decoder(DecisionRecord)


def decode_record(value: bytes) -> DecisionRecord:
    """Decode a record of `suppression-decisions`.

    Raises:
        msgspec.MsgspecError: it is malformed, or a value is out of range.
        ContractError: `absurd`, no judge can have written it.
    """
    record = _decoder.decode(value)
    if isinstance(record, Decision):
        _check_decision(record)
    elif isinstance(record, Progress):
        _check_progress(record)
    return record


def _check_decision(record: Decision) -> None:
    require_names("hashtag", [record.hashtag])
    if normalise(record.hashtag) != record.hashtag:
        raise absurd("hashtag", record.hashtag, "in normal form")


def _check_progress(record: Progress) -> None:
    require_tick("settled_ms", record.settled_ms)
    require_range("replay_offset", record.replay_offset, 0, record.position + 1)
    require_range("replay_passed_ms", record.replay_passed_ms, -1, record.passed_ms)
    require_range("minutes_from_ms", record.minutes_from_ms, 0, record.settled_ms)
    for activation in record.activations:
        check_sequence(activation)
    for name in record.blocks:
        topic_id, _, number = name.rpartition("/")
        require_topic_id("blocks", topic_id)
        is_number = number.isascii() and number.isdecimal() and len(number) <= len(str(MOST_SOURCES))
        if not is_number or int(number) >= MOST_SOURCES:
            raise absurd("blocks", name, "TOPIC_ID/PARTITION")


def record_in(value: bytes | None) -> DecisionRecord | None:
    """Decode a record for a reader that only displays it; None for a malformed one.

    A consumer that acts on the topic uses `decode_record`, and counts and reports the records that it cannot decode.
    """
    try:
        record: DecisionRecord = decode_record(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ContractError):
        return None
    return record


def decision_in(value: bytes | None) -> Decision | None:
    """Decode a decision as `record_in`; None for other records."""
    record = record_in(value)
    return record if isinstance(record, Decision) else None
