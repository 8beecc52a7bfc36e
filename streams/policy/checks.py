"""Checks of a policy beyond the types of its keys: keys that contradict each other, or can never take effect.

Each check yields findings. Rules are checked with every override applied, so that two overrides which are right alone
and wrong together are found too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from statistics import NormalDist
from typing import Any

from hushtag_client.normalise import normalise

from streams.policy.durations import spell_duration
from streams.policy.findings import Finding, did_you_mean
from streams.policy.look_alikes import ascii_of
from streams.policy.model import Policy
from streams.policy.resolution import Layer, providers, scopes
from streams.policy.rules import Rule
from streams.policy.shape import Category
from streams.policy.source import Loc
from streams.signals.registry import BY_NAME

KNOWN_CATEGORIES = ("hateful_conduct", "abuse", "gendered_abuse")
"""Categories of the model that comes with hushtag."""

SAMPLED_MAX = 64
"""Upper bound on the sampled authors of a tag: `streams.counting.sketch.K`, which this room may not import."""


def check(policy: Policy, *, shards: int | None, categories: Collection[str] | None) -> Iterator[Finding]:
    """Yield a finding for every contradiction, and for every key that cannot take effect.

    Args:
        policy: policy that was parsed without problems.
        shards: judges that a cap is divided over; None: not known.
        categories: categories that the model scores; None: not known.
    """
    yield from _top_level(policy, shards)
    yield from _lists(policy)
    for name, category in policy.categories.items():
        loc: Loc = ("categories", name)
        if categories is not None and name not in categories:
            expected = "one of " + ", ".join(categories)
            yield Finding(
                (loc,), f"the model has no category `{name}`", expected, did_you_mean(name, categories), True, True
            )
        yield from _overrides(policy, category, loc)
        yield from _rules(policy, category, loc)


def _top_level(policy: Policy, shards: int | None) -> Iterator[Finding]:
    if policy.evidence_floor < policy.score_floor:
        yield Finding(
            (("evidence_floor",), ("score_floor",)),
            f"evidence_floor {policy.evidence_floor} is below score_floor {policy.score_floor}",
            f"at least {policy.score_floor}: without scores there is no evidence",
        )
    cap = policy.valves.new_suppressions_per_hour
    if cap is not None and shards is not None and cap < shards:
        yield Finding(
            (("valves", "new_suppressions_per_hour"),),
            f"a cap of {cap} cannot be divided over {shards} shards",
            f"at least {shards}, better a multiple of it",
            f"write {shards}",
        )
    top, share = policy.valves.top_tags, policy.valves.suppressed_share_of_top
    if share is not None and policy.valves.top_hidden_max < 1:
        yield Finding(
            (("valves", "suppressed_share_of_top"), ("valves", "top_tags")),
            f"{share:g} of {top} tags is less than one: nothing could ever be hidden",
            f"at least {1 / top:.2g}",
            f"write {1 / top:.2g}, or raise top_tags",
        )


def _lists(policy: Policy) -> Iterator[Finding]:
    yield from _twice("surfaces", policy.surfaces, policy.surfaces)
    yield from _twice("windows", [spell_duration(window) for window in policy.windows], policy.windows)
    yield from _twice("never_suppress", policy.never_suppress, [normalise(tag) for tag in policy.never_suppress])
    terms = [term.term for term in policy.curated_terms]
    yield from _twice("curated_terms", terms, [normalise(term) for term in terms], "term")
    yield from _domain_list(policy)
    for at, term in enumerate(terms):
        if normalise(term) in policy.never_suppressed:
            yield Finding(
                (("curated_terms", at, "term"), ("never_suppress",)),
                f"{term!r} is in never_suppress too",
                "a tag in one of the two lists",
                "delete it from one of them",
            )


def _domain_list(policy: Policy) -> Iterator[Finding]:
    domains = [entry.domain for entry in policy.link_domains]
    yield from _twice("link_domains", domains, [ascii_of(domain) for domain in domains], "domain")


def _twice(key: str, shown: Sequence[str], same: Sequence[Any], *inner: str) -> Iterator[Finding]:
    first: dict[Any, int] = {}
    for at, value in enumerate(same):
        if value in first:
            before = shown[first[value]]
            how = "" if before == shown[at] else f": the same as {before!r} once normalised"
            locs: tuple[Loc, ...] = ((key, at, *inner), (key, first[value], *inner))
            yield Finding(locs, f"{shown[at]!r} is listed twice{how}", "each once", "delete one of the two")
        first.setdefault(value, at)


def _overrides(policy: Policy, category: Category, loc: Loc) -> Iterator[Finding]:
    first: dict[tuple[str | None, str | None], int] = {}
    for at, override in enumerate(category.overrides):
        here: Loc = (*loc, "overrides", at)
        scope = (override.surface, override.country)
        if scope == (None, None):
            expected = "surface, country or both"
            hint = "name a surface or a country, or change the category"
            yield Finding((here,), "an override for everything", expected, hint, shallow=True)
        elif scope in first:
            yield Finding(
                (here, (*loc, "overrides", first[scope])),
                f"a second override {_where(*scope)}",
                "one override for each surface and country",
                "put their keys into one",
                shallow=True,
            )
        first.setdefault(scope, at)
        if not override.model_fields_set - {"surface", "country"}:
            yield Finding((here,), "an override that changes nothing", "at least one key of a category", "delete it")
        if override.surface is not None and override.surface not in policy.surfaces:
            yield Finding(
                ((*here, "surface"), ("surfaces",)),
                f"`{override.surface}` is not among this policy's surfaces",
                "one of " + ", ".join(policy.surfaces),
                f"add {override.surface} to `surfaces`, or delete the override",
            )


def _rules(policy: Policy, category: Category, loc: Loc) -> Iterator[Finding]:
    layers = policy.layers(category)
    seen: set[tuple[tuple[Loc, ...], str]] = set()
    for surface, country in scopes(layers, policy.surfaces):
        places = _Places(layers, providers(layers, surface, country), loc)
        rule = policy.rule_table[str(loc[-1]), surface, country]
        for keys, message, expected, hint in _contradictions(policy, rule):
            locs = places.of(keys)
            if (locs, message) in seen:
                continue
            seen.add((locs, message))
            where = f" (with its overrides, {_where(surface, country)})" if places.overridden(keys) else ""
            yield Finding(locs, message + where, expected, hint)


def unused_signals(policy: Policy) -> Iterator[Finding]:
    """Yield a warning for each signal that a rule names and can never get, though it has others."""
    seen: set[Loc] = set()
    for name, category in policy.categories.items():
        layers = policy.layers(category)
        for surface, country in scopes(layers, policy.surfaces):
            rule = policy.rule_table[name, surface, country]
            places = _Places(layers, providers(layers, surface, country), ("categories", name))
            [block] = places.of(("corroborate",))
            for signal in rule.corroboration.named:
                why = BY_NAME[signal].unreachable(policy, rule)
                if why and (*block, signal) not in seen:
                    seen.add((*block, signal))
                    hint = "fill what it needs, or delete the key; until then the other signals alone count"
                    yield Finding(((*block, signal),), f"warning: {why}, so it never counts", "", hint)


class _Places:
    """Locations in the file of the keys of one resolved rule."""

    def __init__(self, layers: Sequence[Layer], layer_of: dict[str, Layer], loc: Loc) -> None:
        number = {id(layer): at for at, layer in enumerate(layers)}
        self._index = {key: number[id(layer)] for key, layer in layer_of.items()}
        self._loc = loc

    def of(self, keys: Sequence[str]) -> tuple[Loc, ...]:
        """Locate keys of the rule, or "/" and a path from the top; those of overrides first, they were written last."""
        inner = sorted((key for key in keys if key[0] != "/"), key=lambda key: -self._index.get(key, 0))
        outer = [tuple(key[1:].split("/")) for key in keys if key[0] == "/"]
        return (*map(self._loc_of, inner), *outer)

    def _loc_of(self, key: str) -> Loc:
        at = self._index.get(key, 0)
        return (*self._loc, *(("overrides", at - 1) if at else ()), key)

    def overridden(self, keys: Sequence[str]) -> bool:
        return any(self._index.get(key, 0) for key in keys)


def _where(surface: str | None, country: str | None) -> str:
    on = f"on {surface}" if surface else "on every surface"
    return on if not country else f"{on}, in the world" if country == "*" else f"{on}, in {country}"


Contradiction = tuple[tuple[str, ...], str, str, str]
"""(keys, message, expected value, hint)"""


def _contradictions(policy: Policy, rule: Rule) -> Iterator[Contradiction]:
    if rule.clear_at >= rule.suppress_at:
        yield (
            ("clear_at", "suppress_at"),
            f"clear_at {rule.clear_at:g} is not below suppress_at {rule.suppress_at:g}",
            f"below {rule.suppress_at:g}: the gap keeps a tag from flapping",
            f"such as {rule.suppress_at * 0.65:.2g}",
        )
    if rule.min_authors > rule.min_tweets:
        message = f"min_authors {rule.min_authors} is above min_tweets {rule.min_tweets}"
        expected = "at most min_tweets: every author has written at least one"
        yield ("min_authors", "min_tweets"), message, expected, ""
    for key, floor in (("min_tweets", rule.min_tweets), ("min_authors", rule.min_authors)):
        if floor < policy.evidence_floor:
            yield (
                (key, "/evidence_floor"),
                f"{key} {floor} is below evidence_floor {policy.evidence_floor}",
                f"at least {policy.evidence_floor}: below it no evidence is kept",
                f"raise it to {policy.evidence_floor}, or lower evidence_floor",
            )
    if rule.confidence > policy.early_confidence:
        message = f"confidence {rule.confidence:g} is above early_confidence {policy.early_confidence:g}"
        expected = "at most early_confidence: decisions taken before a tick settles must be surer"
        yield ("confidence", "/early_confidence"), message, expected, "raise early_confidence"
    yield from _times(policy, rule)
    yield from _reachable(policy, rule)


def _times(policy: Policy, rule: Rule) -> Iterator[Contradiction]:
    for window_ms in rule.windows_ms:
        if window_ms not in policy.windows_ms:
            spelt = [spell_duration(listed_ms) for listed_ms in policy.windows_ms]
            nearest_ms = min(policy.windows_ms, key=lambda listed_ms: abs(listed_ms - window_ms))
            hint = f"write {spell_duration(nearest_ms)}, or add it to the policy's `windows`"
            message = f"{spell_duration(window_ms)} is not among the policy's windows"
            yield ("windows", "/windows"), message, "of " + ", ".join(spelt), hint
    if rule.expiry_ms > policy.max_automated_ms:
        yield (
            ("expiry", "/valves/max_automated_hours"),
            f"expiry {spell_duration(rule.expiry_ms)} is above max_automated_hours {policy.valves.max_automated_hours}",
            f"at most {spell_duration(policy.max_automated_ms)}",
            f"write {spell_duration(policy.max_automated_ms)}",
        )
    if rule.expiry_ms < rule.dwell_ms:
        message = f"expiry {spell_duration(rule.expiry_ms)} is shorter than dwell {spell_duration(rule.dwell_ms)}"
        expected = "at least the dwell, or a tag changes state more often than the dwell allows"
        yield ("expiry", "dwell"), message, expected, f"write {spell_duration(rule.dwell_ms)}"


def _reachable(policy: Policy, rule: Rule) -> Iterator[Contradiction]:
    named, need = rule.corroboration.named, rule.corroboration.need
    why = [why for name in named if (why := BY_NAME[name].unreachable(policy, rule))]
    reachable = len(named) - len(why)
    if rule.hides and need == 0:
        yield (
            ("corroborate", "mode"),
            f"mode {rule.mode} without corroboration",
            "`corroborate` with `need: 1` or more: text alone never hides a tag",
            "add corroborate: {need: 1, authors: 100}, or use mode review",
        )
    if need > reachable:
        few = f"only {reachable} signals" if reachable != 1 else "only 1 signal"
        yield (
            ("corroborate", "/windows", "/curated_terms", "/link_domains"),
            f"need {need}, but {few} can be reached",
            f"at most {reachable}",
            "; ".join(why) or "name more signals, or lower need",
        )
    z = NormalDist().inv_cdf(0.5 + rule.confidence / 2)
    highest = SAMPLED_MAX / (SAMPLED_MAX + z * z)
    if rule.suppress_at > highest:
        yield (
            ("suppress_at", "confidence"),
            f"suppress_at {rule.suppress_at:g} can never be reached",
            f"at most {highest:.2f}: the lower bound of {SAMPLED_MAX} sampled authors, all harmful, "
            f"at confidence {rule.confidence:g}",
            "lower it",
        )
