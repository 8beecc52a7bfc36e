"""Sample of a case as a person may see it before a text is opened: ids, languages and markings, no text. Pure."""

from __future__ import annotations

from collections.abc import Collection

from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.markings import MarkingFold
from moderation.domain.texts.answers import CaseSampleAnswer, OtherMarkAnswer, SampledTweetAnswer
from moderation.domain.texts.case_texts import item_to_read, sample_places
from moderation.domain.texts.shown_text import sample_words, tag_address, tweet_address
from streams.orders.speakers import same_person
from streams.settings import Settings


def sample_view(
    case: HashtagCase,
    settings: Settings,
    markings: MarkingFold,
    *,
    person: str,
    hidden: bool,
    opened: Collection[str],
    item: str | None = None,
) -> CaseSampleAnswer:
    """Describe the sampled tweets of one item of a case to a person.

    Args:
        case: the case.
        settings: addresses of tweets and hashtags.
        markings: markings of all people.
        person: person who reads.
        hidden: whether the person reviews the case blind.
        opened: tweets that the person has opened in this case within the shift.
        item: id of the item; None: the one that reaches most.

    Raises:
        CallerMistake: no item of the case has sampled tweets, or the case has no such item.
    """
    chosen = item_to_read(case, item, hidden=hidden)
    assert chosen.evidence is not None
    own = markings.of_person(case.id, person)
    others = markings.of_others(case.id, person) if may_see_markings(case, person, hidden=hidden) else None
    return CaseSampleAnswer(
        case=case.id,
        hashtag=case.hashtag,
        item="" if hidden else chosen.id,  # the id is a statement's reference, if it was suppressed
        country=chosen.country,
        blinded=hidden,
        url=tag_address(settings.tag_url, case.hashtag),
        sample=sample_words(chosen.evidence),
        items=[
            SampledTweetAnswer(
                id=tweet,
                lang=at.lang,
                url=tweet_address(settings.tweet_url, tweet),
                opened=tweet in opened,
                mark=own.get(tweet),
                others=None
                if others is None
                else [OtherMarkAnswer(actor=other.actor, mark=other.mark) for other in others.get(tweet, [])],
            )
            for tweet, at in sample_places(chosen.evidence).items()
        ],
    )


def sampled_tweets(case: HashtagCase, *, hidden: bool) -> frozenset[str]:
    """Return the ids of the tweets that a person may mark: those of the second look, or of every item of the case."""
    items = [case.look] if hidden and case.look is not None else case.items
    return frozenset(tweet for part in items if part.item.evidence is not None for tweet in part.item.evidence.sampled)


def may_see_markings(case: HashtagCase, actor: str, *, hidden: bool) -> bool:
    """Return whether an actor may see the markings of others.

    They may once they have given a first answer, or the case is decided; never in a blind second look.
    """
    answered = any(same_person(answer.actor, actor) for answer in case.progress.answers)
    return not hidden and (answered or bool(case.progress.decisions) or not case.is_open)
