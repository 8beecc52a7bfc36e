"""Every metric of the pipeline, in one place. Units are base units (seconds, bytes), counts end in `_total`.

A hashtag is never a label, nor is anything else that a tweet's author chooses: labels come from small closed sets
(partitions, reasons, categories, countries), so the number of time series has a bound that no campaign can raise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

FLAG_BUCKETS_SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0)
TICK_BUCKETS_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SCORE_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """The metrics of one worker, on a registry of their own: tests and several workers in a process do not collide."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per counter that nothing reads
        self.registry = registry if registry is not None else CollectorRegistry()
        self._add_ingest(self.registry)
        self._add_judge(self.registry)
        self._add_publish(self.registry)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def _add_ingest(self, registry: CollectorRegistry) -> None:
        self.tweets = Counter("hushtag_tweets", "Tweets read and counted, duplicates apart.", registry=registry)
        self.hashtag_uses = Counter(
            "hushtag_hashtag_uses", "Hashtags in counted tweets, each once a tweet.", registry=registry
        )
        self.dead_letters = Counter(
            "hushtag_dead_letters", "Records sent to the dead-letter topic.", ["reason"], registry=registry
        )
        """`reason`: the short stable word of ContractError."""
        self.controls = Counter(
            "hushtag_control_messages", "Control messages of the stream.", ["kind"], registry=registry
        )
        """`kind`: delete, limit, withheld, unknown_control."""
        self.retractions = Counter(
            "hushtag_retractions", "Messages that take a tweet out of the windows.", ["kind"], registry=registry
        )
        """`kind`: deletion (leaves counts and samples), notice (a deletion by id alone: samples), tweet_withheld (the
        samples of its countries), account_withheld (nothing: facts about accounts come from the moderation log),
        too_old (nothing: no window reaches back to the tweet)."""
        self.duplicates = Counter(
            "hushtag_duplicates", "Tweets not counted: their id came shortly before.", registry=registry
        )
        self.late_clamped = Counter(
            "hushtag_late_tweets",
            "Tweets later than the allowed lateness, counted in the oldest open pane.",
            registry=registry,
        )
        self.too_old = Counter(
            "hushtag_tweets_too_old",
            "Tweets not counted: older than the longest window when logged.",
            registry=registry,
        )
        self.partial_records = Counter(
            "hushtag_partial_records", "Records sent to hashtag-partials.", registry=registry
        )
        self.partial_bytes = Counter(
            "hushtag_partial_bytes", "Bytes of records sent to hashtag-partials.", registry=registry
        )
        self.lag_seconds = Gauge(
            "hushtag_source_lag_seconds",
            "How far behind the end of the log the last record read is, by log time.",
            ["partition"],
            registry=registry,
        )
        """`partition`: of the tweets topic. By position, not by the clock: an idle partition has no lag."""
        self.held_sources = Gauge(
            "hushtag_held_sources",
            "Source partitions that are not read because they are too far ahead of the slowest.",
            registry=registry,
        )
        self.gaps = Counter(
            "hushtag_gaps", "Offsets that were expected and not delivered.", ["kind"], registry=registry
        )
        """`kind`: retention (the log has dropped them), hole (nothing is there: markers, compaction)."""

    def _add_judge(self, registry: CollectorRegistry) -> None:
        self.registers_after_settling = Counter(
            "hushtag_registers_after_settling",
            "Registers for a pane already settled, counted in the oldest unsettled one.",
            registry=registry,
        )
        self.given_up_tweets = Counter(
            "hushtag_given_up_tweets",
            "Tweets of tags under tail_floor that panes with too many tags did not count.",
            ["pane"],
            registry=registry,
        )
        """`pane`: 10s, 60s. A minute's includes what its panes of ten seconds had given up."""
        self.retracted_uses = Counter(
            "hushtag_retracted_uses", "Uses of hashtags that deletions took out of the counts.", registry=registry
        )
        self.retractions_unmatched = Counter(
            "hushtag_retractions_unmatched",
            "Uses named by deletions that no tweet of the pane had: a tweet that was late, refused or never sent.",
            registry=registry,
        )
        self.retractions_late = Counter(
            "hushtag_retractions_late",
            "Retractions that came when their tick had settled: in force from the next one.",
            registry=registry,
        )
        self.sketches_late = Counter(
            "hushtag_author_sketches_late",
            "Author sketches of hidden tags that came when a tick that they should have counted for was passed.",
            registry=registry,
        )
        self.sketches_given_up = Counter(
            "hushtag_author_sketches_given_up",
            "Author sketches of hidden tags that a shard had no room for while the tag was hidden.",
            registry=registry,
        )
        self.open_panes = Gauge("hushtag_open_panes", "Panes that have not settled.", ["shard"], registry=registry)
        self.candidate_tags = Gauge(
            "hushtag_candidate_tags", "Hashtags with enough authors to be judged.", ["shard"], registry=registry
        )
        self.scored_texts = Counter("hushtag_scored_texts", "Texts scored by stage 1.", registry=registry)
        self.score_drift = Gauge(
            "hushtag_score_drift",
            "How far the last scores lie from those of the labelled tweets: population stability index.",
            registry=registry,
        )
        self.score_seconds = Histogram(
            "hushtag_score_seconds",
            "Time to score one batch of texts.",
            buckets=SCORE_BUCKETS_SECONDS,
            registry=registry,
        )
        self.tick_seconds = Histogram(
            "hushtag_tick_seconds",
            "Time to settle one tick, scoring apart.",
            buckets=TICK_BUCKETS_SECONDS,
            registry=registry,
        )
        self.settled_seconds = Gauge(
            "hushtag_settled_tick_timestamp_seconds",
            "End of the last settled tick, Unix time.",
            ["shard"],
            registry=registry,
        )
        self.judge_backlog = Gauge(
            "hushtag_judge_backlog_records",
            "Partials of a shard that are not judged yet.",
            ["shard"],
            registry=registry,
        )
        self.replaying = Gauge(
            "hushtag_replaying", "1 while a shard reads back what it said before.", ["shard"], registry=registry
        )
        self.decisions = Counter(
            "hushtag_decisions",
            "Changes of what is in force.",
            ["category", "surface", "country", "action", "provisional"],
            registry=registry,
        )
        """`country`: ISO 3166-1 or `*`. `action`: suppress, hold, review, shadow, clear. `provisional`: true, false."""
        self.early_confirmed = Counter(
            "hushtag_early_decisions_confirmed", "Early decisions that settled as they were.", registry=registry
        )
        self.early_withdrawn = Counter(
            "hushtag_early_decisions_withdrawn", "Early decisions that did not settle.", registry=registry
        )
        self.foreign_decisions = Counter(
            "hushtag_foreign_decisions",
            "Records that another worker wrote for a shard of this one: it had lost the shard and did not know yet.",
            registry=registry,
        )
        self.valve_reviews = Counter(
            "hushtag_valve_reviews", "Decisions that a safety valve turned into reviews.", ["valve"], registry=registry
        )
        """`valve`: new_suppressions_per_hour, suppressed_share_of_top."""
        self.scorer_fault = Gauge(
            "hushtag_scorer_fault",
            "1 while the dead-man's rule holds: nothing new is hidden, nothing renewed.",
            ["shard"],
            registry=registry,
        )
        self.account_facts = Gauge(
            "hushtag_account_facts",
            "What orders and the registry say of accounts and have not taken back.",
            ["kind"],
            registry=registry,
        )
        """`kind`: hidden (suspended, or withheld in a country), protected."""
        self.account_facts_position = Gauge(
            "hushtag_account_facts_position_records",
            "Offset up to which the moderation topic was read for the judges.",
            registry=registry,
        )
        self.account_facts_late = Counter(
            "hushtag_account_facts_late",
            "Times that a shard heard of an account after the first tick from which it should have counted.",
            registry=registry,
        )
        self.encoder_up = Gauge("hushtag_encoder_up", "1 while stage 2 reads along.", registry=registry)
        self.encoder_texts = Counter("hushtag_encoder_texts", "Texts that stage 2 has read.", registry=registry)
        self.encoder_remembered = Counter(
            "hushtag_encoder_remembered", "Texts of which stage 2 remembered what it had found.", registry=registry
        )
        self.encoder_queue = Gauge("hushtag_encoder_queue", "Texts that wait for stage 2.", registry=registry)
        self.encoder_age_seconds = Gauge(
            "hushtag_encoder_age_seconds",
            "From the tick that asked for the last texts read to their record in the log.",
            registry=registry,
        )
        self.encoder_dropped = Counter(
            "hushtag_encoder_dropped",
            "Texts that were to be read and were not: no time before the next tick, or the text was gone.",
            registry=registry,
        )
        self.encoder_restarts = Counter(
            "hushtag_encoder_restarts", "Times that stage 2 was started again.", registry=registry
        )
        self.corrections = Counter(
            "hushtag_corrections", "Rows of stage 2 that a tick has put in force.", registry=registry
        )
        self.corrections_refused = Counter(
            "hushtag_corrections_refused",
            "Records of corrections that could not be read, or rows with the columns of other categories.",
            ["reason"],
            registry=registry,
        )
        """`reason`: bad_correction (a record, in the dead-letter topic), other_columns (a row)."""
        self.webhook_dropped = Counter(
            "hushtag_webhook_dropped",
            "Events that the webhook gave up: not taken, or too many waiting.",
            registry=registry,
        )
        self.policy = Info("hushtag_policy", "The policy in force: revision.", registry=registry)
        self.policy_file_bad = Gauge(
            "hushtag_policy_file_bad",
            "1 while the policy file cannot be used and the last good one is live.",
            registry=registry,
        )
        self.policy_file_drift = Gauge(
            "hushtag_policy_file_drift",
            "1 while the policy file of this worker is not the live one.",
            registry=registry,
        )
        self.model_missing = Gauge(
            "hushtag_model_missing",
            "Whether the model in force is not to be had here: nothing new is suppressed, what stands runs out.",
            registry=registry,
        )
        self.model = Info("hushtag_model", "The model in force: revision.", registry=registry)

    def _add_publish(self, registry: CollectorRegistry) -> None:
        self.flag_writes = Counter(
            "hushtag_flag_writes", "Registers offered to Redis, by what became of them.", ["result"], registry=registry
        )
        """`result`: applied, stale (not newer), refused (another server than it was), unavailable (retried)."""
        self.event_to_flag_seconds = Histogram(
            "hushtag_event_to_flag_seconds",
            "From the log time of the tweet that crossed a threshold to its flag in Redis.",
            buckets=FLAG_BUCKETS_SECONDS,
            registry=registry,
        )
        self.reconciles = Counter(
            "hushtag_reconciles", "Times that all registers of a partition were put back.", registry=registry
        )
        self.moderation_refused = Counter(
            "hushtag_moderation_refused", "Moderation records that could not be read.", registry=registry
        )
        self.order_deadline_seconds = Gauge(
            "hushtag_order_deadline_seconds",
            "Time to the nearest deadline of a country's open legal orders, negative once it has passed.",
            ["country"],
            registry=registry,
        )
        """`country`: that ordered. An interim decision's end counts as its deadline. Absent where no clock runs."""
        self.orders_open = Gauge(
            "hushtag_orders_open", "Legal orders on which a clock runs.", ["country"], registry=registry
        )
        self._clocks_of: set[str] = set()
        self.redis_up = Gauge("hushtag_redis_up", "1 while Redis takes writes.", registry=registry)

    def set_revisions(self, *, policy: str, model: str) -> None:
        """What is in force, by revision; "" while there is none."""
        self.policy.info({"revision": policy})
        self.model.info({"revision": model})

    def set_order_clocks(self, clocks: Iterable[tuple[str, float, int]]) -> None:
        """The clocks of legal orders: country, seconds to the nearest deadline, open orders; all others are dropped."""
        running: set[str] = set()
        for country, seconds, orders in clocks:  # those that go on are there all the time: somebody may look any moment
            self.order_deadline_seconds.labels(country=country).set(seconds)
            self.orders_open.labels(country=country).set(orders)
            running.add(country)
        for country in self._clocks_of - running:
            self.order_deadline_seconds.remove(country)
            self.orders_open.remove(country)
        self._clocks_of = running

    def forget_shard(self, shard: int) -> None:
        """Drop the gauges of a shard that another worker has now; left alone they would tell of it for ever."""
        of_shards = (self.open_panes, self.candidate_tags, self.settled_seconds, self.judge_backlog, self.replaying)
        for gauge in (*of_shards, self.scorer_fault):
            with suppress(KeyError):
                gauge.remove(str(shard))

    def forget_source(self, partition: int) -> None:
        """Drop the gauge of a source partition that another worker has now."""
        with suppress(KeyError):
            self.lag_seconds.remove(str(partition))

    def sample_names(self) -> set[str]:
        """Names of all time series that can appear, as a query writes them."""
        return sample_names(self.registry)


