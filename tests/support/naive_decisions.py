"""Decisions the obvious way, without code of the cores: one rule on one window, and no cap on what hides.

What asks people about a tag that nothing corroborates is a state of its own, beside the state that acts.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from typing import NamedTuple

from tests.support.naive import PANE, K, author_hash, authors, strata_sample, uses, wilson

DAY, HOUR, MINUTE = 86_400_000, 3_600_000, 60_000
SKETCH_DELAY = 60_000
OVER = ("without", "contested", "over")
"""Levels that begin an action, the weakest first."""


@dataclass(frozen=True)
class NaiveRule:
    """Keys of a policy and of its only rule; times in milliseconds."""

    window: int
    min_tweets: int
    min_authors: int
    suppress_at: float
    clear_at: float
    confidence: float
    dwell: int
    expiry: int
    score_floor: int
    mode: str = "suppress"
    past: int = 0
    """Longest window of the policy, at most 15 minutes; 0: there is no longer one."""
    min_established: int = 10
    innocent_past: int = 100
    clear_after: int = 60_000
    young_days: int = 30
    harmless_below: float = 0.25
    corroborated: frozenset[str] | None = None
    """Hashtags that a signal corroborates; None: all."""
    cases: int = 24
    """Cap on new cases about the others in an hour."""


class NaiveState(NamedTuple):
    action: str = "clear"
    since: float = -math.inf
    expires: int = 0
    below: int = 0
    """First tick since which the tag has not been over; 0 while it is."""
    without: bool = False
    weight: float | None = None
    valve: str = ""

    def until(self, tick: int) -> int:
        return self.expires if self.action == "suppress" and self.expires > tick else 0


def naive_state(ruling) -> NaiveState:
    """Convert a settled decision to the form of the reference."""
    return NaiveState(
        ruling.action, ruling.since_ms, ruling.expires_at_ms, ruling.below_since_ms, ruling.without, ruling.weight,
        ruling.valve,
    )  # fmt: skip


class Verdict(NamedTuple):
    level: str
    enough: bool = False
    weight: float = 1.0
    disputed: bool = False
    innocent: bool = False
    tweets: int = 0
    lower: float = 0.0


class Sketch(NamedTuple):
    tick: int
    until: int
    hashes: frozenset[int]
    upto: int


class Measured(NamedTuple):
    """Numbers of scored texts by language group, rounded sums of weights, and their mean probability."""

    counts: tuple[int, ...]
    mean: float

    def without(self, part: Measured) -> Measured:
        n, others = sum(self.counts), sum(part.counts)
        counts = tuple(one - other for one, other in zip(self.counts, part.counts, strict=True))
        if n == others:
            return Measured(counts, 0.0)
        total = self.mean * n - part.mean * others
        return Measured(counts, min(max(total / (n - others), 0.0), 1.0))


def words(text: str) -> str:
    """Return what copies of a text share."""
    return " ".join(word for word in text.casefold().split() if not word.isdigit())


def established(chosen, rule, from_hidden, harmless, written):
    """Select the sampled tweets by accounts with standing: grown, not of another hidden tag, no later copies of harm.

    `written` has the tweets under the tag, retweets apart, as (pane, country, tweet id, tweet) in ascending order.
    """

    def grown(tweet) -> bool:
        born = tweet.get("author_created_at_ms")
        return born is None or (tweet["created_at_ms"] - born) // DAY >= rule.young_days

    def is_copy(tweet) -> bool:
        uses = [use for use in written if words(use[3]["text"]) == words(tweet["text"])]
        others = [use for use in uses if use[3]["author_id"] != tweet["author_id"] and grown(use[3])]
        mine: dict[int, dict[str, int]] = defaultdict(dict)
        for pane, country, number, one in uses:
            if one["author_id"] == tweet["author_id"]:
                mine[pane].setdefault(country, number)
        first = min(mine, default=-1)
        return any(
            pane < first or (pane == first and number < mine[pane].get(country, 0))
            for pane, country, number, _ in others
        )

    return [
        tweet
        for tweet in chosen
        if grown(tweet)
        and author_hash(tweet["author_id"]) not in from_hidden
        and (harmless(tweet) or tweet.get("retweet") or not is_copy(tweet))
    ]


def campaign(sketches, tick):
    """Return the hashes of a hidden tag's authors that count at a tick."""
    counting = [one for one in sketches if one.tick + SKETCH_DELAY <= tick]
    if not counting or counting[-1].until <= tick:
        return frozenset()
    last_end = max((at for at, one in enumerate(counting) if not one.until), default=-1)
    upto = min(one.upto for one in counting[last_end + 1 :])
    return frozenset(one for sketch in counting[last_end + 1 :] for one in sketch.hashes if one <= upto)


