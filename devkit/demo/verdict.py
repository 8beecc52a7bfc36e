"""Evaluation of the demo: compare observations of the surfaces with the ground truth. Pure.

Each campaign that began early enough must appear in the top 10, be flagged within 10 s of that and within 30 s of its
start, and then disappear from both surfaces. No other hashtag may ever be hidden, not even early or briefly. A protest
that accounts attack early enough must become contested within 30 s of the attack, and stay in the top 10.

A viewer may take part. A hashtag on which a person decided is not evaluated. While automation is paused, and until its
end has reached the surfaces, no hashtag has to be absent. After any decision of a person, ranks are not evaluated.
Under another policy these conditions do not apply, so nothing after a policy change is evaluated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from devkit.demo.truth import PlannedTag, by_hashtag

FLAG_AFTER_SEEN_MS = 10_000
FLAG_AFTER_START_MS = 30_000
"""Longest time from the start of a campaign to its flag, and from that of an attack to its contested flag."""
GRACE_MS = 2_000
"""Time after the flag in which a poll may still find the hashtag; covers the poll intervals of demo and client."""
WORLD = "*"


@dataclass(slots=True)
class CampaignRecord:
    """Observations of one campaign; times in milliseconds, None for never."""

    story: PlannedTag
    seen_ms: int | None = None
    best_rank: int | None = None
    flagged_ms: int | None = None
    decided_by_person: bool = False
    seen_after_flag: dict[str, list[int]] = field(default_factory=dict)
    """Times of the sightings after the flag, by surface."""

    def forget_sightings(self, since_ms: int) -> None:
        """Drop the sightings after the flag from a time on."""
        kept = {surface: [at for at in times if at < since_ms] for surface, times in self.seen_after_flag.items()}
        self.seen_after_flag = {surface: times for surface, times in kept.items() if times}

    def problems(self) -> list[str]:
        """List the violated conditions in words; [] if there are none."""
        problems = []
        began, seen, flagged = self.story.from_ms, self.seen_ms, self.flagged_ms
        if seen is None:
            problems.append("was never seen in the top 10")
        if flagged is None:
            problems.append("was never flagged")
        else:
            if seen is not None and flagged - seen > FLAG_AFTER_SEEN_MS:
                problems.append(f"was flagged {(flagged - seen) / 1000:.1f} s after it was seen in the top 10")
            if flagged - began > FLAG_AFTER_START_MS:
                problems.append(f"was flagged {(flagged - began) / 1000:.1f} s after it began")
            problems += [
                f"was found on {surface} {(times[-1] - flagged) / 1000:.1f} s after its flag"
                for surface, times in sorted(self.seen_after_flag.items())
            ]
        return problems


@dataclass(slots=True)
class AttackRecord:
    """Observations of one attacked protest in its own country; times in milliseconds, None for never."""

    story: PlannedTag
    began_ms: int
    """Time at which the attack began."""
    contested_ms: int | None = None
    rank_before: int | None = None
    """Last rank before the attack."""
    ranks: list[int] = field(default_factory=list)
    """Best and worst rank since the attack; [] where it was not seen."""
    missed_ms: int | None = None
    """Time of the first list since the attack that did not have it."""
    why: str = ""
    """Reasons of the contested flag in one line."""
    decided_by_person: bool = False

    def saw_rank(self, at_ms: int, rank: int | None, *, may_be_missed: bool = False) -> None:
        """Add its rank in the top 10 of trends; None: it is not in it, which may be due to a person's decision."""
        if at_ms < self.began_ms:
            self.rank_before = rank
        elif rank is not None:
            self.ranks = [min([rank, *self.ranks]), max([rank, *self.ranks])]
        elif at_ms < self.story.to_ms and self.rank_before is not None and not may_be_missed:
            self.missed_ms = self.missed_ms or at_ms

    def problems(self) -> list[str]:
        """List the violated conditions in words; [] if there are none."""
        problems = []
        if self.contested_ms is None:
            problems.append("never became contested")
        elif self.contested_ms - self.began_ms > FLAG_AFTER_START_MS:
            problems.append(
                f"became contested {(self.contested_ms - self.began_ms) / 1000:.1f} s after the copying began"
            )
        if self.rank_before is None:
            problems.append("was not in the top 10 before the copying began")
        if self.missed_ms is not None:
            problems.append(f"left the top 10 {(self.missed_ms - self.began_ms) / 1000:.1f} s after the copying began")
        return problems


@dataclass(frozen=True, slots=True)
class FalseFlag:
    """Flag that hides a hashtag which should never be hidden."""

    hashtag: str
    kind: str
    country: str
    surface: str
    provisional: bool
    at_ms: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """Result of the evaluation at one moment."""

    campaigns: list[CampaignRecord]
    """Campaigns that began early enough to be evaluated."""
    too_young: list[CampaignRecord]
    """Campaigns that began too late to be evaluated."""
    left_to_people: list[CampaignRecord]
    """Campaigns on which a person decided."""
    attacks: list[AttackRecord]
    """Attacked protests whose attack began early enough to be evaluated."""
    false_flags: list[FalseFlag]
    harmless: dict[str, int]
    """Number of planned harmless hashtags that had begun, by kind."""

    @property
    def complete(self) -> bool:
        """Whether at least one campaign was evaluated or decided by a person."""
        return bool(self.campaigns or self.left_to_people)

    @property
    def good(self) -> bool:
        """Whether all observations meet the conditions."""
        problems = [observed.problems() for observed in self.campaigns] + [
            observed.problems() for observed in self.attacks
        ]
        return not self.false_flags and not any(problems)


