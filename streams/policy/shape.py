"""The parts of a policy file as pydantic models: strict, frozen, documented by their own descriptions.

Field names are the file's keys; durations are milliseconds once read. What needs more than one key is checked in
`streams.policy.checks`.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from streams.policy.keys import (
    Confidence,
    Country,
    Domain,
    Dwell,
    Expiry,
    Floor,
    Hashtag,
    Match,
    Mode,
    ReachedShare,
    Share,
    Surface,
    Window,
)
from streams.policy.rules import NO_CORROBORATION, Corroboration


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Corroborate(Strict):
    """What must speak against a tag beside its texts."""

    need: int = Field(ge=0, le=7, description="How many of the signals named below must reach their threshold.")
    burst: float | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        allow_inf_nan=False,
        description="Times its own earlier rate, measured over the longest window; a tag without a past has no burst.",
    )
    copies: ReachedShare | None = Field(
        default=None, description="Share of sampled authors whose text somebody else wrote too; retweets do not count."
    )
    young: ReachedShare | None = Field(
        default=None, description="Share of sampled authors whose account is younger than `young_days`."
    )
    authors: int | None = Field(default=None, ge=1, le=100_000_000, description="Distinct authors in the window.")
    term: bool = Field(default=False, description="The tag is, or looks like, one of `curated_terms`.")
    links: ReachedShare | None = Field(
        default=None, description="Share of scored authors whose tweet links to one of `link_domains`."
    )
    successor: ReachedShare | None = Field(
        default=None,
        description="Share of the tag's authors who wrote under one hidden tag before, as far as that is sure: a "
        "campaign that has moved on.",
    )

    def to_rule(self) -> Corroboration:
        """As a rule carries it."""
        return Corroboration(
            self.need, self.burst, self.copies, self.young, self.authors, self.term, self.links, self.successor
        )


class Override(Strict):
    """Keys that replace the category's own on a surface, in a country, or both."""

    surface: Surface | None = Field(default=None, description="Only on this surface.")
    country: Country | None = Field(
        default=None, description='Only for this country\'s count; `"*"` is the count of the world, not every country.'
    )
    mode: Mode | None = Field(default=None, description="As in the category.")
    windows: tuple[Window, ...] | None = Field(default=None, min_length=1, description="As in the category.")
    min_tweets: Floor | None = Field(default=None, description="As in the category.")
    min_authors: Floor | None = Field(default=None, description="As in the category.")
    suppress_at: Share | None = Field(default=None, description="As in the category.")
    clear_at: Share | None = Field(default=None, description="As in the category.")
    confidence: Confidence | None = Field(default=None, description="As in the category.")
    dwell: Dwell | None = Field(default=None, description="As in the category.")
    expiry: Expiry | None = Field(default=None, description="As in the category.")
    corroborate: Corroborate | None = Field(
        default=None, description="As in the category; replaces the whole of it, signal by signal is not merged."
    )


class Category(Strict):
    """How one category of harm is judged."""

    mode: Mode = Field(
        description="What follows when a tag is over. `suppress`: hidden until it clears or expires. "
        "`hold_for_review`: hidden and queued until a person decides or the hold expires; then shown. "
        "`review`: queued, nothing hidden. `shadow`: decided and counted, nothing hidden, nobody told."
    )
    windows: tuple[Window, ...] | None = Field(
        default=None,
        min_length=1,
        description="Which of the policy's windows count: over in any one is over, under needs all. Default: all.",
    )
    min_tweets: Floor = Field(description="Floor: with fewer tweets in the window nothing is said of a tag.")
    min_authors: Floor = Field(
        description="Floor: with fewer distinct authors in the window nothing is said of a tag. Not above `min_tweets`."
    )
    suppress_at: Share = Field(
        description="A tag is over when the lower bound of its harmful share reaches this. "
        "Lower: more is hidden, and sooner."
    )
    clear_at: Share = Field(
        description="A tag is under when the upper bound of its harmful share is below this. "
        "Lower: what is hidden stays hidden longer. Must be below `suppress_at`."
    )
    confidence: Confidence = Field(
        default=0.95,
        description="Confidence of the two bounds. Higher: more authors are needed before anything changes.",
    )
    dwell: Dwell = Field(
        default=60_000,
        description="Least time between two changes of state, so that a tag at the threshold does not flap. "
        "10s to 24h, in steps of 10s.",
    )
    expiry: Expiry = Field(
        default=1_800_000,
        description="How long an action stands when nothing renews it; it is renewed while the tag is not under. "
        "20s up to `valves.max_automated_hours`.",
    )
    corroborate: Corroborate | None = Field(
        default=None,
        description="What must speak against a tag beside its texts. Asked for in the modes that hide: "
        "text alone never hides a tag.",
    )
    overrides: tuple[Override, ...] = Field(
        default=(),
        description="Exceptions by surface, country or both. The most specific wins, key by key: "
        "surface and country, then country, then surface, then the category.",
    )


