"""Statements of reasons in the affected user's language.

Messages are English in the code; `locale/*.po` holds the translations. Babel reads the catalogues and formats dates,
shares, lists and country names. A missing translation fails a test, so a statement never mixes two languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from babel import Locale
from babel.dates import format_datetime
from babel.lists import format_list
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from moderation.domain.restrictions.restriction import Restriction
from streams.actions import FORM_OF_MEASURE, ROW_OF_MEASURE
from streams.languages import UNNAMED, in_order, language_name
from streams.log.decisions import unread_of
from streams.signals.registry import BY_NAME

LANGUAGES = ("en", "hi")


class Translator:
    """Messages and formats of one language."""

    def __init__(self, language: str) -> None:
        self.locale = Locale(language)
        self._catalogue = None if language == "en" else catalogue(language)

    def text(self, message: str, **values: str) -> str:
        """Translate a message and insert its values."""
        if self._catalogue is not None:
            translation = self._catalogue.get(message)
            assert translation is not None and translation.string, f"no {self.locale} for {message!r}"
            message = str(translation.string)
        return message.format(**values)

    def time(self, at_ms: int) -> str:
        """Format a Unix time in ms as date and time in UTC."""
        return format_datetime(datetime.fromtimestamp(at_ms / 1000, UTC), "d MMMM y, HH:mm 'UTC'", locale=self.locale)

    def country(self, code: str) -> str:
        """Return a country's name; an unknown code stays a code."""
        return str(self.locale.territories.get(code, code))

    def language(self, tag: str) -> str:
        """Return a language's name by its BCP 47 tag; an unknown tag stays a tag."""
        if self._catalogue is None:
            return language_name(tag)
        return str(self.locale.languages.get(tag.replace("-", "_"), tag))

    def share(self, value: float) -> str:
        """Format a share in [0, 1] as a percentage."""
        return format_percent(value, locale=self.locale)

    def number(self, value: int) -> str:
        """Format a count with the language's separators."""
        return format_decimal(value, locale=self.locale)

    def all_of(self, items: list[str]) -> str:
        """Join items with the language's commas and its word for "and"."""
        return format_list(items, locale=self.locale)


