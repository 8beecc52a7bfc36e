"""A policy with every override resolved, independent of the order, comments and spelling of its file.

`streams.policy.parse_policy` reads and checks a file; building a `Policy` by hand checks its shape only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any

from hushtag_client.normalise import normalise
from pydantic import Field, ValidationError

from streams.errors import PolicyError
from streams.policy.durations import parse_duration
from streams.policy.keys import Confidence, Hashtag, OptionalShare, Surface, Window
from streams.policy.look_alikes import DomainMatcher, TermMatcher, ascii_of
from streams.policy.resolution import Layer, RuleTable, rule_table
from streams.policy.rules import Rule
from streams.policy.shape import (
    ADDED_LATER,
    Category,
    CuratedTerm,
    LinkDomain,
    Review,
    Strict,
    Valves,
    rule_keys,
)


class Policy(Strict):
    """Rules and limits that trust and safety has decided."""

    serial: int = Field(
        ge=1,
        le=2**53,
        description="Number of this edition. A file goes live only if its serial is above the live one's: "
        "add 1 with every edit.",
    )
    surfaces: tuple[Surface, ...] = Field(
        default=("trends", "search"),
        min_length=1,
        description="Surfaces that tags can be kept out of: `trends`, `search`.",
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
        description="Confidence of decisions taken before a tick has settled. They are tried more often, so they must "
        "be surer: not below any category's `confidence`.",
    )
    young_days: int = Field(default=30, ge=1, le=3650, description="An account younger than this is young.")
    harmless_below: Annotated[OptionalShare, ADDED_LATER] = Field(
        default=0.3,
        description="A copied text below this calibrated probability of harm, such as a slogan, costs no author the "
        "standing. 0: every copied text does.",
    )
    burst_min_past: int = Field(
        default=50,
        ge=1,
        le=1_000_000,
        description="A tag has a past, and so a burst, only with this many tweets in the longest window outside the "
        "window judged.",
    )
    tail_floor: int = Field(
        default=5,
        ge=2,
        le=1_000,
        description="Tags with this many tweets in a pane (ten seconds, or a minute for windows over 15m) are always "
        "counted. Below it a pane may lose tags, smallest first, once it holds more than `max_tags_per_pane`. "
        "A lower `evidence_floor` takes its place.",
    )
    max_tags_per_pane: int = Field(
        default=50_000,
        ge=1,
        le=100_000_000,
        description="Tags that a pane keeps over all shards, divided evenly: a bound on memory in a flood of new tags. "
        "Tweets of the tags that it loses are counted in `hushtag_given_up_tweets_total`.",
    )
    categories: dict[str, Category] = Field(
        min_length=1, description="One entry for each category of harm: `hateful_conduct`, `abuse`, `gendered_abuse`."
    )
    never_suppress: tuple[Hashtag, ...] = Field(
        default=(),
        description="Hashtags that no automated decision hides, in any spelling that normalises to the same.",
    )
    curated_terms: tuple[CuratedTerm, ...] = Field(
        default=(), description="Terms that corroborate, where a category's `corroborate` has `term: true`."
    )
    link_domains: Annotated[tuple[LinkDomain, ...], ADDED_LATER] = Field(
        default=(), description="Domains to which links corroborate, where a category's `corroborate` asks for `links`."
    )
    valves: Valves = Field(default_factory=Valves, description="Limits on automation, over all categories.")
    review: Annotated[Review, ADDED_LATER] = Field(default_factory=Review, description="Work of the people who review.")

    @cached_property
    def windows_ms(self) -> tuple[int, ...]:
        """Lengths of all windows, ascending."""
        return tuple(sorted(set(self.windows)))

    @property
    def category_names(self) -> tuple[str, ...]:
        """Names of the categories, sorted."""
        return tuple(sorted(self.categories))

    @property
    def longest_window_ms(self) -> int:
        """Length of the longest window."""
        return self.windows_ms[-1]

    @cached_property
    def least_suppress_at(self) -> float:
        """Least share from which any rule acts on a tag."""
        return min(rule.suppress_at for rule in self.rule_table.values())

    @property
    def max_automated_ms(self) -> int:
        """Longest time in ms that an automated flag lasts without a person."""
        return self.valves.max_automated_hours * 3_600_000

    @cached_property
    def rule_table(self) -> RuleTable:
        """Every rule by (category, surface, country); country "" is any that no override names."""
        return rule_table(
            {name: self.layers(category) for name, category in self.categories.items()}, self.surfaces, self.windows_ms
        )

    @staticmethod
    def layers(category: Category) -> list[Layer]:
        """Return the category and its overrides, in the order of the file."""
        layers = [Layer("", "", rule_keys(category))]
        layers += [Layer(rule.surface or "", rule.country or "", rule_keys(rule)) for rule in category.overrides]
        return layers

    def rule(self, category: str, surface: str, country: str) -> Rule:
        """Return the rule of a category on a surface in a country; "*" is the world.

        Equal rules of one (category, surface) are one object.

        Raises:
            KeyError: the policy does not have the category or the surface.
        """
        table = self.rule_table
        rule = table.get((category, surface, country))
        return table[category, surface, ""] if rule is None else rule

    def rules(self, category: str, surface: str) -> tuple[Rule, ...]:
        """Return the distinct rules of a category on a surface, over all countries."""
        return self.distinct_rules[category, surface]

    @cached_property
    def distinct_rules(self) -> dict[tuple[str, str], tuple[Rule, ...]]:
        """Distinct rules over all countries, by (category, surface)."""
        by_scope: dict[tuple[str, str], dict[Rule, None]] = {}
        for (category, surface, _), rule in self.rule_table.items():
            by_scope.setdefault((category, surface), {})[rule] = None
        return {scope: tuple(rules) for scope, rules in by_scope.items()}

    @cached_property
    def never_suppressed(self) -> frozenset[str]:
        """Normalised hashtags of `never_suppress`."""
        return frozenset(map(normalise, self.never_suppress))

    def is_never_suppressed(self, hashtag: str) -> bool:
        """Check whether a normalised hashtag is on the never-suppress list."""
        return hashtag in self.never_suppressed

    @cached_property
    def term_matcher(self) -> TermMatcher:
        """Matcher of the curated terms, built once."""
        return TermMatcher((term.term, term.match) for term in self.curated_terms)

    def matches_curated_term(self, hashtag: str) -> bool:
        """Check whether a hashtag is, or looks like, a curated term."""
        return self.term_matcher.matches(hashtag)

    @cached_property
    def domain_matcher(self) -> DomainMatcher:
        """Matcher of the link domains, built once."""
        return DomainMatcher((entry.domain, entry.match) for entry in self.link_domains)

    @cached_property
    def links_revision(self) -> str:
        """Revision of `link_domains`, the same for every way to write them; "" where there are none."""
        lines = sorted(f"{ascii_of(entry.domain)} {entry.match}" for entry in self.link_domains)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12] if lines else ""

    @cached_property
    def spelt(self) -> Mapping[str, Any]:
        """Values as in the file, the same for every way to write this policy, defaults spelt out."""
        whole = self.model_dump(mode="json")
        whole["surfaces"] = sorted(set(self.surfaces))
        whole["windows"] = _by_length(whole["windows"])
        whole["never_suppress"] = sorted(self.never_suppressed)
        for term in whole["curated_terms"]:
            term["term"] = normalise(term["term"])
        whole["curated_terms"].sort(key=lambda term: (term["term"], term["match"]))
        for entry in whole["link_domains"]:
            entry["domain"] = ascii_of(entry["domain"])
        whole["link_domains"].sort(key=lambda entry: (entry["domain"], entry["match"]))
        for category in whole["categories"].values():
            for scope in (category, *category["overrides"]):
                if scope["windows"] is not None:
                    scope["windows"] = _by_length(scope["windows"])
            category["overrides"].sort(key=lambda override: (override["surface"] or "", override["country"] or ""))
        return whole

    @cached_property
    def canonical(self) -> str:
        """JSON that is the same for every way to write this policy: `spelt` without what is not set."""
        whole = _without_none(_without_later(self, self.spelt))
        whole["categories"] = {
            name: _without_later(self.categories[name], values) for name, values in whole["categories"].items()
        }
        whole["valves"] = _without_later(self.valves, whole["valves"])
        return json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

    @cached_property
    def revision(self) -> str:
        """First 12 hex digits of the SHA-256 of `canonical`."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()[:12]

    @classmethod
    def from_canonical(cls, text: str) -> Policy:
        """Read a canonical text. The text is kept: its revision is the same under every version of hushtag.

        Raises:
            PolicyError: a newer version wrote it, with a key that this version does not know.
        """
        try:
            policy = cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise PolicyError(
                f"this version of hushtag cannot read a live policy: {where}: {first['msg']}",
                fix="run the same version on all workers, or make a policy live that this version knows",
            ) from None
        policy.__dict__["canonical"] = text
        return policy

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Policy:
        """Copy the policy without its cached properties, which an update may change."""
        copied = super().model_copy(update=update, deep=deep)
        for name in set(copied.__dict__) - set(type(self).model_fields):
            del copied.__dict__[name]
        return copied

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self.canonical == other.canonical

    def __hash__(self) -> int:
        return hash(self.canonical)


def _without_later(block: Strict, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out the keys that were added later and have their default."""
    fields = type(block).model_fields
    left_out = {
        key
        for key, field in fields.items()
        if ADDED_LATER in field.metadata and getattr(block, key) == field.get_default(call_default_factory=True)
    }
    return {key: value for key, value in values.items() if key not in left_out}


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return [_without_none(inner) for inner in value] if isinstance(value, list) else value


def _by_length(durations: list[str]) -> list[str]:
    return sorted(set(durations), key=lambda text: parse_duration(text) or 0)
