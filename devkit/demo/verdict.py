"""Whether the demo showed what hushtag promises, from what was seen outside and the ground truth. Pure.

Of each campaign that had the time: its tag was seen in the top 10, a flag came within 10 s of that and at most 30 s
after the campaign began, and from then on neither surface showed it. Of everything else: it was never flagged, not
even early, not even for a moment.

Whoever watches may take part. A campaign on which a person decided is left to that person, and with another policy in
force another promise holds, so nothing is judged from then on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from devkit.demo.truth import Story, by_hashtag

FLAG_AFTER_SEEN_MS = 10_000
FLAG_AFTER_START_MS = 30_000
GRACE_MS = 2_000
"""From the flag to the last time that a poll may still find the tag: our polls and the client's are in it."""
WORLD = "*"


@dataclass(slots=True)
class Campaign:
    """What was seen of one campaign; times in milliseconds, None for never."""

    story: Story
    seen_ms: int | None = None
    best_rank: int | None = None
    flagged_ms: int | None = None
    decided_by_person: bool = False
    seen_after_flag: dict[str, int] = field(default_factory=dict)
    """Surface → when it was last found there although flagged."""

    def problems(self) -> list[str]:
        """What was not as promised, in words; [] if all was."""
        found = []
        began, seen, flagged = self.story.from_ms, self.seen_ms, self.flagged_ms
        if seen is None:
            found.append("was never seen in the top 10")
        if flagged is None:
            found.append("was never flagged")
        else:
            if seen is not None and flagged - seen > FLAG_AFTER_SEEN_MS:
                found.append(f"was flagged {(flagged - seen) / 1000:.1f} s after it was seen in the top 10")
            if flagged - began > FLAG_AFTER_START_MS:
                found.append(f"was flagged {(flagged - began) / 1000:.1f} s after it began")
            found += [
                f"was found on {surface} {(at_ms - flagged) / 1000:.1f} s after its flag"
                for surface, at_ms in sorted(self.seen_after_flag.items())
            ]
        return found


@dataclass(frozen=True, slots=True)
class FalseFlag:
    """A hashtag was flagged that should not be."""

    hashtag: str
    kind: str
    country: str
    surface: str
    provisional: bool
    at_ms: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict at one moment."""

    campaigns: list[Campaign]
    """Those that had the time to be judged."""
    too_young: list[Campaign]
    """Those that began, but not long enough ago."""
    left_to_people: list[Campaign]
    """Those on which a person decided."""
    false_flags: list[FalseFlag]
    harmless: dict[str, int]
    """How many planned harmless tags had begun, by kind."""

    @property
    def complete(self) -> bool:
        """Whether a campaign had the time to show what happens to it, or a person took it over."""
        return bool(self.campaigns or self.left_to_people)

    @property
    def good(self) -> bool:
        """Whether everything went as promised, as far as it was seen."""
        return not self.false_flags and not any(campaign.problems() for campaign in self.campaigns)


class DemoVerdict:
    """Takes observations in the order of time; `judge` may be asked at any moment."""

    def __init__(self, stories: Sequence[Story]) -> None:
        self._stories = by_hashtag(stories)
        self.campaigns = {story.hashtag: Campaign(story) for story in stories if story.harmful}
        self.false_flags: dict[tuple[str, str, str], FalseFlag] = {}
        self._ended_ms: int | None = None

    def saw_list(self, at_ms: int, surface: str, country: str, hashtags: Sequence[str]) -> None:
        """A surface showed these to a viewer from a country, best first."""
        if self._ended_ms is not None:
            return
        for rank, hashtag in enumerate(hashtags, start=1):
            campaign = self.campaigns.get(hashtag)
            if campaign is None or campaign.story.country != country:
                continue
            if surface == "trends" and campaign.flagged_ms is None:
                campaign.seen_ms = campaign.seen_ms or at_ms
                campaign.best_rank = min(rank, campaign.best_rank or rank)
            if campaign.flagged_ms is not None and campaign.flagged_ms + GRACE_MS < at_ms < campaign.story.to_ms:
                campaign.seen_after_flag[surface] = at_ms

    def saw_flag(self, at_ms: int, hashtag: str, surface: str, country: str, *, hides: bool, provisional: bool) -> None:
        """An automated flag was set, changed or lifted."""
        if not hides or self._ended_ms is not None:
            return
        campaign = self.campaigns.get(hashtag)
        if campaign is None:
            story = self._stories.get(hashtag)
            flag = FalseFlag(hashtag, story.kind if story else "organic", country, surface, provisional, at_ms)
            self.false_flags.setdefault((hashtag, surface, country), flag)
        elif campaign.flagged_ms is None and country in (campaign.story.country, WORLD):
            campaign.flagged_ms = at_ms

    def saw_person(self, hashtag: str) -> None:
        """A person decided on a hashtag."""
        if hashtag in self.campaigns:
            self.campaigns[hashtag].decided_by_person = True

    def saw_other_policy(self, at_ms: int) -> None:
        """Another policy came in force."""
        self._ended_ms = self._ended_ms or at_ms

    def judge(self, at_ms: int) -> Judgement:
        """The verdict on what there was until now."""
        at_ms = self._ended_ms or at_ms
        everything = [campaign for campaign in self.campaigns.values() if campaign.story.from_ms <= at_ms]
        begun = [campaign for campaign in everything if not campaign.decided_by_person]
        ripe_ms = at_ms - FLAG_AFTER_START_MS - GRACE_MS
        return Judgement(
            campaigns=[campaign for campaign in begun if campaign.story.from_ms <= ripe_ms],
            too_young=[campaign for campaign in begun if campaign.story.from_ms > ripe_ms],
            left_to_people=[campaign for campaign in everything if campaign.decided_by_person],
            false_flags=list(self.false_flags.values()),
            harmless=dict(Counter(s.kind for s in self._stories.values() if not s.harmful and s.from_ms <= at_ms)),
        )
