"""Log time of the newest tweet: activations take effect after it, so that no tick has settled under another policy."""

from __future__ import annotations

from streams.clock import now_ms
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import TWEETS
from streams.settings import Settings


async def newest_log_time_ms(settings: Settings) -> int:
    """Return the greatest log time of a tweet; the present time if there are none.

    Raises:
        DependencyAway: the broker does not answer.
        TopicsError: the topic does not exist.
    """
    newest_ms = -1
    async with LogReader(connection(settings), settings.topic(TWEETS)) as reader:
        ends = {number: bounds.end for number, bounds in (await reader.bounds()).items() if bounds.end > bounds.begin}
        async for batch in reader.to_end({number: end - 1 for number, end in ends.items()}, ends):
            newest_ms = max(newest_ms, *(record.timestamp for record in batch))
    return newest_ms if newest_ms >= 0 else now_ms()
