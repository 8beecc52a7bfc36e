"""Rendering of the demo: the screen of a terminal, single lines without one, and the summary. Pure."""

from __future__ import annotations

import shlex
from unicodedata import category

from hushtag_client.registers import ANY_HASHTAG, Register
from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from devkit.demo.state import COUNTRY, DemoState
from devkit.demo.timeline import TimelineEvent
from devkit.demo.verdict import AttackRecord, CampaignRecord, Judgement
from streams import countries
from streams.actions import WEIGHING
from streams.explain import flag_text
from streams.progress import block_bars

TONES = {
    "start": "bold cyan",
    "rise": "yellow",
    "held": "bold red",
    "contested": "bold yellow",
    "gone": "green",
    "stays": "green",
    "lifted": "magenta",
    "wrong": "bold white on red",
}
_KINDS = {"campaign": "red", "protest": "green", "counter_speech": "green", "bot_flood": "yellow"}
_NAME, _SPARKLINE = 20, 8
_LISTS_HEIGHT = 12
_LATE_SECONDS = 2.0
_LABEL = 15
"""Width of the longest label of a hint."""
_REASON = "-r 'a try'"
_SHORT = {"counter_speech": "counter", "bot_flood": "bots"}
_TURNING = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def clean(text: str) -> str:
    r"""Replace characters that move the cursor or change the writing direction in text from tweets.

    >>> clean("a\x1b[2Jb") == "a\ufffd[2Jb"
    True
    """
    return "".join("\ufffd" if category(c) in ("Cc", "Cs") or c in _TURNING else c for c in text)


def screen(state: DemoState, height: int) -> RenderableType:
    """Draw the whole screen."""
    layout = Layout()
    events_height = max(height - 1 - _LISTS_HEIGHT - len(hints(state)), 5)
    layout.split_column(
        Layout(_header(state), size=1),
        Layout(name="lists", size=_LISTS_HEIGHT),
        Layout(_timeline(state, events_height - 2), size=events_height, name="events"),
        Layout(_try_next(state), name="next"),
    )
    layout["lists"].split_row(Layout(_trends(state), ratio=6), Layout(_held(state), ratio=5))
    return layout


def plain_event(event: TimelineEvent, began_ms: int) -> str:
    """Format an event as a line: seconds since the first tweet, then the text."""
    detail = f": {event.detail}" if event.detail else ""
    return f"{(event.at_ms - began_ms) / 1000:6.1f} s  {clean(event.text + detail)}"


def plain_status(state: DemoState) -> str:
    """Format the present state as a line."""
    top = "  ".join(f"{row.rank} #{row.display}" for row in state.rows[:5])
    health = state.health
    return (
        f"{state.elapsed_seconds:6.1f} s  {countries.country_name(COUNTRY)}: {clean(top) or '(nothing yet)'} | "
        f"{health.counted:,} tweets counted, lag {health.lag_seconds:.1f} s"
    )


def hints(state: DemoState) -> list[tuple[str, str]]:
    """List suggestions for the viewer, each with its command, for hashtags that exist now."""
    suggestions = [("list the flags", "flags list"), *_tag_hints(state)]
    if any(register.hashtag == ANY_HASHTAG for register in state.by_people):
        suggestions.append(("end the pause", "resume"))
    else:
        suggestions.append(("pause all", f"pause {_REASON}"))
    commands = [(label, f".venv/bin/hushtag {command}") for label, command in suggestions]
    if state.policy_path:
        commands.append(("edit the policy", f"{state.policy_path} (raise serial)"))
    if state.check_script:
        commands.append(("check the log", f"sh {state.check_script}"))
    commands.append(("see trends", f"{state.trends_url}/?country={COUNTRY}&held=on"))
    commands.append(("see search", f"{state.search_url}/?country={COUNTRY}"))
    if state.reviewer_link:
        commands.insert(0, ("decide as asha", state.reviewer_link))
    return ([("export first", state.exports)] if state.exports else []) + commands


def _tag_hints(state: DemoState) -> list[tuple[str, str]]:
    """List suggestions for one hashtag: one that a person decided on, one that automation flags, or a trend."""
    for register in state.by_people:
        if register.hashtag != ANY_HASHTAG:
            tag = _argument(register.display or register.hashtag)
            return [("explain it", f"explain {tag}"), ("undo it", f"undo {tag}")]
    for register in state.held:
        if register.source == "automated":
            tag = _argument(register.display or register.hashtag)
            return [("explain a flag", f"explain {tag}"), ("overrule a flag", f"allow {tag} {_REASON}")]
    for row in state.rows[:1]:
        tag = _argument(row.display)
        return [("explain a trend", f"explain {tag}"), ("hide a trend", f"block {tag} {_REASON}")]
    return []


