"""Every metric of the pipeline as one table: name, help text, labels and buckets.

Units are base units (seconds, bytes) and counters end in `_total`. A hashtag is never a label, nor is any other value
that the author of a tweet chooses. Labels come from small closed sets (partitions, reasons, categories, countries), so
no campaign can raise the number of time series.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

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
MOST_ORDER_CLOCKS = 200
"""Maximum number of legal orders with a deadline series."""
SCORE_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a table of metrics; `MetricSet` makes the metric of it."""

    kind: type[Any]
    name: str
    help: str
    labels: tuple[str, ...]
    options: Mapping[str, Any]
    values: tuple[str, ...] = ()
    """Values of the only label that are exposed from the start, as 0."""


def _row(kind: type[Any], name: str, help_text: str, *labels: str, **options: Any) -> Any:
    """Return a row, typed as Any: a class declares the type of the metric that its instances get."""
    return _Row(kind, name, help_text, labels, options)


def counter(name: str, help_text: str, *labels: str, values: Sequence[str] = ()) -> Any:
    """Declare a counter of a metric set.

    Args:
        name: without `_total`.
        help_text: meaning, as a sentence.
        labels: names of its labels.
        values: values of its only label that are exposed as 0 from the start. Without them `increase()` does not see
            the first event: a series that begins at 1 has not increased.
    """
    return _Row(Counter, name, help_text, labels, {}, tuple(values))


def gauge(name: str, help_text: str, *labels: str) -> Any:
    """Declare a gauge of a metric set."""
    return _row(Gauge, name, help_text, *labels)


def _info(name: str, help_text: str) -> Any:
    return _row(Info, name, help_text)


def histogram(name: str, help_text: str, buckets: Sequence[float], *labels: str) -> Any:
    """Declare a histogram of a metric set."""
    return _row(Histogram, name, help_text, *labels, buckets=buckets)


class MetricSet:
    """Metrics on a registry of their own, so that several sets in one process do not collide.

    A subclass declares its metrics as class attributes. Each instance replaces them with metrics on its registry.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per counter, read by no query
        self.registry = registry if registry is not None else CollectorRegistry()
        for attribute, row in vars(type(self)).items():
            if isinstance(row, _Row):
                metric = row.kind(row.name, row.help, row.labels, registry=self.registry, **row.options)
                for value in row.values:
                    metric.labels(value)
                setattr(self, attribute, metric)


def clock_ahead_gauge() -> Any:
    """Declare the error of the host's clock, which workers and the API export."""
    return gauge(
        "hushtag_clock_ahead_seconds",
        "Time by which the host's clock is ahead of the Kafka broker's, at the last comparison; negative when behind.",
    )