def sample_names(registry: CollectorRegistry) -> set[str]:
    """Names of all time series of a registry, as a query writes them."""
    suffixes = {"counter": ("_total",), "info": ("_info",), "histogram": ("_bucket", "_count", "_sum")}
    return {family.name + suffix for family in registry.collect() for suffix in suffixes.get(family.type, ("",))}


class ShadowMetrics:
    """The metrics of a policy that runs in the shadow of the live one, on a registry of their own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.differing = Gauge(
            "hushtag_shadow_differing_tags",
            "Hashtags, by country, to which the shadow policy does another thing than the live one at the last tick.",
            ["category", "kind"],
            registry=self.registry,
        )
        """`kind`: new (the shadow policy only), live (the live one only), action (both, something else)."""
        self.settled_seconds = Gauge(
            "hushtag_shadow_settled_tick_timestamp_seconds",
            "End of the last tick that was judged under both policies, Unix time.",
            registry=self.registry,
        )
        self.revisions = Info("hushtag_shadow", "The two policies, by revision.", registry=self.registry)

    def set_differing(self, counts: Mapping[tuple[str, str], int], categories: Iterable[str]) -> None:
        """How many differ, by (category, kind); what is not named is 0."""
        for category in categories:
            for kind in ("new", "live", "action"):
                self.differing.labels(category=category, kind=kind).set(counts.get((category, kind), 0))
