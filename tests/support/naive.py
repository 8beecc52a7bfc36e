"""The whole computation the obvious way, without code of the cores: the pipeline must equal it."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from hashlib import blake2b
from statistics import NormalDist

from tests.support.siphash import siphash

K, PANE, LATE, AHEAD, OLD = 64, 10_000, 5_000, 120_000, 3_600_000
RANGE = 4_096
MASK = 2**64 - 1
SPACE, LEAST = 2**64, 12


def author_hash(author: str) -> int:
    secret = blake2b(b"authors", digest_size=16).digest()
    return siphash(int(author), int.from_bytes(secret[:8], "little"), int.from_bytes(secret[8:], "little"))


def tweet_order(tweet: int) -> int:
    x = tweet ^ int.from_bytes(blake2b(b"tweet order", digest_size=8).digest(), "little")
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def uses(lines):
    """Iterate over (tag, country, effective time, tweet) of every counted tweet, from log lines of native payloads."""
    seen: dict[tuple[int, str], int] = {}
    for line in lines:
        try:
            tweet = json.loads(line["value"])
            key, event = (line["partition"], tweet["id"]), tweet["created_at_ms"]
        except (TypeError, ValueError, KeyError):
            continue
        before, seen[key] = seen.get(key), line["offset"]
        log = line["log_time_ms"]
        if (before is not None and line["offset"] - before <= RANGE) or event - log > AHEAD or log - event > OLD:
            continue
        at = min(max(event, log - LATE), log)
        for tag in dict.fromkeys(tag.casefold() for tag in tweet["hashtags"]):
            yield tag, tweet.get("country", ""), at, tweet


def sample(tweets):
    """Return the k authors with the smallest hashes, each with its smallest tweet."""
    best = {}
    for tweet in tweets:
        author = author_hash(tweet["author_id"])
        if author not in best or tweet_order(int(tweet["id"])) < tweet_order(int(best[author]["id"])):
            best[author] = tweet
    return [(author, best[author]) for author in sorted(best)[:K]]


def stratum(tweet) -> int:
    born_ms = tweet.get("author_created_at_ms")
    return 0 if born_ms is None else 1 + born_ms // (365 * 86_400_000) % 3


def strata_sample(tweets):
    """Return (author, tweet, weight, whether it is sampled for its stratum alone) of the authors, by their hashes."""
    smallest = sample(tweets)
    if len(smallest) < K:
        return [(author, tweet, 1.0, False) for author, tweet in smallest]
    kth, further, chance = smallest[-1][0], {}, {}
    for number in range(4):
        its = sample([tweet for tweet in tweets if stratum(tweet) == number])[:LEAST]
        chance[number] = kth / SPACE / (max(kth, its[-1][0]) / SPACE if len(its) == LEAST else 1.0)
        for author, tweet in its:
            before = further.setdefault(author, tweet)
            if author > kth and tweet_order(int(tweet["id"])) < tweet_order(int(before["id"])):
                further[author] = tweet
    chosen = smallest + sorted(((one, its) for one, its in further.items() if one > kth), key=lambda pair: pair[0])
    crowded = len(chosen) > K
    return [
        (author, tweet, chance[stratum(tweet)] if crowded else 1.0, at >= K)
        for at, (author, tweet) in enumerate(chosen)
    ]


def authors(chosen) -> int:
    return len(chosen) if len(chosen) < K else round((K - 1) * 2**64 / chosen[-1][0])


def minute_rows(lines) -> dict[tuple[str, str, int], tuple[int, int]]:
    """Return (tweets, authors) by (tag, country or *, minute)."""
    rows = defaultdict(list)
    for tag, country, at, tweet in uses(lines):
        for scope in {country, "*"} - {""}:
            rows[tag, scope, at // 60_000 * 60_000].append(tweet)
    return {key: (len(tweets), authors(sample(tweets))) for key, tweets in rows.items()}


def wilson(share: float, n: int, confidence: float) -> tuple[float, float]:
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    scale = 1 + z * z / n
    half = z / scale * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    centre = (share + z * z / (2 * n)) / scale
    return centre - half, centre + half


def adjusted(mean: float, counts, scale, confidence: float) -> tuple[float, float]:
    """Find by bisection the shares in [0, 1] that the mean does not contradict; see `models.share`.

    `counts` has the number of texts of each group; `scale` of each the moments (clean and harmful: means, then
    variances) and the errors of the two means (variance, covariance, variance).
    """
    z, n = NormalDist().inv_cdf(0.5 + confidence / 2), sum(counts)
    parts = [count / n for count in counts]
    a0, a1, v0, v1 = (sum(part * scale[one][0][at] for one, part in enumerate(parts)) for at in range(4))
    e0, e01, e1 = (sum(part**2 * scale[one][1][at] for one, part in enumerate(parts)) for at in range(3))

    def fits(share: float) -> bool:
        error = (share * v1 + (1 - share) * v0 + share * (1 - share) * (a1 - a0) ** 2) / n
        error += (1 - share) ** 2 * e0 + 2 * share * (1 - share) * e01 + share**2 * e1
        return (mean - a0 - share * (a1 - a0)) ** 2 <= z * z * error

    def last(outside: float) -> float:
        inside = (mean - a0) / (a1 - a0)
        for _ in range(60):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if fits(middle) else (inside, middle)
        return min(max(inside, 0.0), 1.0)

    low, high = wilson(min(max((mean - a0) / (a1 - a0), 0.0), 1.0), n, confidence)
    return min(last(-50.0), low), max(last(50.0), high)