class Metrics(MetricSet):
    """The metrics of one worker."""

    stage: Gauge = gauge("hushtag_stage", "1 for each stage that this worker runs.", "stage")
    """`stage`: ingest, judge, publish."""
    shards: Gauge = gauge("hushtag_shards", "Shards of the deployment, from HUSHTAG_SHARDS.", "prefix")
    """`prefix`: HUSHTAG_TOPIC_PREFIX, which separates deployments."""

    clock_ahead: Gauge = clock_ahead_gauge()

    # ingest
    tweets: Counter = counter("hushtag_tweets", "Tweets counted, without duplicates.")
    hashtag_uses: Counter = counter("hushtag_hashtag_uses", "Hashtags in counted tweets, each once per tweet.")
    dead_letters: Counter = counter("hushtag_dead_letters", "Records sent to the dead-letter topic.", "reason")
    """`reason`: the short stable word of ContractError."""
    controls: Counter = counter("hushtag_control_messages", "Control messages of the tweet stream.", "kind")
    """`kind`: delete, limit, withheld, unknown_control."""
    retractions: Counter = counter(
        "hushtag_retractions", "Messages that retract a tweet or withhold a tweet or account.", "kind"
    )
    """`kind`: deletion (changes counts and samples), notice (a deletion by id alone: samples), tweet_withheld (the
    samples of its countries), account_withheld (no change: account facts come from the moderation topic), too_old (no
    change: no window reaches back to the tweet)."""
    duplicates: Counter = counter(
        "hushtag_duplicates", "Tweets not counted because their id occurred shortly before in the same partition."
    )
    late_clamped: Counter = counter(
        "hushtag_late_tweets", "Tweets later than the allowed lateness, counted at their log time minus the lateness."
    )
    too_old: Counter = counter(
        "hushtag_tweets_too_old", "Tweets not counted because they were older than the longest window when logged."
    )
    partial_records: Counter = counter("hushtag_partial_records", "Records sent to hashtag-partials.")
    partial_bytes: Counter = counter("hushtag_partial_bytes", "Bytes of records sent to hashtag-partials.")
    lag_seconds: Gauge = gauge(
        "hushtag_source_lag_seconds",
        "Age of the last record read from a tweets partition, by log time; 0 for an idle partition.",
        "partition",
    )
    held_sources: Gauge = gauge(
        "hushtag_held_sources", "Tweets partitions paused because they are too far ahead of the slowest one."
    )
    gaps: Counter = counter(
        "hushtag_gaps",
        "Gaps between the expected and the delivered offset.",
        "kind",
        values=("retention", "hole", "recreated"),
    )
    """`kind`: retention (the log dropped the records), hole (no records: transaction markers, compaction), recreated
    (`tweets` was created again; each shard's judge counts it once, since Kafka forgets the old topic's offsets)."""

    # judge
    registers_after_settling: Counter = counter(
        "hushtag_registers_after_settling",
        "Counts received for a pane already settled, added to the oldest unsettled one.",
    )
    given_up_tweets: Counter = counter(
        "hushtag_given_up_tweets",
        "Tweets of hashtags under tail_floor, not counted because the pane had too many hashtags.",
        "pane",
        values=("10s", "60s"),
    )
    """`pane`: 10s, 60s. A minute's value includes the tweets that its panes of ten seconds did not count."""
    retracted_uses: Counter = counter("hushtag_retracted_uses", "Hashtag uses that deletions removed from the counts.")
    retractions_unmatched: Counter = counter(
        "hushtag_retractions_unmatched",
        "Hashtag uses in deletions without a counted tweet: it was late, refused or never received.",
    )
    retractions_late: Counter = counter(
        "hushtag_retractions_late", "Retractions received after their tick had settled, applied from the next tick."
    )
    sketches_late: Counter = counter(
        "hushtag_author_sketches_late",
        "Author sketches of suppressed hashtags received after a tick that they should have counted for.",
    )
    sketches_given_up: Counter = counter(
        "hushtag_author_sketches_given_up",
        "Author sketches of suppressed hashtags evicted because the shard had no room.",
    )
    open_panes: Gauge = gauge("hushtag_open_panes", "Panes that have not settled.", "shard")
    candidate_tags: Gauge = gauge("hushtag_candidate_tags", "Hashtags with enough authors to be judged.", "shard")
    scored_texts: Counter = counter("hushtag_scored_texts", "Texts scored by stage 1.")
    texts_by_language: Counter = counter(
        "hushtag_texts_by_language",
        "Sampled texts that stage 1 has looked at, by language, and whether it reads that language.",
        "language",
        "read",
    )
    """`language`: a storage group of `models.languages`, or und without one. `read`: true, false."""
    score_drift: Gauge = gauge(
        "hushtag_score_drift", "Population stability index of recent scores against the scores of labelled tweets."
    )
    score_seconds: Histogram = histogram(
        "hushtag_score_seconds", "Time to score one batch of texts.", SCORE_BUCKETS_SECONDS
    )
    tick_seconds: Histogram = histogram(
        "hushtag_tick_seconds", "Time to settle one tick, without scoring.", TICK_BUCKETS_SECONDS
    )
    settled_seconds: Gauge = gauge(
        "hushtag_settled_tick_timestamp_seconds", "End of the last settled tick, Unix time.", "shard"
    )
    judge_backlog: Gauge = gauge(
        "hushtag_judge_backlog_records", "Partials of a shard that are not judged yet.", "shard"
    )
    replaying: Gauge = gauge(
        "hushtag_replaying", "1 while a shard replays records up to the previous owner's position.", "shard"
    )
    decisions: Counter = counter(
        "hushtag_decisions",
        "Actions of published decisions: each one of a hashtag in force, or just ended, at a change or a renewal.",
        *("category", "surface", "country", "action", "provisional"),
    )
    """`country`: ISO 3166-1 or `*`. `action`: one of `streams.actions`. `provisional`: true, false."""
    early_confirmed: Counter = counter(
        "hushtag_early_decisions_confirmed", "Early decisions confirmed when their tick settled."
    )
    early_withdrawn: Counter = counter(
        "hushtag_early_decisions_withdrawn", "Early decisions withdrawn when their tick settled."
    )
    foreign_decisions: Counter = counter(
        "hushtag_foreign_decisions", "Decisions that another worker wrote for a shard that it no longer owned."
    )
    valve_reviews: Counter = counter(
        "hushtag_valve_reviews",
        "Suppressions that a circuit breaker turned into reviews.",
        "valve",
        values=("new_suppressions_per_hour", "suppressed_share_of_top"),
    )
    """`valve`: new_suppressions_per_hour or suppressed_share_of_top."""
    scorer_fault: Gauge = gauge(
        "hushtag_scorer_fault",
        "1 while the dead-man's rule stops new suppressions and renewals because the scores cannot be trusted.",
        "shard",
    )
    judged_records: Counter = counter("hushtag_judged_records", "Partials that a shard has judged.", "shard")
    awaited_sources: Gauge = gauge(
        "hushtag_awaited_sources",
        "Partitions of tweets for whose first watermark a shard waits; no tick settles before.",
        "shard",
    )
    shard_stopped: Gauge = gauge(
        "hushtag_shard_stopped",
        "1 while a shard has stopped at a record that cannot be read; the log and /readyz name it.",
        "shard",
    )
    flags_renewed: Counter = counter("hushtag_flags_renewed", "Decisions of stopped shards whose expiry was extended.")
    unknown_actions: Counter = counter(
        "hushtag_unknown_actions",
        "Rulings with an action of a later version, published as they are: readers show the hashtag.",
    )
    account_facts: Gauge = gauge(
        "hushtag_account_facts", "Account facts in effect, from legal orders and the registry of speakers.", "kind"
    )
    """`kind`: hidden (suspended, or withheld in a country), protected."""
    account_facts_position: Gauge = gauge(
        "hushtag_account_facts_position_records", "Offset up to which the judges have read the moderation topic."
    )
    account_facts_late: Counter = counter(
        "hushtag_account_facts_late", "Account facts that a shard received after the first tick that should apply them."
    )
    encoder_up: Gauge = gauge("hushtag_encoder_up", "1 while the stage 2 process answers.")
    encoder_texts: Counter = counter("hushtag_encoder_texts", "Texts scored by stage 2.")
    encoder_remembered: Counter = counter(
        "hushtag_encoder_remembered", "Texts whose stage 2 result came from the cache."
    )
    encoder_queue: Gauge = gauge("hushtag_encoder_queue", "Texts queued for stage 2.")
    encoder_age_seconds: Gauge = gauge(
        "hushtag_encoder_age_seconds",
        "Time from the tick that queued texts to their corrections record, of the last one.",
    )
    encoder_dropped: Counter = counter(
        "hushtag_encoder_dropped",
        "Texts chosen for stage 2 and not scored: replaced by the next tick's, or already evicted.",
    )
    encoder_restarts: Counter = counter("hushtag_encoder_restarts", "Restarts of the stage 2 process.")
    corrections: Counter = counter("hushtag_corrections", "Rows of stage 2 corrections applied at a tick.")
    corrections_refused: Counter = counter(
        "hushtag_corrections_refused",
        "Corrections refused: unreadable records, or rows with the columns of other categories.",
        "reason",
        values=("bad_correction", "other_columns"),
    )
    """`reason`: bad_correction (a record, now in the dead-letter topic), other_columns (a row)."""

    policy: Info = _info("hushtag_policy", "Revision of the live policy.")
    policy_file_bad: Gauge = gauge(
        "hushtag_policy_file_bad", "1 while the policy file is unusable and the last good policy stays live."
    )
    policy_records_unreadable: Gauge = gauge(
        "hushtag_policy_records_unreadable", "Unreadable records of the policy topic, skipped by all readers."
    )
    policy_file_drift: Gauge = gauge(
        "hushtag_policy_file_drift", "1 while the policy file of this worker differs from the live policy."
    )
    model_missing: Gauge = gauge(
        "hushtag_model_missing",
        "1 while the active model cannot be loaded: no new suppressions, existing ones expire.",
    )
    model: Info = _info("hushtag_model", "Revision of the active model.")

    # publish
    flag_writes: Counter = counter(
        "hushtag_flag_writes",
        "Registers written to Redis, by result.",
        "result",
        values=("applied", "stale", "refused", "unavailable"),
    )
    """`result`: applied, stale (not newer), refused (another server instance), unavailable (retried)."""
    flag_write_failures: Counter = counter(
        "hushtag_flag_write_failures", "Failed attempts to write to Redis, by kind; each is repeated.", "kind"
    )
    """`kind`: a word of `streams.flags.refusals.KINDS`: away, NOPERM, WRONGTYPE, MOVED, OOM, READONLY, ..."""
    foreign_registers: Gauge = gauge(
        "hushtag_foreign_registers",
        "Registers in Redis with a version that hushtag has not written; they are never replaced.",
        "partition",
    )
    event_to_flag_seconds: Histogram = histogram(
        "hushtag_event_to_flag_seconds",
        "Time from the log time of the tweet that crossed a threshold to its flag in Redis.",
        FLAG_BUCKETS_SECONDS,
    )
    reconciles: Counter = counter("hushtag_reconciles", "Rewrites of all registers of a partition.")
    internal_dead_letters: Counter = counter(
        "hushtag_internal_dead_letters",
        "Unreadable records of hushtag's own topics, sent to internal-dead-letter.",
        "topic",
        values=("hashtag-partials", "moderation", "policy", "suppression-decisions"),
    )
    """`topic`: without the prefix."""
    moderation_refused: Counter = counter("hushtag_moderation_refused", "Moderation records refused as unreadable.")
    order_deadline_seconds: Gauge = gauge(
        "hushtag_order_deadline_seconds",
        "Time to the deadline of an open legal order, negative once it has passed.",
        "order",
        "country",
    )
    """`country`: the country that ordered. The end of an interim decision counts as its deadline. Absent without a
    running deadline; the nearest `MOST_ORDER_CLOCKS` orders have a series."""
    orders_open: Gauge = gauge("hushtag_orders_open", "Legal orders with a running deadline.", "country")
    late_compilations: Gauge = gauge(
        "hushtag_late_compilations",
        "Numerical kernels compiled or read from the disk after the start; 0 unless there is a bug.",
    )
    redis_up: Gauge = gauge("hushtag_redis_up", "1 while Redis accepts writes.")
    redis_unsafe: Gauge = gauge(
        "hushtag_redis_unsafe", "1 while Redis has settings under which it may lose flags; checked every 30 s."
    )

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        super().__init__(registry)
        self._order_clocks: set[tuple[str, str]] = set()
        self._order_countries: set[str] = set()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    @property
    def corrections_of_other_columns(self) -> Counter:
        """Rows of corrections refused because they have the columns of other categories."""
        return self.corrections_refused.labels(reason="other_columns")

    def set_revisions(self, *, policy: str, model: str) -> None:
        """Set the revisions of the live policy and the active model; "" while there is none."""
        self.policy.info({"revision": policy})
        self.model.info({"revision": model})

    def set_deployment(self, prefix: str, stages: Iterable[str], shards: int) -> None:
        """Set the deployment's prefix and number of shards, and the stages that this worker runs."""
        for stage in stages:
            self.stage.labels(stage=stage).set(1)
        self.shards.labels(prefix=prefix).set(shards)

    def count_texts(self, language: str, *, read: int, unread: int) -> None:
        """Count texts in a language that stage 1 has looked at."""
        self.scored_texts.inc(read)
        for is_read, count in (("true", read), ("false", unread)):
            if count:
                self.texts_by_language.labels(language=language, read=is_read).inc(count)

    def set_order_clocks(self, clocks: Sequence[tuple[str, str, float]]) -> None:
        """Set the gauges of open legal orders and remove those of all others.

        Args:
            clocks: id, country and seconds to the deadline of every open order, the nearest first.
        """
        running: set[tuple[str, str]] = set()
        for order, country, seconds in clocks[:MOST_ORDER_CLOCKS]:  # never removed first: a scrape may come any moment
            self.order_deadline_seconds.labels(order=order, country=country).set(seconds)
            running.add((order, country))
        many = Tally(country for _, country, _ in clocks)
        for country, orders in many.items():
            self.orders_open.labels(country=country).set(orders)
        for order, country in self._order_clocks - running:
            self.order_deadline_seconds.remove(order, country)
        for country in self._order_countries - many.keys():
            self.orders_open.remove(country)
        self._order_clocks, self._order_countries = running, set(many)

    def remove_shard(self, shard: int) -> None:
        """Remove the gauges of a shard that another worker owns now."""
        of_shards: tuple[Gauge | Counter, ...] = (
            self.open_panes, self.candidate_tags, self.settled_seconds, self.judge_backlog, self.replaying,
            self.scorer_fault, self.shard_stopped, self.judged_records, self.awaited_sources,
        )  # fmt: skip
        for metric in of_shards:
            with suppress(KeyError):
                metric.remove(str(shard))

    def remove_source(self, partition: int) -> None:
        """Remove the gauge of a source partition that another worker owns now."""
        with suppress(KeyError):
            self.lag_seconds.remove(str(partition))

    def sample_names(self) -> set[str]:
        """Return the names of all possible time series, as a query writes them."""
        return sample_names(self.registry)