def step(before, verdict, rule, tick):
    """Return the state after a tick; the same one if nothing changes."""
    rested = tick - before.since >= rule.dwell
    contested = verdict.level == "contested" and rule.mode == "suppress"
    action = "discount" if contested else "review" if before.valve else rule.mode
    begins = verdict.level in OVER
    begun = NaiveState(action, tick, tick + rule.expiry, 0, verdict.level == "without")
    if action == "discount":
        begun = begun._replace(weight=verdict.weight)
    elif action == "suppress" and verdict.innocent:
        begun = begun._replace(action="review", valve="innocent_past")
    if before.action == "clear":
        return begun if begins and rested else before
    if contested and before.action in ("suppress", "review"):
        return begun
    if before.action == "discount" and verdict.level == "over" and rested:
        return begun
    clear, now = NaiveState(since=tick), before
    active = begins or (now.action == "discount" and verdict.disputed)
    if verdict.level == "under" and rested and not active:
        return clear
    if active:
        now = now._replace(below=0, without=now.without and verdict.level != "over")
    elif verdict.level != "low":
        now = now._replace(below=now.below or tick)
        if (now.without and verdict.enough) or tick - now.below >= rule.clear_after:
            return clear
    if active and now.weight is not None and abs(verdict.weight - now.weight) > now.weight / 10:
        now = now._replace(weight=verdict.weight)
    if verdict.level in (*OVER, "between") and now.expires - tick <= rule.expiry // 2:
        return now._replace(expires=tick + rule.expiry)
    return clear if tick >= now.expires else now


def ask(case, verdict, rule, tick):
    """Return the state of an open case after a tick: people are asked while nothing corroborates an over tag."""
    if verdict.level == "under" and tick - case.since >= rule.dwell:
        return NaiveState(since=tick, valve="uncorroborated")
    if verdict.level == "alone":
        case = case._replace(below=0)
    elif verdict.level != "low":
        case = case._replace(below=case.below or tick)
        if tick - case.below >= rule.clear_after:
            return NaiveState(since=tick, valve="uncorroborated")
    if verdict.level in ("alone", "between") and case.expires - tick <= rule.expiry // 2:
        return case._replace(expires=tick + rule.expiry)
    return NaiveState(since=tick, valve="uncorroborated") if tick >= case.expires else case