@cache
def catalogue(language: str) -> Catalog:
    """Read the messages of a language."""
    with files("moderation.outward.statements").joinpath(f"locale/{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def user_text(restriction: Restriction, language: str) -> str:
    """Write the statement for the affected user, a paragraph a line.

    Args:
        restriction: restriction to explain.
        language: one of LANGUAGES.
    """
    tr = Translator(language)
    lines = [] if restriction.in_force else [tr.text("This decision is not in force now. It was:")]
    lines += [_effect(restriction, tr), _duration(restriction, tr), *_reasons(restriction, tr)]
    form = FORM_OF_MEASURE.get(restriction.measure)
    if form and form.closing:
        lines.append(tr.text(form.closing))
    if restriction.kind == "hashtag":
        lines.append(tr.text("Tweets with it are not deleted, and people who type it still find them."))
    lines.append(
        tr.text(
            "If you think this is wrong, you can appeal. Give the reference {reference}.",
            reference=restriction.reference,
        )
    )
    return "\n".join(lines)


def _effect(restriction: Restriction, tr: Translator) -> str:
    country = tr.country(restriction.country)
    if restriction.measure == "suspended":
        return tr.text("Your account is suspended.")
    if restriction.measure == "withheld":
        hidden = tr.text("Your account is not visible to viewers in {country}.", country=country)
        if restriction.kind == "tweet":
            hidden = tr.text(
                "Your tweet {tweet} is not visible to viewers in {country}.", tweet=restriction.target, country=country
            )
        return hidden + _elsewhere(restriction, tr)
    places = tr.all_of([_surface(surface, tr) for surface in restriction.surfaces])
    form = FORM_OF_MEASURE[restriction.measure]
    if restriction.country != "*":
        return tr.text(form.in_country, tag=restriction.display, places=places, country=country)
    effect = tr.text(form.everywhere, tag=restriction.display, places=places)
    if not restriction.shown_in or not ROW_OF_MEASURE[restriction.measure].hides:
        return effect
    countries = tr.all_of([tr.country(code) for code in restriction.shown_in])
    return effect + " " + tr.text("Other decisions show it to viewers in {countries}.", countries=countries)


def _elsewhere(restriction: Restriction, tr: Translator) -> str:
    """Say whether viewers in other countries see the account or tweet, as far as that is resolved."""
    others = restriction.also_hidden_in
    if others is None or not restriction.in_force:
        return ""
    if not others:
        return " " + tr.text("Everywhere else it is.")
    if "*" in others:
        return " " + tr.text("Other decisions hide it everywhere else too.")
    return " " + tr.text(
        "Other decisions hide it from viewers in {countries} too. Everywhere else it is visible.",
        countries=tr.all_of([tr.country(code) for code in others]),
    )


def _duration(restriction: Restriction, tr: Translator) -> str:
    start = tr.time(restriction.began_ms)
    if not restriction.ends_ms:
        return tr.text("This began on {start} and lasts until it is revoked.", start=start)
    return tr.text(
        "This began on {start} and ends on {end}, unless it is renewed.",
        start=start,
        end=tr.time(restriction.ends_ms),
    )


def _reasons(restriction: Restriction, tr: Translator) -> list[str]:
    if restriction.source == "automated":
        return _automated_reasons(restriction, tr)
    order = restriction.order
    if restriction.source == "legal":
        if order is None or order.confidential:
            return [tr.text("We did this because of a legal order that we may not say more about.")]
        return [
            tr.text(
                "We did this because of a legal order by {authority} ({basis}, {number}).",
                authority=order.authority,
                basis=order.legal_basis,
                number=order.reference,
            )
        ]
    return [
        tr.text("A person on our team decided this. The reason that they gave: {reason}", reason=restriction.reason)
    ]


def _automated_reasons(restriction: Restriction, tr: Translator) -> list[str]:
    lines = [
        tr.text(
            "An automated system decided this under our rules on {category}.",
            category=_category(restriction.category, tr),
        )
    ]
    evidence = restriction.evidence
    if evidence is not None:
        lines.append(
            tr.text(
                "It looked at tweets by {people} people who used the hashtag, and estimates that {lower} to {upper} of "
                "them break these rules.",
                people=tr.number(evidence.scored),
                lower=tr.share(evidence.lower),
                upper=tr.share(evidence.upper),
            )
        )
        lines += _unread(unread_of(evidence), tr)
    form = FORM_OF_MEASURE.get(restriction.measure)
    if form and form.reason:
        lines.append(tr.text(form.reason, part=tr.share(restriction.established_part)))
    signals = [tr.text(BY_NAME[signal.signal].statement) for signal in restriction.signals if signal.signal in BY_NAME]
    if signals:
        lines.append(tr.text("Besides the texts, these signals supported it: {signals}.", signals=tr.all_of(signals)))
    return lines


def _unread(unread: Mapping[str, int], tr: Translator) -> list[str]:
    """Say of how many people the texts were not read, and in which languages."""
    if not unread:
        return []
    languages = [tr.language(language) for language in in_order(unread) if language not in UNNAMED]
    people = tr.number(sum(unread.values()))
    if not languages:
        return [
            tr.text(
                "It does not read the languages of {people} more people; it did not assess their tweets.", people=people
            )
        ]
    return [
        tr.text(
            "It does not read the languages of {people} more people, such as {languages}; it did not assess their "
            "tweets.",
            people=people,
            languages=tr.all_of(languages),
        )
    ]


def _surface(surface: str, tr: Translator) -> str:
    if surface == "trends":
        return tr.text("the list of trends")
    return tr.text("search suggestions") if surface == "search" else surface


def _category(category: str, tr: Translator) -> str:
    if category == "hateful_conduct":
        return tr.text("attacks on people for who they are")
    if category == "abuse":
        return tr.text("insults and threats")
    if category == "gendered_abuse":
        return tr.text("abuse of people for their gender")
    return category.replace("_", " ")
