"""Render the report as a self-contained page. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from moderation.domain.rounding import Count, bar_length
from moderation.outward.report.plots import LabeledBar, bar_table, share_bar
from moderation.outward.report.published_report import PublishedReport
from moderation.outward.report.words import (
    GROUNDS,
    HELD_BY,
    KINDS,
    ORDER_OUTCOMES,
    OUTCOMES,
    SPEAKERS,
    category_words,
    count_text,
    in_sentence,
    language_words,
    place_words,
    share_words,
)
from moderation.wording import day_words, time_words
from streams.countries import country_name
from streams.naming import format_duration
from web.templates import page_templates

_DURATIONS = {"hour": "under an hour", "six_hours": "1 to 6 hours", "day": "6 to 24 hours", "longer": "a day or more"}


def html(report: PublishedReport, now_ms: int, *, title: str = "Transparency report") -> str:
    """Render the page: styles inline, plots as SVG, no scripts."""
    return _environment.get_template("report.html").render(title=title, body=Markup(body(report, now_ms, title=title)))


def body(report: PublishedReport, now_ms: int, *, title: str = "Transparency report") -> str:
    """Render the page's text without its styles, for a page that has styles."""
    facts = report.facts
    plots: dict[str, str] = {}
    for kind, counts in facts["states"].items():
        drawn = [
            LabeledBar(OUTCOMES[name], bar_length(count), count_text(count, KINDS[kind]) + _share(count, counts),
                       name.partition("_")[0])
            for name, count in ((name, counts[name]) for name in OUTCOMES if name in counts)
        ]  # fmt: skip
        plots[kind] = share_bar(drawn) + bar_table(drawn, f"{KINDS[kind].capitalize()} by state")
    for kind, grounds in facts["declined_by_ground"].items():
        by_ground = {GROUNDS[ground]: count for ground, count in grounds.items()}
        plots[f"declined {kind}"] = _plot(
            by_ground, f"{KINDS[kind].capitalize()} declined by ground", "declined", KINDS[kind]
        )
    speakers = {SPEAKERS[category]: count for category, count in facts["protected_speakers_declined"].items()}
    plots["speakers"] = _plot(speakers, "Protected speakers", "declined", "accounts")
    held = facts["hashtags_held_back"]
    by = {HELD_BY[source]: count for source, count in held["by"].items()}
    places = {place_words(country): count for country, count in held["by_country"].items()}
    categories = {category_words(category): count for category, count in held["by_category"].items()}
    plots["held by"] = _plot(by, "Hashtags held back by decision of", "reduced", "hashtags")
    plots["held where"] = _plot(places, "Hashtags held back by country", "reduced", "hashtags")
    plots["held for"] = _plot(categories, "Hashtags held back by category", "reduced", "hashtags")
    contested = {category_words(c): count for c, count in facts["hashtags_discounted_by_category"].items()}
    plots["contested"] = _plot(contested, "Contested hashtags by category", "declined", "hashtags")
    lasted = facts["suppressions_by_duration"]
    plots["lasted"] = _plot(
        {_DURATIONS[d]: lasted[d] for d in _DURATIONS if d in lasted}, "How long", "reduced", "suppressions"
    )
    template = _environment.get_template("report_body.html")
    return template.render(
        title=title, facts=facts, plots=plots, kinds=KINDS, got=ORDER_OUTCOMES, held_by=HELD_BY, now_ms=now_ms
    )


def _share(count: Count, counts: Mapping[str, Count]) -> str:
    """Format a count as a share of its group, if every count of the group is exact."""
    exact = [part for part in counts.values() if isinstance(part, int)]
    if not isinstance(count, int) or len(exact) < len(counts) or not sum(exact):
        return ""
    share = count / sum(exact)
    return f" ({share:.0%})" if share >= 0.005 else " (under 1%)"


def _plot(counts: Mapping[str, Count], title: str, css: str, noun: str) -> str:
    return bar_table([LabeledBar(name, bar_length(n), count_text(n, noun), css) for name, n in counts.items()], title)


_environment = page_templates("moderation.outward.report")
_environment.filters.update(
    country=country_name,
    place=place_words,
    count_text=count_text,
    in_sentence=in_sentence,
    day=day_words,
    time=time_words,
    duration=format_duration,
    words=category_words,
    language=language_words,
    share=share_words,
)