def decisions(
    lines, rule, harm, fact_at=lambda account, country, tick: "", bounds=None, group=lambda text: 0, groups=1
) -> list[tuple[str, str, int, NaiveState]]:
    """Return (tag, country, tick, state) of every change.

    A text is scored if its tag had `score_floor` tweets in the window when its pane settled.

    Args:
        rule: a `NaiveRule`.
        harm: probability of a text.
        fact_at: account facts; see `naive_facts`.
        bounds: bounds of the harmful share by mean and numbers of groups; None: Wilson's bounds of the mean.
        group: language group of a text, below `groups`.
    """
    bounds = bounds or (lambda mean, counts: wilson(mean, sum(counts), rule.confidence))
    panes = defaultdict(lambda: defaultdict(list))
    for tag, country, at, tweet in uses(lines):
        for scope in {country, "*"} - {""}:
            panes[at // PANE][tag, scope].append({**tweet, "pane": at // PANE})

    def tweets_in(key, first, end):
        return [tweet for one in range(first, end) if one in panes for tweet in panes[one].get(key, ())]

    @cache
    def scores(tag, pane) -> bool:
        return len(tweets_in((tag, "*"), pane + 1 - rule.window // PANE, pane + 1)) >= rule.score_floor

    def measured(chosen, tag) -> Measured:
        texts = [(t["text"], weight) for fact, t, weight in chosen if not fact and scores(tag, t["pane"])]
        weights = [sum(weight for text, weight in texts if group(text) == one) for one in range(groups)]
        upto = [0, *map(round, accumulate(weights))]
        counts = tuple(later - before for before, later in pairwise(upto))
        if not sum(counts):
            return Measured(counts, 0.0)
        return Measured(counts, sum(weight * harm(text) for text, weight in texts) / sum(weights))

    def bounds_of(one: Measured):
        """Return the bounds of the share."""
        return bounds(one.mean, one.counts) if sum(one.counts) else (0.0, 1.0)

    def split(key, tick, first, end):
        """Return the sample, the same with account facts and without hidden accounts, and its established part."""
        whole = strata_sample(tweets_in(key, first, end))
        facts = [(fact_at(t["author_id"], key[1], tick), t, weight) for _, t, weight, _ in whole]
        chosen = [one for one in facts if one[0] != "hidden"]
        from_hidden = frozenset().union(
            *(campaign(sent, tick) for other, sent in sketches.items() if other[1] == key[1] and other != key)
        )
        # A text that no model has looked at has no fingerprint, and so is no copy. One of a protected account has one.
        harmless = {
            t["id"]
            for fact, t, _ in chosen
            if not scores(key[0], t["pane"]) or (not fact and harm(t["text"]) < rule.harmless_below)
        }
        written = sorted(
            (
                (one["pane"], one.get("country", ""), int(one["id"]), one)
                for one in tweets_in(key, first, end)
                if scores(key[0], one["pane"])
            ),
            key=lambda use: use[:3],
        )
        own = {
            t["id"]
            for t in established([t for _, t, _ in chosen], rule, from_hidden, lambda t: t["id"] in harmless, written)
        }
        return whole, chosen, [one for one in chosen if one[1]["id"] in own]

    def size(chosen) -> float:
        return sum(one[2] for one in chosen)

    def smallest(whole):
        return [(author, t) for author, t, _, is_further in whole if not is_further]

    def count(whole, chosen) -> int:
        return round(authors(smallest(whole)) * (size(chosen) / (size(whole) or 1.0)))

    def judge(key, pane) -> Verdict:
        tick, first = (pane + 1) * PANE, pane + 1 - rule.window // PANE
        whole, chosen, own = split(key, tick, first, pane + 1)
        everyone = count(whole, chosen)
        all_of, own_of = measured(chosen, key[0]), measured(own, key[0])
        scored, (lower, upper) = sum(all_of.counts), bounds_of(all_of)
        tweets = len(tweets_in(key, first, pane + 1))
        if tweets < rule.min_tweets or everyone < rule.min_authors or not scored:
            return Verdict("low")
        theirs = round(everyone * (size(own) / size(chosen)))
        enough, weight = theirs >= rule.min_established, round(min(1.0, theirs / everyone, 3 * theirs / tweets), 3)
        own_lower, _ = bounds_of(own_of)
        rest_lower, rest_upper = bounds_of(all_of.without(own_of))
        level = "under" if upper < rule.clear_at else "between"
        corroborated = rule.corroborated is None or key[0] in rule.corroborated
        if (own_lower if enough else lower) >= rule.suppress_at and not corroborated:
            level = "alone"
        if not enough and lower >= rule.suppress_at and corroborated:
            level = "without"
        rest = everyone - theirs
        disputed = enough and rest >= max(rule.min_established, everyone / 10) and rest_upper >= rule.clear_at
        if disputed and rest_lower >= rule.suppress_at:
            level = "contested"
        if enough and own_lower >= rule.suppress_at and corroborated:
            level = "over"
        return Verdict(level, enough, weight, disputed, level in OVER and innocent(key, pane), tweets, lower)

    def innocent(key, pane) -> bool:
        first, end = pane + 1 - rule.past // PANE, pane + 1 - rule.window // PANE
        whole, chosen, own = split(key, (pane + 1) * PANE, first, end)
        theirs = round(count(whole, chosen) * (size(own) / (size(chosen) or 1.0)))
        return theirs >= rule.innocent_past and bounds_of(measured(own, key[0]))[1] < rule.clear_at

    states, cases, opened, changes = {}, {}, [], []
    sketches: dict[tuple[str, str], list[Sketch]] = defaultdict(list)
    for pane in range(min(panes), max(panes) + 1):
        tick, first = (pane + 1) * PANE, pane + 1 - rule.window // PANE
        keys = {key for one in range(first, pane + 1) if one in panes for key in panes[one]} | set(states)
        verdicts = {key: judge(key, pane) for key in sorted(keys | set(cases))}
        asking = [
            key for key, verdict in verdicts.items()
            if verdict.level == "alone"
            if states.get(key, NaiveState()).action == cases.get(key, NaiveState()).action == "clear"
            if all(tick - one.get(key, NaiveState()).since >= rule.dwell for one in (states, cases))
        ]  # fmt: skip
        asking.sort(key=lambda key: (-verdicts[key].tweets, -verdicts[key].lower, key))
        admitted = asking[: max(rule.cases - sum(at > tick - HOUR for at in opened), 0)]
        opened += [tick] * len(admitted)
        for key, verdict in verdicts.items():
            before, case = states.get(key, NaiveState()), cases.get(key, NaiveState())
            shown = case if case.action == "review" else before
            if verdict.level == "alone":
                verdict = verdict._replace(level="between")
            after = step(before, verdict, rule, tick)
            if after.action != "clear":
                cases.pop(key, None)
                now = after
            elif case.action == "review":
                now = cases[key] = ask(case, verdicts[key], rule, tick)
            elif key in admitted:
                now = cases[key] = NaiveState("review", tick, tick + rule.expiry, valve="uncorroborated")
            else:
                now = after
            if now != shown:
                changes.append((*key, tick, now))
            if after is not before and after != before:
                states[key] = after
            minutes, rest = divmod(tick - after.since, MINUTE) if after.until(tick) else (0, 0)
            due = not rest and minutes in (1, 2, 4, 8, 16) and verdict.level in (*OVER, "between")
            if before.until(tick) != after.until(tick) or due:
                whole, chosen, _ = split(key, tick, first, pane + 1)
                late = {t["id"] for _, t, _, is_further in whole if is_further}
                sketches[key].append(Sketch(
                    tick, after.until(tick),
                    frozenset(
                        author_hash(t["author_id"])
                        for fact, t, _ in chosen
                        if t["id"] not in late and not fact and scores(key[0], t["pane"]) and harm(t["text"]) >= 0.5
                    ),
                    whole[K - 1][0] if len(whole) >= K else 2**64 - 1,
                ))  # fmt: skip
    return changes