class CuratedTerm(Strict):
    """A term that people have found to be harmful: a signal, never a verdict."""

    term: Hashtag = Field(description="The term, with or without #.")
    match: Match = Field(
        default="lookalike",
        description="`exact`: only the same hashtag once normalised. `lookalike`: also with letters of other "
        "scripts, digits for letters, accents, underscores or letters repeated.",
    )


class LinkDomain(Strict):
    """A domain to which links are harmful: a signal, never a verdict."""

    domain: Domain = Field(description="The domain, such as `example.org`. All that lies below it is meant too.")
    match: Match = Field(
        default="lookalike",
        description="`exact`: only the same domain, in Unicode or punycode. `lookalike`: also with letters of other "
        "scripts, digits for letters, accents, hyphens, letters repeated, rn for m, vv for w.",
    )


class Valves(Strict):
    """Limits on what hushtag does by itself."""

    max_automated_hours: int = Field(
        default=24,
        ge=1,
        le=168,
        description="No automated suppression lasts longer without a person, whatever renews it.",
    )
    new_suppressions_per_hour: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="At most so many new automated suppressions an hour, shared out evenly over the shards, so at "
        "least their number. Past it a decision becomes `review`. Default: no cap.",
    )
    top_tags: int = Field(
        default=20,
        ge=5,
        le=1_000,
        description="How many of the biggest tags of a country `suppressed_share_of_top` "
        "looks at, in each shard by itself.",
    )
    suppressed_share_of_top: ReachedShare | None = Field(
        default=None,
        description="At most this share of the `top_tags` biggest tags of a country in a shard is hidden by "
        "automation. Past it a decision becomes `review`. Default: no limit.",
    )
    least_scored: Share | None = Field(
        default=None,
        description="Dead-man's rule: while fewer of the sampled authors than this share have a scored text, nothing "
        "new is hidden and nothing renewed; what stands runs out. Default: not asked.",
    )
    most_harmful: Share | None = Field(
        default=None,
        description="Dead-man's rule: the same while the mean harmful share over all tags of a shard (20 or more) is "
        "above this: a scorer that calls everything harmful has drifted. Default: not asked.",
    )

    @property
    def watch_scorer(self) -> bool:
        """Whether there is a dead-man's rule."""
        return self.least_scored is not None or self.most_harmful is not None

    @property
    def top_hidden_max(self) -> int:
        """How many of `top_tags` may be hidden."""
        share = 1.0 if self.suppressed_share_of_top is None else self.suppressed_share_of_top
        return int(share * self.top_tags + 1e-9)  # 0.29 of 100 is 29, whatever binary fractions make of it


def rule_keys(scope: Category | Override) -> dict[str, Any]:
    """The keys of a rule that are set here, under the rule's names."""
    set_here: dict[str, Any] = {
        "mode": scope.mode,
        "windows_ms": None if scope.windows is None else tuple(sorted(set(scope.windows))),
        "min_tweets": scope.min_tweets,
        "min_authors": scope.min_authors,
        "suppress_at": scope.suppress_at,
        "clear_at": scope.clear_at,
        "confidence": scope.confidence,
        "dwell_ms": scope.dwell,
        "expiry_ms": scope.expiry,
        "corroboration": None if scope.corroborate is None else scope.corroborate.to_rule(),
    }
    if isinstance(scope, Category) and scope.corroborate is None:
        set_here["corroboration"] = NO_CORROBORATION
    return {key: value for key, value in set_here.items() if value is not None}
