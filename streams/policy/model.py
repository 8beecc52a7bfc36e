"""The shape of a policy file: strict, frozen, and the same policy whatever the order, comments or spelling.

Field names are the file's keys; durations are milliseconds once read. Checks that need more than one key are in
`streams.policy.checks`; `streams.policy.parse_policy` runs both and is the way in.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Any

from hushtag_client.normalise import normalise
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from streams.errors import PolicyError
from streams.policy.durations import parse_duration
from streams.policy.keys import (
    Confidence,
    Country,
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
from streams.policy.resolve import Layer, RuleTable, rule_table
from streams.policy.rules import NO_CORROBORATION, Corroboration, Rule
from streams.policy.terms import TermMatcher


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Corroborate(_Strict):
    """What must speak against a tag beside its texts."""

    need: int = Field(ge=0, le=5, description="How many of the signals named below must reach their threshold.")
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

    def to_rule(self) -> Corroboration:
        """As a rule carries it."""
        return Corroboration(self.need, self.burst, self.copies, self.young, self.authors, self.term)


class Override(_Strict):
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


class Category(_Strict):
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


class CuratedTerm(_Strict):
    """A term that people have found to be harmful: a signal, never a verdict."""

    term: Hashtag = Field(description="The term, with or without #.")
    match: Match = Field(
        default="lookalike",
        description="`exact`: only the same hashtag once normalised. `lookalike`: also with letters of other "
        "scripts, digits for letters, accents, underscores or letters repeated.",
    )


class Valves(_Strict):
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
        description="At most so many new automated suppressions an hour, shared out evenly over the shards; past it a "
        "decision becomes `review`. At least the number of shards. Default: no cap.",
    )


class Policy(_Strict):
    """What trust and safety has decided."""

    serial: int = Field(
        ge=1,
        le=2**53,
        description="Number of this edition. A file goes live only if its serial is above the live one's: "
        "add 1 with every edit.",
    )
    surfaces: tuple[Surface, ...] = Field(
        default=("trends", "search"), min_length=1, description="Where tags can be kept out: `trends`, `search`."
    )
    windows: tuple[Window, ...] = Field(
        default=(600_000, 3_600_000),
        min_length=1,
        max_length=6,
        description="Lengths of the sliding windows over which tags are counted: 10s to 24h in steps of 10s, "
        "whole minutes over 15m. The longest also holds a tag's own past for `burst`.",
    )
    score_floor: int = Field(
        default=5, ge=2, le=64, description="Texts of a tag are scored once its window has this many authors."
    )
    evidence_floor: int = Field(
        default=10,
        ge=2,
        le=1_000_000,
        description="Signals are kept for tags with this many tweets, so that a changed policy can be tried on the "
        "past. No category's floors may be below it.",
    )
    early_confidence: Confidence = Field(
        default=0.99,
        description="Confidence of decisions taken before a tick has settled. They look more often, so they must be "
        "surer: not below any category's `confidence`.",
    )
    young_days: int = Field(default=30, ge=1, le=3650, description="An account younger than this is young.")
    burst_min_past: int = Field(
        default=50,
        ge=1,
        le=1_000_000,
        description="A tag has a past, and so a burst, only with this many tweets in the longest window outside the "
        "window judged.",
    )
    categories: dict[str, Category] = Field(
        min_length=1, description="One entry for each category of harm: `hateful_conduct`, `abuse`, `gendered_abuse`."
    )
    never_suppress: tuple[Hashtag, ...] = Field(
        default=(),
        description="Hashtags that no automated decision hides, in any spelling that normalises to the same.",
    )
    curated_terms: tuple[CuratedTerm, ...] = Field(
        default=(), description="Terms that corroborate, where a category's `corroborate` says `term: true`."
    )
    valves: Valves = Field(default=Valves(), description="Limits on what hushtag does by itself.")

    @cached_property
    def windows_ms(self) -> tuple[int, ...]:
        """Lengths of all windows, ascending."""
        return tuple(sorted(set(self.windows)))

    @property
    def category_names(self) -> tuple[str, ...]:
        """Ascending."""
        return tuple(sorted(self.categories))

    @property
    def longest_window_ms(self) -> int:
        return self.windows_ms[-1]

    @cached_property
    def longest_expiry_ms(self) -> int:
        """Of every rule, overrides included."""
        return max(rule.expiry_ms for rule in self.rule_table.values())

    @property
    def max_automated_ms(self) -> int:
        return self.valves.max_automated_hours * 3_600_000

    @cached_property
    def rule_table(self) -> RuleTable:
        """Every rule by (category, surface, country); country "" is any that no override names."""
        return rule_table(
            {name: self._layers(category) for name, category in self.categories.items()}, self.surfaces, self.windows_ms
        )

    @staticmethod
    def _layers(category: Category) -> list[Layer]:
        layers = [Layer("", "", _rule_keys(category))]
        layers += [Layer(one.surface or "", one.country or "", _rule_keys(one)) for one in category.overrides]
        return layers

    def rule(self, category: str, surface: str, country: str) -> Rule:
        """What holds for a category on a surface in a country; "*" is the world.

        Equal rules of one (category, surface) are one object.

        Raises:
            KeyError: the policy has no such category or surface.
        """
        table = self.rule_table
        rule = table.get((category, surface, country))
        return table[category, surface, ""] if rule is None else rule

    def rules(self, category: str, surface: str) -> tuple[Rule, ...]:
        """The distinct rules of a category on a surface, over all countries."""
        return self.distinct_rules[category, surface]

    @cached_property
    def distinct_rules(self) -> dict[tuple[str, str], tuple[Rule, ...]]:
        """`rules`, by (category, surface)."""
        found: dict[tuple[str, str], dict[Rule, None]] = {}
        for (category, surface, _), rule in self.rule_table.items():
            found.setdefault((category, surface), {})[rule] = None
        return {scope: tuple(rules) for scope, rules in found.items()}

    @cached_property
    def never_suppressed(self) -> frozenset[str]:
        """Normalised."""
        return frozenset(map(normalise, self.never_suppress))

    def is_never_suppressed(self, hashtag: str) -> bool:
        """Whether a normalised hashtag is on the never-suppress list."""
        return hashtag in self.never_suppressed

    @cached_property
    def term_matcher(self) -> TermMatcher:
        return TermMatcher((term.term, term.match) for term in self.curated_terms)

    def matches_curated_term(self, hashtag: str) -> bool:
        """Whether a hashtag is, or looks like, a curated term."""
        return self.term_matcher.matches(hashtag)

    def canonical(self) -> str:
        """JSON that is the same for every way to write this policy, defaults spelt out."""
        return self.canonical_text

    @cached_property
    def canonical_text(self) -> str:
        """`canonical()`."""
        whole = self.model_dump(mode="json", exclude_none=True)
        whole["surfaces"] = sorted(set(self.surfaces))
        whole["windows"] = _by_length(whole["windows"])
        whole["never_suppress"] = sorted(self.never_suppressed)
        for term in whole["curated_terms"]:
            term["term"] = normalise(term["term"])
        whole["curated_terms"].sort(key=lambda term: (term["term"], term["match"]))
        for category in whole["categories"].values():
            for scope in (category, *category["overrides"]):
                if "windows" in scope:
                    scope["windows"] = _by_length(scope["windows"])
            category["overrides"].sort(key=lambda one: (one.get("surface", ""), one.get("country", "")))
        return json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

    @cached_property
    def revision(self) -> str:
        """First 12 hex digits of the SHA-256 of `canonical()`."""
        return hashlib.sha256(self.canonical_text.encode()).hexdigest()[:12]

    @classmethod
    def from_canonical(cls, text: str) -> Policy:
        """Read back what `canonical` wrote. The text is kept: its revision is the same under every version of hushtag.

        Raises:
            PolicyError: this hushtag does not know a key of it (it was written by a newer one).
        """
        try:
            policy = cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise PolicyError(
                f"a policy that is live cannot be read by this version of hushtag: {where}: {first['msg']}",
                fix="run the same version on all workers, or make a policy live that this version knows",
            ) from None
        policy.__dict__["canonical_text"] = text
        return policy

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self.canonical_text == other.canonical_text

    def __hash__(self) -> int:
        return hash(self.canonical_text)


def _rule_keys(scope: Category | Override) -> dict[str, Any]:
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


def _by_length(durations: list[str]) -> list[str]:
    return sorted(set(durations), key=lambda text: parse_duration(text) or 0)
