"""Conditions that would change a hashtag's state: what ends a flag, and what is missing until a rule acts. Pure.

They restate `streams.judging.hysteresis.decide` for a reader, and their tests compare them with it.
"""

from __future__ import annotations

from collections.abc import Iterator

from streams.actions import ACTION_OF_MODE, AWAITING_PERSON, HIDING, WEIGHING
from streams.constants import HOUR_MS
from streams.explain.signal_report import SignalReport, moment
from streams.judging.levels import LEAST_PART
from streams.languages import authors_words
from streams.log.decisions import NOT_ASSESSED, SPEAKING_SHARE, UNCORROBORATED, DecisionReason, ScopeDecision
from streams.naming import format_duration
from streams.policy import Rule

OVER_WORDS = ("over", "over without established authors")
"""Levels at which a rule that hides hides a tag."""


def would_clear(
    action: str,
    rule: Rule | None,
    now: SignalReport | None,
    max_automated_ms: int,
    *,
    state: ScopeDecision | None = None,
    protected: bool = False,
    fault: DecisionReason | None = None,
    at_ms: int = 0,
) -> list[str]:
    """List the conditions that end an automated flag, each a clause after "it ends when". See `decide`.

    Args:
        action: action of the flag.
        rule: the rule in force; None: the policy does not have the scope any more.
        now: signals at present; None without evidence.
        max_automated_ms: longest time that an automated flag lasts without a person.
        state: the decision behind the flag, which knows the times; None: times are left out.
        protected: whether the tag is in `never_suppress`.
        fault: reason not to trust the scorer.
        at_ms: present time, Unix time in ms.
    """
    if rule is None:
        return ["the next tick settles: the policy does not have the category on this surface any more"]
    if protected:
        return ["the next tick settles: it is protected now"]
    if action != ACTION_OF_MODE[rule.mode] and not (action in WEIGHING and rule.hides):
        return [f"the next tick settles: the mode is {rule.mode} now"]
    if state is not None and state.provisional:
        return [f"its tick settles and it is not {'contested' if action in WEIGHING else 'over'} then"]
    if now is not None and now.level == "too small to say":
        low, seen = True, None
    else:
        low, seen = now is None, now
    bars = ", not while a gap of the log is in its windows" if now is not None and now.holding else ""
    bars += ", not while the scorer is not trusted" if fault is not None else ""
    ends = [end + bars for end in _ends(action, rule, seen, state, at_ms)]
    if action in AWAITING_PERSON:
        return [*ends, f"a person decides, or the {action} expires; it is not renewed"]
    hours = f"{max_automated_ms / HOUR_MS:g} hours"
    if state is not None and state.expires_at_ms >= state.since_ms + max_automated_ms:
        return [*ends, f"it expires: nothing is renewed beyond {hours} without a person"]
    if fault is not None:
        ends.append("it expires before the scorer is trusted again")
    elif low:
        renewed_ms = 0 if state is None else state.expires_at_ms - rule.expiry_ms // 2
        since = f" from {moment(renewed_ms)} on" if renewed_ms > at_ms else ""
        ends.append(f"it stays below {rule.min_tweets} tweets or {rule.min_authors} authors{since} until it expires")
    limit = "" if state is None else f", at {moment(state.since_ms + max_automated_ms)}"
    return [*ends, f"{hours} have passed without a person{limit}"]


def _ends(action: str, rule: Rule, now: SignalReport | None, state: ScopeDecision | None, at_ms: int) -> Iterator[str]:
    """Yield the levels at which a settled tick ends an action, or replaces it by another."""
    rest_ms = 0 if state is None else state.since_ms + rule.dwell_ms
    not_before = f", not before {moment(rest_ms)}" if rest_ms > at_ms else ""
    below_ms = 0 if state is None else state.below_since_ms
    since = f": since {moment(below_ms)}, so at {moment(below_ms + rule.clear_after_ms)}" if below_ms else ""
    clear_after = format_duration(rule.clear_after_ms)
    if action in WEIGHING:
        uppers = ""
        if now is not None and now.is_assessed:
            uppers = f", they are {now.coordinated_upper:.2f} and {now.upper:.2f} now"
        yield (
            f"the others were too few or mostly not read, or the upper bound of their harmful share was below "
            f"{rule.clear_at:g}, for {clear_after}{since}"
        )
        yield f"that and the upper bound of all are below {rule.clear_at:g} at a settled tick{uppers}{not_before}"
    else:
        upper = f", it is {now.upper:.2f} now" if now is not None and now.is_assessed else ""
        yield f"the upper bound of its harmful share falls below {rule.clear_at:g} at a settled tick{upper}{not_before}"
        unread = " (it is not assessed now)" if now is not None and not now.is_assessed else ""
        yield f"it was not over for {clear_after}{unread}{since}"

    least, has = rule.min_established, "" if now is None else f" (it has {now.established} now)"
    if action in HIDING:
        if state is not None and state.without:
            yield f"it has {least} established authors{has} and is not over, at the first such settled tick"
        yield (
            f"it is contested at a settled tick: at least {least} established authors{has} write no harm and the "
            "others do; it is then ranked by the established alone"
        )
    if action in WEIGHING:
        own = f", it is {now.established_lower:.2f} now" if now is not None and now.is_assessed else ""
        then = "hidden" if now is None or not now.innocent_past else "reviewed by people: its past is innocent"
        yield (
            f"at least {least} established authors{has} write harm at a settled tick (lower bound "
            f"{rule.suppress_at:g}{own}); it is then {then}{not_before}"
        )


