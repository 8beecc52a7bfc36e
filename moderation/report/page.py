"""Render the report as a self-contained page, and as a public update of a few lines. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from moderation.report.plots import LabeledBar, bar_table, share_bar
from moderation.report.publish import PublishedReport
from moderation.report.rounding import Count, bar_length
from moderation.wording import country_words, day_words, time_words
from streams.naming import format_duration
from web.templates import page_templates

_OUTCOMES = {
    "reduced": "reduced visibility",
    "withheld": "withheld in the country",
    "suspended": "suspended under our own rules",
    "declined": "declined",
    "ended": "held back until the order ended",
    "dropped": "order revoked before we acted",
    "undecided": "under review",
}
_KINDS = {"account": "Accounts", "hashtag": "Hashtags", "tweet": "Tweets"}
_GROUNDS = {
    "protected_speech": "protected speech",
    "not_unlawful": "breaks no law",
    "overbroad": "not specific, or too wide",
    "no_legal_basis": "no legal basis",
    "not_found": "not found",
    "other": "other",
}
_GROUND_CLAUSES = {
    "protected_speech": "are protected speech",
    "not_unlawful": "break no law that was named",
    "overbroad": "were asked for without particulars, or too widely",
    "no_legal_basis": "without a legal basis",
    "not_found": "could not be found",
    "other": "for other reasons",
}
_DURATIONS = {"hour": "under an hour", "six_hours": "1 to 6 hours", "day": "6 to 24 hours", "longer": "a day or more"}
_SPEAKERS = {
    "news_media": "news media",
    "journalist": "journalists",
    "activist": "activists",
    "politician": "politicians",
}


def html(report: PublishedReport, now_ms: int, *, title: str = "Transparency report") -> str:
    """Render the page: styles inline, plots as SVG, no scripts."""
    facts = report.facts
    plots: dict[str, str] = {}
    for kind, counts in facts["outcomes"].items():
        ordered = [(name, counts[name]) for name in _OUTCOMES if name in counts]
        drawn = [
            LabeledBar(_OUTCOMES[name], bar_length(count), count_text(count) + _share(count, counts), name)
            for name, count in ordered
        ]
        plots[kind] = share_bar(drawn) + bar_table(drawn, f"{_KINDS[kind]} by outcome")
    for kind, grounds in facts["declined_by_ground"].items():
        by_ground = {_GROUNDS[ground]: count for ground, count in grounds.items()}
        plots[f"declined {kind}"] = _plot(by_ground, f"{_KINDS[kind]} declined by ground", "declined")
    speakers = facts["protected_speakers_declined"]
    plots["speakers"] = _plot({_SPEAKERS[c]: n for c, n in speakers.items()}, "Protected speakers", "declined")
    categories = facts["hashtags_suppressed_by_category"]
    plots["categories"] = _plot(
        {_words(c): n for c, n in categories.items()}, "Hashtags suppressed by category", "reduced"
    )
    contested = facts["hashtags_discounted_by_category"]
    plots["contested"] = _plot(
        {_words(c): n for c, n in contested.items()}, "Contested hashtags by category", "declined"
    )
    lasted = facts["suppressions_by_duration"]
    plots["lasted"] = _plot({_DURATIONS[d]: lasted[d] for d in _DURATIONS if d in lasted}, "How long", "reduced")
    template = _environment.get_template("report.html")
    return template.render(title=title, facts=facts, plots=plots, kinds=_KINDS, now_ms=now_ms)


def update(report: PublishedReport, *, name: str = "hushtag") -> str:
    """Write a public update as a platform would post it."""
    facts = report.facts
    accounts, hashtags = facts["outcomes"].get("account", {}), facts["outcomes"].get("hashtag", {})
    where = "" if facts["country"] == "*" else f" in {country_words(facts['country'])}"
    only = f"{where} only" if where else ", each in the country of its order only"
    orders = "one legal order" if facts["orders"] == 1 else f"{facts['orders']:,} legal orders"
    lines = [
        f"Update{where}, {day_words(facts['from_ms'])} to {day_words(facts['to_ms'] - 1)}",
        "",
        f"We received {orders}, naming {in_sentence(facts['targets'].get('account', 0))} accounts"
        + (f" and {in_sentence(facts['targets']['hashtag'])} hashtags" if "hashtag" in facts["targets"] else "")
        + ".",
        "",
    ]
    if count := hashtags.get("reduced"):
        lines.append(
            f"- The visibility of {in_sentence(count)} hashtags with harmful content was reduced: they no longer appear"
        )
        lines.append("  in trends or as recommended search terms there. People can still type them.")
    if count := hashtags.get("ended"):
        lines.append(
            f"- The visibility of {in_sentence(count)} hashtags was reduced until the order or our interim decision"
        )
        lines.append("  on it ended.")
    if count := hashtags.get("declined"):
        lines.append(f"- On {in_sentence(count)} hashtags we took no action.")
    if count := accounts.get("suspended"):
        lines.append(f"- {in_sentence(count)} accounts were suspended because they broke our own rules.")
    if count := accounts.get("withheld"):
        lines.append(f"- {in_sentence(count)} accounts are withheld{only}. They remain visible everywhere else.")
    if count := accounts.get("ended"):
        lines.append(f"- {in_sentence(count)} accounts were withheld{only}, until the order or our interim")
        lines.append("  decision on it ended.")
    if count := accounts.get("declined"):
        lines.append(
            f"- On {in_sentence(count)} accounts we took no action{_because(facts['declined_by_ground']['account'])}."
        )
        lines.append("  We do not believe that acting on them would be consistent with protected speech and")
        lines.append("  free expression.")
    if speakers := facts["protected_speakers_declined"]:
        names = ", ".join(f"{in_sentence(count)} {_SPEAKERS[category]}" for category, count in speakers.items())
        lines.append(f"- Among them: {names}.")
    if acted := facts["protected_speakers_acted_against"]:
        lines.append(f"- We acted against {in_sentence(acted)} protected speakers. Two people decided on each.")
    if later := facts["protected_speakers_registered_afterwards"]:
        lines.append(
            f"- {in_sentence(later)} accounts that we acted against were registered as protected speakers only after"
        )
        lines.append("  the decision, which one person took.")
    if speakers and not acted and not later:
        lines.append("- We acted against no protected speaker.")
    for counts, noun in ((hashtags, "hashtags"), (accounts, "accounts")):
        if count := counts.get("dropped"):
            lines.append(f"- On {in_sentence(count)} {noun} no action had been taken when the order was revoked.")
        if count := counts.get("undecided"):
            lines.append(f"- {in_sentence(count)} {noun} are still under review.")
    if facts["median_time_to_act_ms"] is not None:
        lines.append(f"- Median time from an order to our decision: {format_duration(facts['median_time_to_act_ms'])}.")
    lines += ["", f"Counts below {report.threshold} are not given exactly. Published by {name}."]
    return "\n".join(lines) + "\n"


def count_text(count: Count) -> str:
    """Format a published count for a table."""
    return f"{count:,}" if isinstance(count, int) else count


def in_sentence(count: Count) -> str:
    """Format a published count for a sentence.

    >>> in_sentence(1_178), in_sentence("<5"), in_sentence("36 to 39")
    ('1,178', 'fewer than 5', '36 to 39')
    """
    return count_text(count).replace("<", "fewer than ")


def _share(count: Count, counts: Mapping[str, Count]) -> str:
    """Format a count as a share of its group, if every count of the group is exact."""
    exact = [one for one in counts.values() if isinstance(one, int)]
    if not isinstance(count, int) or len(exact) < len(counts) or not sum(exact):
        return ""
    return f" ({count / sum(exact):.0%})"


def _because(grounds: Mapping[str, Count]) -> str:
    """List the grounds of declined targets in a clause."""
    return ": " + ", ".join(f"{in_sentence(count)} {_GROUND_CLAUSES[ground]}" for ground, count in grounds.items())


def _plot(counts: Mapping[str, Count], title: str, css: str) -> str:
    return bar_table([LabeledBar(name, bar_length(n), count_text(n), css) for name, n in counts.items()], title)


def _words(category: str) -> str:
    return category.replace("_", " ")


_environment = page_templates("moderation.report")
_environment.filters.update(
    country=country_words,
    count_text=count_text,
    in_sentence=in_sentence,
    day=day_words,
    time=time_words,
    duration=format_duration,
    words=_words,
)
