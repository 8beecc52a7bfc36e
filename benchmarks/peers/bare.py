"""The bare loop of `make bench`, which every ratio is to; its panes are summed once the clock has stopped."""

from __future__ import annotations

import asyncio
import os

from aiokafka import AIOKafkaProducer

from benchmarks.peers.windows import Uses, row_bytes, rows_of_windows
from benchmarks.side_by_side import bare


async def send_rows(uses: Uses) -> None:
    """Write the rows of all windows over these uses where the check reads them."""
    async with AIOKafkaProducer(bootstrap_servers=os.environ["PEER_KAFKA"], linger_ms=20) as producer:
        sent = [await producer.send(os.environ["PEER_COUNTS"], row_bytes(row)) for row in rows_of_windows(uses, 2**62)]
        await asyncio.gather(*sent)


def main() -> None:
    """Count, say so, then write what the check reads."""
    tweets = int(os.environ["PEER_TWEETS_NUMBER"])
    panes = bare(os.environ["PEER_KAFKA"], os.environ["PEER_TWEETS"], tweets, "native")
    print("done", flush=True)
    uses: Uses = {}
    for (word, country, pane), count in panes.items():
        uses.setdefault((word.removeprefix("#"), country), {})[pane] = count
    asyncio.run(send_rows(uses))


if __name__ == "__main__":
    main()
