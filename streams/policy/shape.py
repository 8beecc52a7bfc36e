"""Blocks of a policy file as pydantic models: strict, frozen, documented by their own descriptions.

Field names are the keys of the file; durations are milliseconds once read. The descriptions are the documentation:
`docs/policy.md` and the JSON Schema are made from them. `streams.policy.checks` checks keys against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from streams.actions import MODES
from streams.policy.keys import (
    Confidence,
    Country,
    Domain,
    Dwell,
    Expiry,
    Floor,
    Grace,
    Hashtag,
    Match,
    Mode,
    OptionalShare,
    ReachedShare,
    Share,
    Surface,
    Windows,
    threshold_of,
)
from streams.policy.rules import NO_CORROBORATION, Corroboration
from streams.signals.base import Signal
from streams.signals.registry import SIGNALS, WEIGHED

AS_IN_CATEGORY = "As in the category."
"""Description of the keys of an override that replace the category's."""
ADDED_LATER = "added later"
"""Mark of a key that is younger than the first policies: its default is left out, so that their revisions stay."""


class Strict(BaseModel):
    """Base of the models of a policy file: strict types, no unknown keys."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)  # many commands read none


class _Needed(Strict):
    need: int = Field(
        ge=0, le=len(SIGNALS), description="How many of the signals named below must reach their threshold."
    )


def _key_of(signal: Signal) -> Any:
    type_ = threshold_of(signal.kind)
    return (type_ if signal.default is not None else type_ | None), Field(
        default=signal.default, description=signal.description
    )


if TYPE_CHECKING:  # one key for each signal of the registry
    _Thresholds = _Needed
else:
    _Thresholds = create_model("_Thresholds", __base__=_Needed, **{signal.name: _key_of(signal) for signal in SIGNALS})


class Corroborate(_Thresholds):
    """Signals that must speak against a tag besides its texts."""

    def to_rule(self) -> Corroboration:
        """Convert to the form that a rule carries."""
        asked = {signal.name: getattr(self, signal.name) for signal in WEIGHED}
        return Corroboration(self.need, tuple((name, float(at)) for name, at in asked.items() if at))


class _RuleKeys(Strict):
    """Keys of a rule. Each is a field of `Rule` too, and overrides get it by themselves."""

    mode: Mode = Field(
        description=f"Action while a tag is over. {' '.join(f'`{name}`: {mode.help}' for name, mode in MODES.items())}"
    )
    windows: Windows | None = Field(
        default=None,
        description="Windows of the policy that count: over in any one is over, under needs all. Default: all.",
    )
    min_tweets: Floor = Field(description="Floor: with fewer tweets in the window a tag is not judged.")
    min_authors: Floor = Field(
        description="Floor: with fewer distinct authors in the window a tag is not judged. Not above `min_tweets`."
    )
    suppress_at: Share = Field(
        description="A tag is over when the lower bound of its harmful share reaches this. "
        "Lower: more is hidden, and sooner."
    )
    clear_at: Share = Field(
        description="A tag is under when the upper bound of its harmful share is below this. "
        "Lower: a hidden tag stays hidden longer. Must be below `suppress_at`."
    )
    confidence: Confidence = Field(
        default=0.95,
        description="Confidence of the two bounds. Higher: more authors are needed before anything changes.",
    )
    dwell: Dwell = Field(
        default=60_000,
        description="Least time before an action begins again, or a discount becomes a suppression, so that a tag at "
        "the threshold does not flap. 10s to 24h, in steps of 10s.",
    )
    expiry: Expiry = Field(
        default=1_800_000,
        description="Time after which an action ends unless it is renewed; it is renewed while the tag is over. "
        "20s up to `valves.max_automated_hours`.",
    )
    min_established: Floor = Field(
        default=10,
        description="Established authors (account not young, no copied harmful text, no harm written under another "
        "hidden tag) from which their own verdict counts: only where they write harm too is the tag hidden. "
        "With fewer, all authors count.",
    )
    innocent_past: Floor = Field(
        default=100,
        description="A tag is not hidden but goes to review, if this many established authors used it in the longest "
        "window before the shortest one and the upper bound of their harmful share is below `clear_at`.",
    )
    min_scored: Annotated[OptionalShare, ADDED_LATER] = Field(
        default=0.5,
        description="Least part of the sampled authors, of all and of those that decide, whose texts are in a language "
        "that the model reads. Below it no automated decision hides a tag. A corroborated tag that is below it by all "
        "authors goes to review, as not assessed. 0 judges every tag by the texts that were read.",
    )
    clear_after: Dwell = Field(
        default=60_000,
        description="An action ends once its tag has not been over for this time. 10s to 24h, in steps of 10s.",
    )
    corroborate: Corroborate | None = Field(
        default=None,
        description="Signals that must speak against a tag besides its texts. Required in the modes that hide: "
        "text alone never hides a tag. An override replaces the whole of it.",
    )


class _OverrideScope(Strict):
    surface: Surface | None = Field(default=None, description="Only on this surface.")
    country: Country | None = Field(
        default=None, description='Only for this country\'s count; `"*"` is the count of the world, not every country.'
    )


def _override_keys() -> dict[str, tuple[Any, Any]]:
    """Return every key of a rule as an optional one; the types hold the limits, so that an override has them too."""
    types = get_type_hints(_RuleKeys, include_extras=True)
    return {key: (types[key] | None, Field(default=None, description=AS_IN_CATEGORY)) for key in _RuleKeys.model_fields}


if TYPE_CHECKING:  # one key for each key of a rule
    RuleOverride = _OverrideScope
else:
    RuleOverride = create_model(
        "RuleOverride",
        __base__=_OverrideScope,
        __module__=__name__,
        __doc__="Keys that replace the category's own on a surface, in a country, or both.",
        **_override_keys(),
    )


class Category(_RuleKeys):
    """Rule of one category of harm."""

    overrides: tuple[RuleOverride, ...] = Field(
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

    domain: Domain = Field(description="The domain, such as `example.org`. Its subdomains are included.")
    match: Match = Field(
        default="lookalike",
        description="`exact`: only the same domain, in Unicode or punycode. `lookalike`: also with letters of other "
        "scripts, digits for letters, accents, hyphens, letters repeated, rn for m, vv for w.",
    )


class Valves(Strict):
    """Circuit breakers: limits on automated decisions."""

    max_automated_hours: int = Field(
        default=24,
        ge=1,
        le=168,
        description="No automated suppression lasts longer without a person, however often it is renewed.",
    )
    new_suppressions_per_hour: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Cap on new automated suppressions an hour. It is divided evenly over the shards, so it must be at "
        "least their number. Beyond it a decision becomes `review`. Default: no cap.",
    )
    top_tags: int = Field(
        default=20,
        ge=5,
        le=1_000,
        description="Number of the biggest tags of a country in a shard that `suppressed_share_of_top` is a share of.",
    )
    suppressed_share_of_top: ReachedShare | None = Field(
        default=None,
        description="Greatest share of the `top_tags` biggest tags of a country in a shard that automation may hide. "
        "Beyond it a decision becomes `review`. Default: no limit.",
    )
    uncorroborated_per_hour: Annotated[int, ADDED_LATER] = Field(
        default=24,
        ge=0,
        le=1_000_000,
        description="Cap on new reviews an hour of tags whose lower bound reaches `suppress_at` and that nothing "
        "corroborates. It is divided over the shards, rounded up; the largest come first. 0: no review begins.",
    )
    unread_per_hour: Annotated[int, ADDED_LATER] = Field(
        default=24,
        ge=0,
        le=1_000_000,
        description="Cap on new reviews an hour of tags that are not assessed (`min_scored`). It is divided over the "
        "shards, rounded up; the largest come first. Beyond it a shard begins one in an hour for each country and "
        "language. 0: no review begins.",
    )
    least_scored: Share | None = Field(
        default=None,
        description="Dead-man's rule: while a smaller share of the sampled authors has a scored text, no tag is newly "
        "hidden and no action is renewed; actions in force expire. Default: not checked.",
    )
    most_harmful: Share | None = Field(
        default=None,
        description="Dead-man's rule: the same while the mean harmful share over all tags of a shard (20 or more) is "
        "above this: a scorer that calls everything harmful has drifted. Default: not checked.",
    )

    @property
    def watch_scorer(self) -> bool:
        """Whether there is a dead-man's rule."""
        return self.least_scored is not None or self.most_harmful is not None

    @property
    def top_hidden_max(self) -> int:
        """Number of the `top_tags` that may be hidden."""
        share = 1.0 if self.suppressed_share_of_top is None else self.suppressed_share_of_top
        return int(share * self.top_tags + 1e-9)  # 0.29 of 100 is 29, though 0.29 * 100 is below 29


class Review(Strict):
    """Rules of people's reviews."""

    skip_first_answer_within: Grace = Field(
        default=600_000,
        description="Moderators answer a case before they see its numbers. A hold that lapses within this time needs "
        "no first answer, so that it is decided in time. 0s to 24h; 0s: each case needs one.",
    )


def rule_keys(scope: Category | RuleOverride) -> Mapping[str, Any]:
    """Return the keys that a block of the file sets for a rule, with the values of `Rule`."""
    keys = {key: _rule_value(getattr(scope, key)) for key in _RuleKeys.model_fields}
    if isinstance(scope, Category) and scope.corroborate is None:
        keys["corroborate"] = NO_CORROBORATION
    return {key: value for key, value in keys.items() if value is not None}


def _rule_value(value: Any) -> Any:
    if isinstance(value, Corroborate):
        return value.to_rule()
    return tuple(sorted(set(value))) if isinstance(value, tuple) else value