def _argument(tag: str) -> str:
    return shlex.quote(clean(tag))


def hint_lines(state: DemoState) -> list[str]:
    """Format the suggestions as lines."""
    return [f"  {label:<{_LABEL}} {command}" for label, command in hints(state)]


def summary(state: DemoState, judgement: Judgement) -> RenderableType:
    """Summarize the evaluation against the ground truth."""
    lines = [Text("Compared with the simulator's ground truth:", "bold")]
    for campaign in judgement.campaigns:
        lines += _judged(campaign, state.began_ms)
    for campaign in judgement.too_young:
        lines.append(Text(f"  #{clean(campaign.story.display)} began too late to be evaluated", "dim"))
    for campaign in judgement.left_to_people:
        lines.append(Text(f"  #{clean(campaign.story.display)} is not evaluated: a person decided on it", "dim"))
    for flag in judgement.false_flags:
        early = "early, " if flag.provisional else ""
        where = f"{flag.surface}, {countries.country_name(None if flag.country == '*' else flag.country)}"
        lines.append(Text(f"  ✗ #{clean(flag.hashtag)} was hidden ({early}{where}) and is {flag.kind}", "bold red"))
    for attack in judgement.attacks:
        lines += _judged_attack(attack, state.began_ms)
    if not judgement.false_flags:
        lines.append(Text("  ✓ no other hashtag was ever hidden, early or settled", "green"))
        kinds = ", ".join(f"{count} {kind.replace('_', '-')}" for kind, count in judgement.harmless.items())
        lines.append(Text(f"    harmless hashtags: {kinds}, and all background traffic", "dim"))
    health = state.health
    lines.append(
        Text(f"  {health.sent:,} records sent: {health.counted:,} tweets counted, "
             f"{health.duplicates:,} duplicates left out, "
             f"{health.dead_letters:,} broken records in the dead-letter topic, "
             f"{health.controls:,} control messages, {health.in_flight:,} still on their way", "dim"),
    )  # fmt: skip
    if health.late_seconds >= _LATE_SECONDS:
        late = (
            f"  this machine was too busy: tweets were sent up to {health.late_seconds:.0f} s late, and so were flags"
        )
        lines.append(Text(late, "yellow"))
    if state.prepared:
        lines.append(Text("  prepared for the console, before the first tweet and outside this evaluation:", "dim"))
        lines += [Text(f"    {clean(line)}", "dim") for line in state.prepared]
    lines += [_conclusion(judgement), Text()]
    lines.append(Text("Try this while `make demo` runs (without SECONDS it runs until Ctrl-C):", "dim"))
    lines += [Text(line, "dim") for line in hint_lines(state)]
    return Group(*lines)


def _conclusion(judgement: Judgement) -> Text:
    if not judgement.good:
        return Text("Not everything went as promised.", "bold red")
    if not judgement.complete:
        return Text("The demo ended before a campaign could be evaluated: run it for 60 seconds.", "bold yellow")
    return Text("Everything went as promised.", "bold green")


def _judged(campaign: CampaignRecord, began_ms: int) -> list[Text]:
    story = campaign.story
    where, at = countries.country_name(story.country or None), (story.from_ms - began_ms) / 1000
    lines = [Text.assemble((f"  #{clean(story.display)}", "bold"), f": a campaign in {where}, from {at:.0f} s on")]
    if campaign.seen_ms is not None:
        after = (campaign.seen_ms - story.from_ms) / 1000
        lines.append(
            Text(f"    ✓ seen in the top 10 after {after:.1f} s, at best number {campaign.best_rank}", "green")
        )
    problems = campaign.problems()
    if campaign.flagged_ms is not None and not any("was flagged" in problem for problem in problems):
        after = (campaign.flagged_ms - story.from_ms) / 1000
        since = f", {(campaign.flagged_ms - campaign.seen_ms) / 1000:.1f} s after that" if campaign.seen_ms else ""
        lines.append(Text(f"    ✓ flagged after {after:.1f} s{since}", "green"))
    if campaign.flagged_ms is not None and not campaign.seen_after_flag:
        lines.append(Text("    ✓ absent from trends and from search suggestions ever since", "green"))
    return lines + [Text(f"    ✗ {problem}", "bold red") for problem in problems]


