-- Flink SQL as its documentation writes it: a Kafka table with a watermark, UNNEST, the HOP table function.
-- A watermark is kept for each partition and the lowest counts; windows share the slices that they overlap in.

SET 'table.local-time-zone' = 'UTC';
SET 'execution.checkpointing.interval' = '10 s';
SET 'execution.checkpointing.dir' = 'file://${PEER_FOLDER}';

CREATE TABLE tweets (
    country  STRING,
    hashtags ARRAY<STRING>,
    log_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    WATERMARK FOR log_time AS log_time - INTERVAL '5' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = '${PEER_TWEETS}',
    'properties.bootstrap.servers' = '${PEER_KAFKA}',
    'properties.group.id' = 'peer-flink-sql',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json'
);

CREATE TABLE counts (
    hashtag       STRING,
    country       STRING,
    window_end_ms BIGINT,
    `count`       BIGINT
) WITH (
    'connector' = 'kafka',
    'topic' = '${PEER_COUNTS}',
    'properties.bootstrap.servers' = '${PEER_KAFKA}',
    'format' = 'json'
);

CREATE VIEW uses AS
SELECT LOWER(hashtag) AS hashtag, country, log_time
FROM tweets CROSS JOIN UNNEST(hashtags) AS used (hashtag);

INSERT INTO counts
SELECT
    hashtag,
    country,
    TIMESTAMPDIFF(SECOND, TIMESTAMP '1970-01-01 00:00:00', window_end) * CAST(1000 AS BIGINT),
    COUNT(*)
FROM HOP(TABLE uses, DESCRIPTOR(log_time), INTERVAL '${PEER_ADVANCE_SECONDS}' SECONDS, INTERVAL '10' MINUTES)
GROUP BY hashtag, country, window_start, window_end
HAVING COUNT(*) >= 50;