class DemoVerdict:
    """Evaluation of observations, which must be added in order of time; call `judge` at any moment."""

    def __init__(self, stories: Sequence[PlannedTag]) -> None:
        self._stories = by_hashtag(stories)
        self.campaigns = {story.hashtag: CampaignRecord(story) for story in stories if story.harmful}
        self.attacks = {
            story.hashtag: AttackRecord(story, story.attacked_from_ms)
            for story in stories
            if story.attacked_from_ms is not None
        }
        self.false_flags: dict[tuple[str, str, str], FalseFlag] = {}
        self._ended_ms: int | None = None
        self._acted = False
        """Whether a person has decided anything."""
        self._pauses: dict[str, int] = {}
        """End of each pause of automation, by the field of its register."""

    def saw_list(self, at_ms: int, surface: str, country: str, hashtags: Sequence[str]) -> None:
        """Add the list that a surface showed to a viewer from a country, best first."""
        if self._ended_ms is not None:
            return
        ranks = {hashtag: rank for rank, hashtag in enumerate(hashtags, start=1)}
        for attack in self.attacks.values():
            if surface == "trends" and attack.story.country == country:
                attack.saw_rank(at_ms, ranks.get(attack.story.hashtag), may_be_missed=self._acted)
        for rank, hashtag in enumerate(hashtags, start=1):
            campaign = self.campaigns.get(hashtag)
            if campaign is None or campaign.story.country != country:
                continue
            if surface == "trends" and campaign.flagged_ms is None:
                campaign.seen_ms = campaign.seen_ms or at_ms
                campaign.best_rank = min(rank, campaign.best_rank or rank)
            if campaign.flagged_ms is None or self._is_paused(at_ms):
                continue
            if campaign.flagged_ms + GRACE_MS < at_ms < campaign.story.to_ms:
                campaign.seen_after_flag.setdefault(surface, []).append(at_ms)

    def saw_flag(self, at_ms: int, hashtag: str, surface: str, country: str, *, hides: bool, provisional: bool) -> None:
        """Add an automated flag that was set, changed or cleared."""
        if not hides or self._ended_ms is not None:
            return
        campaign = self.campaigns.get(hashtag)
        if campaign is None:
            story = self._stories.get(hashtag)
            flag = FalseFlag(hashtag, story.kind if story else "organic", country, surface, provisional, at_ms)
            self.false_flags.setdefault((hashtag, surface, country), flag)
        elif campaign.flagged_ms is None and country in (campaign.story.country, WORLD):
            campaign.flagged_ms = at_ms

    def saw_discount(self, at_ms: int, hashtag: str, country: str, why: str) -> None:
        """Add an automated flag of a contested hashtag that was set or changed, with its reasons in one line."""
        attack = self.attacks.get(hashtag)
        if attack is None or self._ended_ms is not None or country not in (attack.story.country, WORLD):
            return
        if attack.contested_ms is None:
            attack.contested_ms, attack.why = at_ms, why

    def saw_person(self, hashtag: str) -> None:
        """Add a person's decision on a hashtag."""
        self._acted = True
        for record in (self.campaigns.get(hashtag), self.attacks.get(hashtag)):
            if record is not None:
                record.decided_by_person = True

    def saw_pause(self, at_ms: int, field: str, until_ms: int) -> None:
        """Add a pause of automation, or its end; a surface may have followed it up to `GRACE_MS` earlier.

        Args:
            at_ms: present time.
            field: field of its register.
            until_ms: end of the pause; the present time where a person resumes.
        """
        self._acted = True
        self._pauses[field] = until_ms
        self._forget_sightings(at_ms)

    def _is_paused(self, at_ms: int) -> bool:
        return any(at_ms <= until_ms + GRACE_MS for until_ms in self._pauses.values())

    def saw_other_policy(self, at_ms: int) -> None:
        """Add a change of policy, which ends the evaluation; the pipeline followed it up to `GRACE_MS` earlier."""
        if self._ended_ms is None:
            self._ended_ms = at_ms
            self._forget_sightings(at_ms)

    def _forget_sightings(self, at_ms: int) -> None:
        for campaign in self.campaigns.values():
            campaign.forget_sightings(at_ms - GRACE_MS)

    def judge(self, at_ms: int) -> Judgement:
        """Evaluate all observations so far."""
        at_ms = self._ended_ms or at_ms
        everything = [campaign for campaign in self.campaigns.values() if campaign.story.from_ms <= at_ms]
        begun = [campaign for campaign in everything if not campaign.decided_by_person]
        ripe_ms = at_ms - FLAG_AFTER_START_MS - GRACE_MS
        return Judgement(
            campaigns=[campaign for campaign in begun if campaign.story.from_ms <= ripe_ms],
            too_young=[campaign for campaign in begun if campaign.story.from_ms > ripe_ms],
            left_to_people=[campaign for campaign in everything if campaign.decided_by_person],
            attacks=[
                attack
                for attack in self.attacks.values()
                if attack.began_ms <= ripe_ms and not attack.decided_by_person
            ],
            false_flags=list(self.false_flags.values()),
            harmless=dict(Counter(s.kind for s in self._stories.values() if not s.harmful and s.from_ms <= at_ms)),
        )
