"""Sources of simulated tweets: the background traffic of each country, and each story."""

from __future__ import annotations

from collections import deque
from random import Random

from devkit.simulation.config import SimulationConfig
from devkit.simulation.countries import BY_CODE, Country, activity
from devkit.simulation.dice import Weighted, poisson, stream
from devkit.simulation.draft import TweetDraft, TweetIds
from devkit.simulation.people import Author, AuthorPool
from devkit.simulation.stories import Story, StoryVolume
from devkit.simulation.tags import OneUseTags, TagVocabulary
from devkit.simulation.texts import TextSource
from devkit.simulation.writing import varied, with_tags

_REMEMBERED = 300
_LINK_SHARE = 0.08
_LINK_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def _linked(text: str, rng: Random) -> str:
    if rng.random() >= _LINK_SHARE:
        return text
    letters = "".join(_LINK_LETTERS[int(rng.random() * len(_LINK_LETTERS))] for _ in range(10))
    return f"{text} https://t.co/{letters}"


class BackgroundSource:
    """Background traffic of one country."""

    def __init__(
        self,
        config: SimulationConfig,
        country: Country,
        texts: TextSource,
        vocabulary: TagVocabulary,
        one_use: OneUseTags,
        ids: TweetIds,
        scale: float,
    ) -> None:
        self._config, self._country, self._texts, self._ids = config, country, texts, ids
        self._vocabulary, self._one_use = vocabulary, one_use
        self._scale = scale
        self._rng = stream(config.seed, "background", country.code)
        size = max(500, int(config.rate * country.weight * 10))
        self._crowd = AuthorPool(config.seed, f"crowd/{country.code}", country, size, 0.04, config.start_ms)
        self._languages = Weighted(country.languages)
        self._recent: deque[TweetDraft] = deque(maxlen=_REMEMBERED)

    def drafts(self, begin_ms: int, length_ms: int) -> list[TweetDraft]:
        """Make the tweets of [begin_ms, begin_ms + length_ms), milliseconds since the run's start, unordered."""
        at_ms = self._config.start_ms + begin_ms
        mean = self._scale * self._country.weight * activity(self._country, at_ms) * length_ms / 1000
        rng = self._rng
        return [self._draft(at_ms + int(rng.random() * length_ms)) for _ in range(poisson(rng, mean))]

    def _draft(self, at_ms: int) -> TweetDraft:
        rng, config, recent = self._rng, self._config, self._recent
        author = self._crowd.draw(rng)
        how, original = rng.random(), None
        if how < config.retweet_share + config.quote_share and recent:
            original = recent[int(rng.random() * len(recent))]
        quote = original is not None and how >= config.retweet_share
        dice = rng.getrandbits(16)
        if original is not None and not quote:
            return TweetDraft(
                self._ids.next(at_ms), author, at_ms, at_ms, original.text, original.language, (), original, False, dice
            )
        language = self._languages.draw(rng)
        kind = "harmful" if rng.random() < config.background_harmful_share else "clean"
        tags = self._tags()
        text = with_tags(_linked(self._texts.draw(kind, language, rng, int(rng.random() * 8)), rng), tags, rng)
        draft = TweetDraft(self._ids.next(at_ms), author, at_ms, at_ms, text, language, tags, original, quote, dice)
        if original is None:
            recent.append(draft)
        return draft

    def _tags(self) -> tuple[str, ...]:
        rng, config = self._rng, self._config
        if rng.random() >= config.tagged_share:
            return ()
        dice = rng.random()
        tags: dict[str, None] = {}
        for _ in range(1 if dice < 0.7 else 2 if dice < 0.92 else 3):
            one_use = rng.random() < config.one_use_share
            tags[self._one_use.draw(rng) if one_use else self._vocabulary.draw(rng)] = None
        return tuple(tags)


class StorySource:
    """Source of one story's tweets."""

    def __init__(self, config: SimulationConfig, number: int, story: Story, texts: TextSource, ids: TweetIds) -> None:
        self.story = story
        self._config, self._texts, self._ids = config, texts, ids
        self._rng = rng = stream(config.seed, "story", number, story.hashtag)
        self._volume = StoryVolume(story, rng)
        self._languages = Weighted(story.languages)
        number, first = next(
            (entry for entry in enumerate(config.stories) if entry[1].hashtag == story.crowd), (number, story)
        )
        self._crowd = AuthorPool(
            config.seed, f"story/{number}", BY_CODE[first.country], first.n_authors, first.young_share,
            config.start_ms + first.start_ms, first.young_days,
        )  # fmt: skip
        rest = max(story.harmful_share - story.copy_share, 0.0) / (1 - story.copy_share)
        self._harmful_share = rest if story.harmful else story.harmful_share
        self._masters = [self._draw_master() for _ in range(story.n_masters)] if story.copy_share else []
        self.recent: deque[TweetDraft] = deque(maxlen=_REMEMBERED)
        """Latest tweets of the story, which others retweet and quote."""

    def drafts(self, begin_ms: int, length_ms: int, quotable: deque[TweetDraft] | None) -> list[TweetDraft]:
        """Make the tweets of [begin_ms, begin_ms + length_ms) since the run's start, unordered.

        Args:
            begin_ms: start of the step.
            length_ms: length of the step.
            quotable: recent tweets of the story that this one quotes.
        """
        mean = self._volume.per_second(begin_ms) * length_ms / 1000
        at_ms, rng = self._config.start_ms + begin_ms, self._rng
        return [self._draft(at_ms + int(rng.random() * length_ms), quotable) for _ in range(poisson(rng, mean))]

    def _draft(self, at_ms: int, quotable: deque[TweetDraft] | None) -> TweetDraft:
        rng, story = self._rng, self.story
        author: Author = self._crowd.draw(rng)
        dice = rng.getrandbits(16)
        if self.recent and rng.random() < story.retweet_share:
            original = self.recent[int(rng.random() * len(self.recent))]
            return TweetDraft(
                self._ids.next(at_ms), author, at_ms, at_ms, original.text, original.language, (), original, False, dice
            )
        if self._masters and rng.random() < story.copy_share:
            words, language = self._masters[int(rng.random() * len(self._masters))]
            words = varied(words, rng)
        else:
            words, language = self._draw_uncopied()
            words = _linked(words, rng)
        tags = (story.hashtag, *(tag for tag, share in story.extra_tags if rng.random() < share))
        quoted = quotable[int(rng.random() * len(quotable))] if quotable and rng.random() < 0.15 else None
        text = with_tags(words, tags, rng)
        draft = TweetDraft(
            self._ids.next(at_ms), author, at_ms, at_ms, text, language, tags, quoted, quoted is not None, dice
        )
        if quoted is None:
            self.recent.append(draft)
        return draft

    def _draw_uncopied(self) -> tuple[str, str]:
        """Draw a text that is not a copy; a campaign's share of harmful ones is corrected for its copies."""
        kind = self.story.texts
        if self._rng.random() >= self._harmful_share:
            return self._draw_text("clean" if self.story.harmful else kind)
        return self._draw_text("harmful")

    def _draw_master(self) -> tuple[str, str]:
        """Draw a text that others will copy; a campaign's is always harmful."""
        return self._draw_text(self.story.texts)

    def _draw_text(self, kind: str) -> tuple[str, str]:
        language = self._languages.draw(self._rng)
        return self._texts.draw(kind, language, self._rng, self.story.subject), language