def sample_names(registry: CollectorRegistry) -> set[str]:
    """Return the names of all time series of a registry, as a query writes them."""
    suffixes = {"counter": ("_total",), "info": ("_info",), "histogram": ("_bucket", "_count", "_sum")}
    return {family.name + suffix for family in registry.collect() for suffix in suffixes.get(family.type, ("",))}


class ShadowMetrics(MetricSet):
    """The metrics of a policy that runs in the shadow of the live one."""

    differing: Gauge = gauge(
        "hushtag_shadow_differing_tags",
        "Hashtags, by country, with another action under the shadow policy than under the live one, at the last tick.",
        *("category", "kind"),
    )
    """`kind`: new (the shadow policy only), live (the live one only), action (both, with different actions)."""
    settled_seconds: Gauge = gauge(
        "hushtag_shadow_settled_tick_timestamp_seconds", "End of the last tick judged under both policies, Unix time."
    )
    revisions: Info = _info("hushtag_shadow", "Revisions of the live and the shadow policy.")

    def set_differing(self, counts: Mapping[tuple[str, str], int], categories: Iterable[str]) -> None:
        """Set the number of differing hashtags by (category, kind); 0 where `counts` has no value."""
        for category in categories:
            for kind in ("new", "live", "action"):
                self.differing.labels(category=category, kind=kind).set(counts.get((category, kind), 0))
