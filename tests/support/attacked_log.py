"""Random log lines of hashtags under attack: protesters with words of their own, new accounts, and copied texts."""

from __future__ import annotations

import json
import random

from tests.support.word_policy import START_MS

DAY_MS = 86_400_000
SCENES = ("calm", "attack", "attack", "campaign", "anger")
SLOGANS = ("bad weather today", "bad fruit there", "bad music", "good music")


def own_words(number: int) -> str:
    """Return a word that no other number has, of letters that no reader folds into others."""
    letters = []
    for _ in range(4):
        number, digit = divmod(number, 64)
        letters.append("bdfgklmr"[digit >> 3] + "aeiuaeiu"[digit & 7] + ("" if digit & 7 < 4 else "n"))
    return "".join(letters)


def speaker(rng: random.Random, scene: str, event_ms: int, number: int, authors: int) -> dict[str, object]:
    """Draw author, age and text of a tweet in a scene.

    The first half of the authors have old accounts, of known or unknown age, and words of their own. A tenth of these
    also write in campaigns. The other half copy a slogan, or have new accounts and may copy one of the first half.

    Args:
        rng: source of the draws.
        scene: one of `SCENES`.
        event_ms: time of the tweet.
        number: number of the tweet.
        authors: number of accounts.
    """
    half = authors // 2
    coordinated = rng.random() < {"calm": 0.05, "attack": 0.5, "campaign": 0.9, "anger": 0.2}[scene]
    born_ms = event_ms - 400 * DAY_MS
    if not coordinated:
        word = "bad" if rng.random() < {"anger": 0.9}.get(scene, 0.03) else "good"
        author, text = rng.randrange(half), f"{word} {own_words(number)}"
    elif rng.random() < 0.2:
        author, text = rng.randrange(max(half // 10, 1)), f"bad {own_words(number)}"
    else:
        author = half + rng.randrange(half)
        copies, stolen = author % 2 == 0, f"good {own_words(max(number - rng.randrange(1, 20), 0))}"
        text = rng.choice(SLOGANS if copies else (stolen, f"bad {own_words(number)}", f"bad {own_words(number)}"))
        born_ms = event_ms - (400 if copies else 3) * DAY_MS
    known = {} if author % 5 == 0 and not coordinated else {"author_created_at_ms": born_ms}
    return {"author_id": str(author), "text": text, **known}


def attacked_log(
    seed: int, n: int = 2_400, partitions: int = 3, wave_ms: int = 60_000, quiet_ms: int = 0
) -> list[dict[str, object]]:
    """Make log lines of ten minutes; each hashtag has another scene in each wave, and a calm one before `quiet_ms`."""
    rng = random.Random(f"attacked {seed}")
    scenes = {(tag, wave): rng.choice(SCENES) for tag in range(4) for wave in range(100)}
    offsets, log_ms, lines = [0] * partitions, [START_MS] * partitions, []
    now_ms = START_MS
    for number in range(n):
        now_ms += int(rng.expovariate(1 / 250))
        partition = rng.randrange(partitions)
        log_ms[partition] = max(log_ms[partition], now_ms + rng.randrange(200))
        event_ms = log_ms[partition] - (rng.choice([4_000, 9_000, 70_000]) if rng.random() < 0.1 else 50)
        tag = min(int(rng.paretovariate(1.0)) - 1, 3)
        scene = "calm" if now_ms < START_MS + quiet_ms else scenes[tag, (now_ms - START_MS) // wave_ms]
        tweet = {
            "id": str(number),
            "created_at_ms": event_ms,
            **speaker(rng, scene, event_ms, number, 240),
            "country": rng.choice(["IN", "IN", "US", ""]),
            "hashtags": [f"Tag{tag}"],
        }
        lines.append({
            "partition": partition, "offset": offsets[partition], "log_time_ms": log_ms[partition],
            "value": json.dumps(tweet),
        })  # fmt: skip
        offsets[partition] += 1
    return lines
