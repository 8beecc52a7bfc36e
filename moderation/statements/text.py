"""What the affected user reads, in their language: what was done, where, until when, why, by whom, and how to appeal.

Messages are English in the code; `locale/*.po` has the others (Babel reads the catalogues, and knows how each language
writes dates, shares, lists and countries). A message without a translation is a failing test, not English in the
middle of Hindi.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from babel import Locale
from babel.dates import format_datetime
from babel.lists import format_list
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from moderation.statements.restriction import Restriction

LANGUAGES = ("en", "hi")


class Words:
    """Messages and formats of one language."""

    def __init__(self, language: str) -> None:
        self.locale = Locale(language)
        self._catalogue = None if language == "en" else catalogue(language)

    def say(self, message: str, **values: str) -> str:
        """A message with its values put in."""
        if self._catalogue is not None:
            found = self._catalogue.get(message)
            assert found is not None and found.string, f"no {self.locale} for {message!r}"
            message = str(found.string)
        return message.format(**values)

    def time(self, at_ms: int) -> str:
        return format_datetime(datetime.fromtimestamp(at_ms / 1000, UTC), "d MMMM y, HH:mm 'UTC'", locale=self.locale)

    def country(self, code: str) -> str:
        return str(self.locale.territories.get(code, code))

    def share(self, value: float) -> str:
        return format_percent(value, locale=self.locale)

    def number(self, value: int) -> str:
        return format_decimal(value, locale=self.locale)

    def all_of(self, items: list[str]) -> str:
        return format_list(items, locale=self.locale)


@cache
def catalogue(language: str) -> Catalog:
    """The messages of a language."""
    with files("moderation.statements").joinpath(f"locale/{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def user_text(restriction: Restriction, language: str) -> str:
    """The whole text, a paragraph a line. `language`: one of LANGUAGES."""
    words = Words(language)
    lines = [_what(restriction, words), _until(restriction, words), *_why(restriction, words)]
    if restriction.measure == "held":
        lines.append(words.say("It is held back until a person has looked at it."))
    if restriction.kind == "hashtag":
        lines.append(words.say("Tweets with it are not deleted, and whoever types it still finds them."))
    lines.append(
        words.say(
            "If you think this is wrong, you can appeal. Give the reference {reference}.",
            reference=restriction.reference,
        )
    )
    return "\n".join(lines)


def _what(restriction: Restriction, words: Words) -> str:
    country = words.country(restriction.country)
    if restriction.measure == "suspended":
        return words.say("Your account is suspended.")
    if restriction.measure == "withheld" and restriction.kind == "account":
        return words.say("Your account is not visible to viewers in {country}. Everywhere else it is.", country=country)
    if restriction.measure == "withheld":
        return words.say(
            "Your tweet {tweet} is not visible to viewers in {country}. Everywhere else it is.",
            tweet=restriction.target,
            country=country,
        )
    places = words.all_of([_surface(surface, words) for surface in restriction.surfaces])
    if restriction.country == "*":
        return words.say("#{tag} is not shown in {places}.", tag=restriction.display, places=places)
    return words.say(
        "#{tag} is not shown in {places} to viewers in {country}.",
        tag=restriction.display,
        places=places,
        country=country,
    )


def _until(restriction: Restriction, words: Words) -> str:
    start = words.time(restriction.began_ms)
    if not restriction.ends_ms:
        return words.say("This began on {start} and lasts until it is revoked.", start=start)
    return words.say(
        "This began on {start} and ends on {end}, unless it is renewed.",
        start=start,
        end=words.time(restriction.ends_ms),
    )


def _why(restriction: Restriction, words: Words) -> list[str]:
    if restriction.source == "automated":
        return _why_automated(restriction, words)
    order = restriction.order
    if restriction.source == "legal":
        if order is None or order.confidential:
            return [words.say("We did this because of a legal order that we may not say more about.")]
        return [
            words.say(
                "We did this because of a legal order by {authority} ({basis}, {number}).",
                authority=order.authority,
                basis=order.legal_basis,
                number=order.reference,
            )
        ]
    return [
        words.say("A person on our team decided this. The reason that they gave: {reason}", reason=restriction.reason)
    ]


def _why_automated(restriction: Restriction, words: Words) -> list[str]:
    lines = [
        words.say(
            "An automated system decided this under our rules on {category}.",
            category=_category(restriction.category, words),
        )
    ]
    evidence = restriction.evidence
    if evidence is not None:
        lines.append(
            words.say(
                "It looked at tweets by {people} people who used the hashtag, and estimates that {lower} to {upper} of "
                "them break these rules.",
                people=words.number(evidence.scored),
                lower=words.share(evidence.lower),
                upper=words.share(evidence.upper),
            )
        )
    signals = [told for signal in restriction.signals if (told := _signal(signal.signal, words))]
    if signals:
        lines.append(words.say("Beside the texts, this spoke for it: {signals}.", signals=words.all_of(signals)))
    return lines


def _surface(surface: str, words: Words) -> str:
    if surface == "trends":
        return words.say("the list of trends")
    return words.say("search suggestions") if surface == "search" else surface


def _category(category: str, words: Words) -> str:
    if category == "hateful_conduct":
        return words.say("attacks on people for who they are")
    if category == "abuse":
        return words.say("insults and threats")
    if category == "gendered_abuse":
        return words.say("abuse of people for their gender")
    return category.replace("_", " ")


def _signal(signal: str, words: Words) -> str:
    if signal == "burst":
        return words.say("a sudden rise in its use")
    if signal == "copies":
        return words.say("many copies of the same text")
    if signal == "young":
        return words.say("many new accounts")
    if signal == "links":
        return words.say("many links to sites that people have found to be harmful")
    if signal == "successor":
        return words.say("people who wrote under a hashtag that was held back before")
    if signal == "authors":
        return words.say("the number of people who use it")
    return words.say("a term that people have found to be harmful") if signal == "term" else ""