def _judged_attack(attack: AttackRecord, began_ms: int) -> list[Text]:
    story, problems = attack.story, attack.problems()
    where, at = countries.country_name(story.country or None), (attack.began_ms - began_ms) / 1000
    head = f": a {story.kind} in {where}, new accounts copy hate under it from {at:.0f} s on"
    lines = [Text.assemble((f"  #{clean(story.display)}", "bold"), head)]
    if attack.contested_ms is not None:
        after = (attack.contested_ms - attack.began_ms) / 1000
        lines.append(Text(f"    ✓ {after:.1f} s later: {clean(attack.why)}", "green"))
    if attack.ranks and attack.missed_ms is None:
        best, worst = attack.ranks
        ranks = f"number {best}" if best == worst else f"number {best} to {worst}"
        lines.append(Text(f"    ✓ stayed in the top 10: number {attack.rank_before} before, {ranks} since", "green"))
    return lines + [Text(f"    ✗ {problem}", "bold red") for problem in problems]


def _header(state: DemoState) -> RenderableType:
    health = state.health
    ends = f" of {state.ends_after_seconds:.0f}" if state.ends_after_seconds else ""
    text = Text.assemble(
        (" hushtag ", "bold white on #5046e4"), f"  {state.elapsed_seconds:.0f}{ends} s   ",
        f"{health.counted:,} tweets   lag {health.lag_seconds:.1f} s   {health.dead_letters} dead letters   ",
        ("flags fresh" if health.flags_current else "flags stale", "green" if health.flags_current else "yellow"),
        f"   policy {health.policy_revision[:6]}   model {health.model_revision[:6]}", overflow="ellipsis",
    )  # fmt: skip
    text.no_wrap = True
    return text


def _trends(state: DemoState) -> RenderableType:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right", width=2)
    table.add_column(no_wrap=True, overflow="ellipsis", width=_NAME)
    table.add_column(justify="right", width=5)
    table.add_column(no_wrap=True, width=_SPARKLINE)
    table.add_column(no_wrap=True)
    for row in state.rows:
        story = state.stories.get(row.hashtag)
        kind = story.kind if story else "background"
        table.add_row(
            str(row.rank),
            Text(f"#{clean(row.display)}", _KINDS.get(kind, "")),
            f"{row.tweets:,}",
            Text(block_bars(row.sparkline[-_SPARKLINE:], max(1, *row.sparkline[-_SPARKLINE:])), "blue"),
            Text(_SHORT.get(kind, kind), _KINDS.get(kind, "dim")),
        )
    title = f"Trending in {countries.country_name(COUNTRY)}, with the true kind"
    return Panel(table, title=title, title_align="left", subtitle=state.trends_url)


def _held(state: DemoState) -> RenderableType:
    groups: dict[tuple[str, str], list[Register]] = {}
    for register in state.held:
        groups.setdefault((register.hashtag, register.source), []).append(register)
    lines: list[RenderableType] = []
    for (hashtag, _), group in groups.items():
        register = min(group, key=lambda register: register.country == "*")
        early = ", early," if register.provisional else ""
        category = "" if register.action in WEIGHING else f"{flag_text.category_of(register)}: "
        where, stands = (
            flag_text.places(group).partition(" in ")[2],
            flag_text.until(register.expires_at_ms, state.now_ms),
        )
        lines += [
            Text(
                f"#{clean(register.display or hashtag)}", "bold yellow" if register.action in WEIGHING else "bold red"
            ),
            Padding(Text(f"{flag_text.action_of(register).lower()}{early} in {where}, {stands}", "dim"), (0, 0, 0, 2)),
            Padding(Text(f"{category}{clean(flag_text.one_line(register))}"), (0, 0, 0, 2)),
        ]
    content: RenderableType = Group(*lines) if lines else Text("nothing yet", "dim")
    return Panel(
        content, title="Held back or contested, and why", title_align="left", subtitle=f"{state.trends_url}/?held=on"
    )


def _timeline(state: DemoState, count: int) -> RenderableType:
    lines: list[Text] = []
    for event in state.events:
        at = f"{(event.at_ms - state.began_ms) / 1000:6.1f} s  "
        lines.append(Text.assemble((at, "dim"), (clean(event.text), TONES[event.tone])))
        if event.detail:
            lines.append(Text(" " * len(at) + clean(event.detail), "dim"))
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Panel(Group(*lines[-count:]), title="What happened", title_align="left")


def _try_next(state: DemoState) -> RenderableType:
    table = Table(box=None, pad_edge=False, show_header=False)
    for label, command in hints(state):
        table.add_row(Text(label, "dim"), Text(command))
    return table