def would_hide(
    now: SignalReport,
    *,
    state: ScopeDecision | None = None,
    protected: bool = False,
    fault: DecisionReason | None = None,
) -> list[str]:
    """List the conditions that are missing until a rule acts on a tag; empty where it acts and nothing bars it.

    A rule acts on a tag that is over, or contested.

    Args:
        now: signals at present.
        state: the last settled decision that is still kept.
        protected: whether the tag is in `never_suppress`.
        fault: reason not to trust the scorer.
    """
    window = format_duration(now.window_ms)
    floors = [
        f"{floor.threshold:g} {floor.signal.removeprefix('min_')} in {window}, it has {floor.value:g}"
        for floor in now.signals[:2]
        if not floor.passed and floor.value is not None
    ]
    return [*floors, *_missing_harm(now), *_bars(now, state, protected, fault)]


def _missing_harm(now: SignalReport) -> Iterator[str]:
    """Yield what the harmful shares and the corroborating signals lack; nothing where the tag is contested."""
    share, others = now.signals[2], now.signals[3:]
    if share.signal == SPEAKING_SHARE:
        unread = {count.language: count.authors for count in now.unread}
        yield f"words by more of its authors: it is over only without those who wrote none ({authors_words(unread)})"
        return
    if not now.is_assessed:
        yield _missing_texts(now, now.read_part, "sampled")
        return
    enough = now.established >= now.min_established
    least = max(now.min_established, LEAST_PART * now.authors)
    others_read = now.coordinated_read >= now.min_scored
    if enough and others_read and now.coordinated >= least and now.coordinated_lower >= share.threshold:
        if now.level == "between":
            yield f"the same in {format_duration(now.shortest_window_ms)}, the window that decides what is contested"
        return
    if not share.passed and not enough:
        yield f"a lower bound of the harmful share of {share.threshold:g}, it is {now.lower:.2f}"
    if not share.passed and enough:
        rest = f"the {now.coordinated} others, it is {now.coordinated_lower:.2f}"
        if now.coordinated < least:
            rest = f"{least:.0f} authors who are not established, it has {now.coordinated}"
        yield (
            f"a lower bound of the harmful share of {share.threshold:g} among its {now.established} established "
            f"authors, it is {now.established_lower:.2f}, or among {rest}"
        )
    if now.read_part < now.min_scored:
        yield _missing_texts(now, now.read_part, "sampled")
    elif enough and now.established_read < now.min_scored:
        yield _missing_texts(now, now.established_read, "established sampled")
    passed = sum(signal.passed for signal in others)
    if passed < now.need:
        names = ", ".join(f"{signal.signal} {signal.threshold:g}" for signal in others if not signal.passed)
        unless = ", except where it is contested" if enough else ""
        yield f"{now.need - passed} more of the corroborating signals ({names}){unless}"


def _missing_texts(now: SignalReport, read: float, whose: str) -> str:
    languages = authors_words({count.language: count.authors for count in now.unread})
    return (
        f"texts that the model reads by {now.min_scored:.0%} of its {whose} authors (min_scored), it reads {read:.0%}; "
        f"not read: {languages}"
    )


def _bars(
    now: SignalReport, state: ScopeDecision | None, protected: bool, fault: DecisionReason | None
) -> Iterator[str]:
    if protected:
        yield "an end of its protection: it is in never_suppress"
    if fault is not None:
        yield f"a scorer that is trusted: {fault.signal} is {fault.value:g}, the limit {fault.threshold:g}"
    if state is not None and state.valve not in ("", NOT_ASSESSED, UNCORROBORATED) and now.level != "contested":
        yield f"a decision by a person, or the end of its review: {state.valve.replace('_', ' ')}"
    elif state is not None and state.action in WEIGHING and now.level == OVER_WORDS[1]:
        yield f"the end of its {state.action}, or {now.min_established} established authors who write harm"
    elif now.innocent_past and now.level in OVER_WORDS and (state is None or state.action not in HIDING):
        yield f"a decision by a person: {now.innocent_past} established authors used it before without harm"
    if state is None or state.valve == UNCORROBORATED or (state.action != "clear" and state.action not in WEIGHING):
        return
    if state.lapsed:
        yield (
            f"an upper bound of the harmful share below {now.clear_at:g} once, it is {now.upper:.2f}: the action "
            f"before expired at {moment(state.since_ms)} without a decision by a person"
        )
    elif now.tick_ms < state.since_ms + now.dwell_ms and (state.action == "clear" or now.level in OVER_WORDS):
        became = "was cleared" if state.action == "clear" else "became contested"
        yield f"a dwell until {moment(state.since_ms + now.dwell_ms)}: it {became} at {moment(state.since_ms)}"
