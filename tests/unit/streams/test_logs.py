"""Logs: every line on stderr is one JSON object, from this project and from libraries."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import logging, warnings
from streams.logs import configure_logging, logger
configure_logging({level!r})
configure_logging({level!r})
log = logger("hushtag.judge").bind(shard=3)
log.debug("quiet")
log.info("settled %d", 7, tick_ms=10)
log.warning("broken \\ud800 text")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("failed")
logging.getLogger("aiokafka.consumer").info("library talk")
logging.getLogger("aiokafka.consumer").warning("fetch failed for %s", "tweets", extra={{"partition": 2}})
for talker in ("aiokafka.conn", "kafka.net.connection", "httpx"):
    logging.getLogger(talker).debug("Request to kafka:9092 2: %s", "sasl_auth_bytes=s3cret")
logging.getLogger("httpx").info("HTTP Request: POST https://there.example/s3cret")
logging.getLogger("mode.worker").error("crash\\nover two lines")
warnings.warn("old thing", stacklevel=1)
print("result")
"""


def lines(level: str) -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(level=level)], capture_output=True, text=True, timeout=90, check=True
    )
    assert done.stdout == "result\n"
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_all_lines_are_json() -> None:
    found = lines("info")
    messages = [str(line["message"]) for line in found]
    assert messages[:6] == [
        "settled 7",
        "broken \ud800 text",
        "failed",
        "fetch failed for tweets",
        "crash\nover two lines",
        messages[5],
    ]
    assert "old thing" in messages[5]
    assert len(found) == 6
    first = found[0]
    assert (first["level"], first["logger"], first["shard"], first["tick_ms"]) == ("info", "hushtag.judge", 3, 10)
    assert str(first["time"]).endswith("Z")
    assert "ZeroDivisionError" in str(found[2]["exception"])
    assert found[3]["partition"] == 2


def test_level_filters_lines_of_all_loggers() -> None:
    assert [line["message"] for line in lines("error")] == ["failed", "crash\nover two lines"]
    assert {"quiet", "library talk"} <= {line["message"] for line in lines("debug")}


def test_library_debug_lines_with_secrets_are_suppressed() -> None:
    assert not [line for line in lines("debug") if "s3cret" in str(line)]
