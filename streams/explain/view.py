"""What `hushtag explain` shows: a state, its reasons and the lines that set them, what would end it, how it came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from hushtag_client.registers import Register
from rich.console import Console
from rich.text import Text

from models.explain import masked
from streams.explain.hashtag_report import Account, Outcome, Place, account_as_dict
from streams.explain.reading import Terms, Why
from streams.explain.signal_report import Below, Standing, Volume, moment, would_clear, would_hide
from streams.log.decisions import Ruling
from streams.naming import in_words
from streams.policy.where import Place as Line

TERMS_SHOWN = 12
_SPARKS = "▁▂▃▄▅▆▇█"
_WIDTH = 72
_out = Console(highlight=False, markup=False, soft_wrap=True)
_OUTCOMES: dict[Outcome, str] = {
    "wins": "decides",
    "overruled": "overruled by the one above",
    "expired": "run out",
    "cleared": "no longer asks for anything",
    "lifted": "lifted by the stop button",
}


def as_dict(account: Account, why: Why, found: Terms | None, *, in_full: bool) -> dict[str, Any]:
    """All of it as one JSON object; words masked unless `in_full`."""
    told = account_as_dict(account)
    for place, plain in zip(account.places(), told["places"], strict=True):
        for (register, outcome), one in zip(place.heard, plain["registers"], strict=True):
            for reason in one["reasons"]:
                at = _where_set(why, register, reason["signal"])
                reason |= {"file": at[0], "line": at[1].line, "source": at[1].source} if at else {}
            if register.source == "automated" and outcome != "cleared":
                one["ends_when"] = _ends_when(account, why, register)
    told |= {
        "known": True,
        "policy_revision": why.revision,
        "protected": why.protected,
        "scorer_fault": msgspec.to_builtins(why.fault),
        "standings": [msgspec.to_builtins(one) | {"missing": _missing(account, why, one)} for one in why.standings],
        "below_the_evidence_floor": msgspec.to_builtins(why.below),
        "volume": msgspec.to_builtins(why.volume),
    }
    if found is not None:
        shown = [[word if in_full else masked(word), round(added, 4)] for word, added in found.terms[:TERMS_SHOWN]]
        told["terms"] = {
            "texts": found.texts,
            "mean": round(found.mean, 4),
            "terms": shown,
            "model": found.model,
            "unlike": found.unlike,
        }
    return told


def tell(account: Account, why: Why) -> None:
    """All but the words, on the terminal."""
    _out.print(Text(f"#{account.hashtag}", style="bold"))
    for place in account.places():
        _tell_place(place, account, why)
    if why.protected:
        _out.print(f"protected: in never_suppress of {why.name_of(why.live)}, no rule acts on it")
    if why.fault is not None:
        _out.print("the scorer is not believed: nothing begins, is renewed or cleared")
        set_at = why.where(why.revision, why.fault.signal, "", "", "*")
        _tell_signal(why.fault.signal, why.fault.value, why.fault.threshold, set_at)
    for register in account.unpublished():
        _out.print(f"not published yet: {register.action} on {register.surface}, {_where(register.country)}")
    quiet = [
        (said, ruling) for said in account.latest() for ruling in said.rulings if ruling.action in ("review", "shadow")
    ]
    for said, ruling in quiet:
        on = f"{ruling.surface}, {_where(said.country)}"
        _out.print(f"{ruling.action} for {_words(ruling.category)} on {on}: hides nothing")
        for reason in ruling.reasons:
            set_at = why.where(said.policy_revision, reason.signal, ruling.category, ruling.surface, said.country)
            _tell_signal(reason.signal, reason.value, reason.threshold, set_at)
        _tell_predecessor(ruling.evidence.predecessor if ruling.evidence else "")
    alike: dict[tuple[Standing, tuple[str, ...]], list[str]] = {}
    for standing in why.standings:
        missing = tuple(_missing(account, why, standing))
        alike.setdefault((msgspec.structs.replace(standing, surface=""), missing), []).append(standing.surface)
    for (standing, missing), surfaces in alike.items():
        _tell_standing(standing, missing, " and ".join(surfaces), why)
    _tell_below(why.below)
    _tell_volume(why.volume)
    if account.standings:
        _out.print("people decided:")
    for one in account.standings:
        told = one.as_dict(account.now_ms)
        on = f"{_where(told['country'])} on {', '.join(told['surfaces'])}"
        _out.print(Text(f"  {told['action']} {on} by {told['actor']}: {one.state} ({_line(told['reason'])})"))
    _out.print("what happened:")
    for event in account.timeline():
        more = f", renewed {event.repeats} times" if event.repeats else ""
        because = f" ({_line(event.reason)})" if event.reason else ""
        by = "" if event.source == "automated" else f" by {event.actor}"
        _out.print(Text(f"  {moment(event.at_ms)}  {_where(event.country)}: {event.what}{by}{because}{more}"))


def _tell_place(place: Place, account: Account, why: Why) -> None:
    at_ms = account.now_ms
    state = "shown" if place.shown else "hidden"
    _out.print(f"{place.surface}, {_where(place.country)}: {state}", style="green" if place.shown else "red")
    for register, outcome in place.heard:
        ends = _ends(register, at_ms) if register.in_force(at_ms) else ""
        what = f"{register.action}{f' for {_words(register.category)}' if register.category else ''}"
        early = ", early" if register.provisional else ""
        _out.print(Text(f"  {register.source}, {_where(register.country)}: {what}{early}{ends}: {_OUTCOMES[outcome]}"))
        for one in register.reasons:
            _tell_signal(one.signal, one.value, one.threshold, _where_set(why, register, one.signal))
        _tell_predecessor(str(register.evidence.get("predecessor", "")))
        if register.by_people:
            by = f"by {register.actor}: {_line(str(register.evidence.get('reason', '')))}"
            _out.print(Text(f"    {by if register.actor else 'a confidential order: hushtag orders list'}"))
        elif outcome != "cleared":
            counts = ", ".join(
                f"{register.evidence[name]} {name}"
                for name in ("tweets", "authors", "scored")
                if name in register.evidence
            )
            _out.print(f"    {counts}; policy {register.policy_revision}, model {register.model_revision}")
            if "looked" in register.evidence:
                _out.print(f"    {_stages(register.evidence['looked'], str(register.evidence['stage_2']))}")
            for number, end in enumerate(_ends_when(account, why, register)):
                _out.print(f"    {'ends when' if not number else '       or'} {end}")
        _out.print(f"    version {register.version}, decided {moment(register.decided_at_ms)}", style="dim")


def _where_set(why: Why, register: Register, signal: str) -> tuple[str, Line] | None:
    return why.where(register.policy_revision, signal, register.category, register.surface, register.country)


def _ends_when(account: Account, why: Why, register: Register) -> list[str]:
    """What would end an automated register, by the policy in force now; nothing where none is known any more."""
    policy = why.policy(why.live) or why.policy(register.policy_revision)
    if policy is None:
        return []
    scope = register.category, register.surface, register.country
    known = register.category in policy.categories and register.surface in policy.surfaces
    states = (one for one in _rulings(account, *scope) if one.action == register.action)
    return would_clear(
        register.action,
        policy.rule(*scope) if known else None,
        next((one for one in why.standings if (one.category, one.surface, one.country) == scope), None),
        policy.max_automated_ms,
        state=next(states, None),
        protected=why.protected,
        fault=why.fault,
        at_ms=account.now_ms,
    )


def _missing(account: Account, why: Why, one: Standing) -> list[str]:
    """What is missing until a rule acts."""
    states = (ruling for ruling in _rulings(account, one.category, one.surface, one.country) if not ruling.provisional)
    return would_hide(one, state=next(states, None), protected=why.protected, fault=why.fault)


def _rulings(account: Account, category: str, surface: str, country: str) -> list[Ruling]:
    """What the last decision says of a scope."""
    return [
        ruling
        for said in account.latest()
        for ruling in said.rulings
        if (ruling.category, ruling.surface, said.country) == (category, surface, country)
    ]


def _stages(looked: int, stage_2: str) -> str:
    """Which scorers a share is by."""
    if not looked:
        return "by stage 1 alone: stage 2 had not read this hashtag, or was away"
    return f"corrected by stage 2 {stage_2}, which read the texts of {looked} of them"


def _tell_signal(signal: str, value: float | None, threshold: float, at: tuple[str, Line] | None) -> None:
    line = f"  {at[0]}:{at[1].line}: {at[1].source}" if at else ""
    said = "not known" if value is None else f"{value:.4g}"
    margin = "" if value is None else f", margin {value - threshold:+.4g}"
    _out.print(Text(f"    {_words(signal)} {said}, threshold {threshold:.4g}{margin}").append(line, style="dim"))


def _tell_predecessor(hashtag: str) -> None:
    if hashtag:
        _out.print(Text(f"    its authors come from #{hashtag}, which was hidden"))


def _tell_standing(one: Standing, missing: Sequence[str], on: str, why: Why) -> None:
    style = "red" if one.level == "over" else None
    share = f"harmful share {one.lower:.2f} to {one.upper:.2f} over {one.scored} authors"
    _out.print(
        f"{_words(one.category)} on {on}, {_where(one.country)}: {one.level}; {share}, "
        f"{in_words(one.window_ms)} up to {moment(one.tick_ms)}",
        style=style,
    )
    _out.print(f"    {_stages(one.looked, one.stage_2)}")
    for signal in one.signals:
        place = (why.name_of(why.revision), Line(signal.line, signal.source)) if signal.line else None
        _tell_signal(signal.signal, signal.value, signal.threshold, place)
    _tell_predecessor(one.predecessor)
    if missing:
        _out.print(f"    missing: {'; '.join(missing)}")


def _tell_below(below: Sequence[Below]) -> None:
    for one in below:
        _out.print(
            f"below the evidence floor in {in_words(one.window_ms)}, {_where(one.country)}: fewer than {one.floor} "
            f"tweets, up to {moment(one.tick_ms)}"
        )


def _tell_volume(volume: list[Volume]) -> None:
    if not volume:
        return
    per = -(-len(volume) // _WIDTH)
    tweets = [max(one.tweets for one in volume[at : at + per]) for at in range(0, len(volume), per)]
    highest = max(1, *tweets)
    bars = "".join(_SPARKS[round((len(_SPARKS) - 1) * count / highest)] for count in tweets)
    last = volume[-1]
    _out.print(f"tweets in the window, {moment(volume[0].tick_ms)} to {moment(last.tick_ms)}, bars up to {highest:,}:")
    _out.print(f"  {bars}  {last.tweets:,} of {last.authors:,} authors")


def tell_terms(found: Terms | None, *, in_full: bool) -> None:
    """The words that moved the model."""
    if found is None:
        _out.print("words: its tweets are not in the log any more, or the model cannot say")
        return
    if found.unlike:
        _out.print(f"{found.unlike}; this is what another says", style="yellow")
    _out.print(
        f"what moved the model {found.model}, over one text each of {found.texts} authors (mean {found.mean:.2f}):"
    )
    for word, added in found.terms[:TERMS_SHOWN]:
        _out.print(Text(f"  {added:+.3f}  {word if in_full else masked(word)}"))


def _where(country: str) -> str:
    return "everywhere" if country == "*" else country


def _words(name: str) -> str:
    return name.replace("_", " ")


def _line(text: str) -> str:
    return " ".join(text.split())


def _ends(register: Register, at_ms: int) -> str:
    if not register.expires_at_ms:
        return ", until revoked"
    return f", until {moment(register.expires_at_ms)} (for {in_words(register.expires_at_ms - at_ms)})"
