"""A running pipeline where each command of the runbooks has its object: an order, a stopped shard, a register."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import redis
from hushtag_client import Register, keys
from hushtag_client.registers import encode
from kafka import KafkaProducer
from pydantic import SecretStr

from devkit.stack.ports import free_port
from models import artefact, templates
from streams.clock import now_ms
from streams.errors import EXIT_NO
from streams.log.unreadable import sha256_of
from streams.settings import Settings
from tests.support import other_model
from tests.support.notify_cases import KEY
from tests.support.printed_commands import PrintedCommand
from tests.support.public_log import with_keys
from tests.support.receivers import WebhookReceiver
from tests.support.steady_tweets import HARSH, KNOWN_PASTS, POLICY, keep_tweeting, wait_until
from tests.support.workers import WorkerProcess, answer, environment, hushtag

RUNNING = {("worker",), ("api",), ("notify",), ("audit", "run"), ("audit", "publish")}
"""Commands that run until they are stopped."""
MAY_ANSWER_NO = {("explain", "farmersprotest"), ("policy", "status"), ("dead-letters", "redrive")}
"""Exit code 3 is right here: a hashtag without tweets, a worker that has just ended, a record that is no tweet."""
NEWER_POLICY = "new.yaml"
STDIN = {
    "inspect": json.dumps({"id": "1", "author_id": "2", "created_at_ms": 1, "text": "#a"}).encode() + b"\n",
    "score": json.dumps({"text": HARSH}).encode() + b"\n",
}
ORDER = (
    "--authority", "Ministry", "--country", "IN", "--legal-basis", "s. 69A", "--reference", "EX/7", "--actor", "ann",
    "--issued", "2021-01-31", "--received", "2021-01-31T12:00", "--deadline", "+48h", "--json",
)  # fmt: skip
CHANNELS = "channels:\n  slack:\n    webhook: {url}\n    sends:\n      appeals: {{digest: 0s}}\n"


class PrintedWorld:
    """Worker, tweets and prepared objects; commands run in `folder`, which has the files that pages name."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.folder = folder
        self._policy(settings)
        own = {"policy": folder / "policy.yaml", "notify_keys": SecretStr(f"slack={KEY}")}
        self.settings = with_keys(settings.model_copy(update=own))
        self._hook = WebhookReceiver()
        (folder / "notify.yaml").write_text(CHANNELS.format(url=self._hook.url))
        self.worker = WorkerProcess(self.settings, folder)
        self._stop = threading.Event()
        self._feeding = threading.Thread(target=keep_tweeting, args=(settings, self._stop), daemon=True)
        self.values: dict[str, str] = {}

    def start(self) -> None:
        """Start the parts, and prepare an object for each placeholder."""
        self._hook.start()
        self._feeding.start()
        self.worker.start().wait_ready()
        self._send("tweets", b"no tweet")
        self.values = {
            "TAG": "watched", "COUNTRY": "IN", "WHY": "a test", "YOU": "asha", "CHANNEL": "slack",
            "FOLDER": str(self.folder / "log"), "FILE": str(self._model()), "REVISION": self.live_revision(),
            "ORDER": self._order(), "KEY": self._foreign_register(),
        }  # fmt: skip

    def stop(self) -> None:
        self._stop.set()
        if self._feeding.ident is not None:
            self._feeding.join()
        if self.worker.running:
            self.worker.kill()
        self._hook.stop()

    def run(self, command: PrintedCommand) -> str:
        """Run a command as it is printed; return what went wrong, "" for nothing."""
        name = tuple(itertools.takewhile(lambda word: not word.startswith("-"), command.words))
        values = self.values | self._values_of(command.words)
        words = command.filled(values)
        if name in RUNNING:
            return self._run_until_ready(words)
        before = self.live_revision() if words[0] == "policy" else ""
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli.main", *words], env=self._environment(), cwd=self.folder,
            input=STDIN.get(words[0], b"y\n"), capture_output=True, timeout=240,
        )  # fmt: skip
        is_answer = done.returncode == EXIT_NO and command.words[:2] in MAY_ANSWER_NO
        if done.returncode != 0 and not is_answer:
            return f"{command}: exit code {done.returncode}: {(done.stderr or done.stdout).decode()[-500:]}"
        if words[:2] in (["policy", "apply"], ["policy", "rollback"]):
            wait_until(lambda: self.live_revision() != before)
            self.values["REVISION"] = before  # going back to the policy that is live changes nothing
        return ""

    def _values_of(self, words: tuple[str, ...]) -> dict[str, str]:
        """Return the values that mean something else for one command."""
        if words[:2] == ("policy", "check"):
            return {"FILE": NEWER_POLICY}
        if words[0] == "skip":  # only now: a stopped shard activates no policy
            return self._unreadable_record()
        return {"FOLDER": str(self._labelled_texts())} if words[0] == "evaluate" else {}

    def live_revision(self) -> str:
        """Return the revision of the live policy, on all shards."""
        found: dict[str, Any] = {}

        def is_settled() -> bool:
            found.update(json.loads(answer(self.settings, "policy", "status", "--json").stdout))
            return found.get("shards_live") == self.settings.shards

        wait_until(is_settled)
        return str(found["revision"])

    def _environment(self) -> dict[str, str]:
        keys_file = self.folder / "keys.json"
        keys_file.write_text('{"keys": []}')
        more = {"HUSHTAG_NOTIFY": str(self.folder / "notify.yaml"), "HUSHTAG_API_KEYS": str(keys_file)}
        return environment(self.settings, metrics_port=free_port()) | more

    def _run_until_ready(self, words: list[str]) -> str:
        given = self._environment()
        port = int(given["HUSHTAG_METRICS_PORT"])
        if words[0] == "api":  # its usual port may be in use
            words = [*words, "--port", str(port)]
        log = self.folder / f"{'-'.join(words[:2])}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "streams.cli.main", *words], env=given, cwd=self.folder, stdout=output,
                stderr=output,
            )  # fmt: skip
        try:
            deadline = time.monotonic() + 120
            while process.poll() is None and not _is_ready(port):
                assert time.monotonic() < deadline, f"{words} is not ready: {log.read_text()[-500:]}"
                time.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            code = process.wait(60)
        finally:
            process.kill()
        return "" if code == 0 else f"hushtag {' '.join(words)}: exit code {code}: {log.read_text()[-500:]}"

    def _policy(self, settings: Settings) -> None:
        text = POLICY + KNOWN_PASTS
        (self.folder / "policy.yaml").write_text(text)
        newer = text.replace("serial: 1", "serial: 2").replace("dwell: 10s", "dwell: 20s")
        (self.folder / NEWER_POLICY).write_text(newer)

    def _model(self) -> Path:
        """Write another model with guarded figures beside it."""
        path = self.folder / "model.skops"
        path.write_bytes(other_model.OTHER)
        figures = json.loads(artefact.ARTEFACT_PATH.with_name("reference.json").read_text("utf-8"))
        figures["artefact_sha256"] = sha256_of(other_model.OTHER)
        (self.folder / "reference.json").write_text(json.dumps(figures))
        return path

    def _labelled_texts(self) -> Path:
        folder = self.folder / "labels"
        folder.mkdir()
        rows = [{"text": text.text, "y": max(text.labels[0], 0), "detail": ""} for text in templates.generate(150, 3)]
        (folder / "mhs_ken20.jsonl").write_text("\n".join(map(json.dumps, rows)))
        return folder

    def _order(self) -> str:
        """Take in an order on one account, and begin its review."""
        (self.folder / "annex.csv").write_text("target\n1001\n")
        taken = hushtag(self.settings, "orders", "intake", str(self.folder / "annex.csv"), *ORDER)
        order = str(json.loads(taken.splitlines()[0])["order"])
        hushtag(self.settings, "orders", "acknowledge", order, "-r", "seen", "--actor", "ann")
        return order

    def _foreign_register(self) -> str:
        """Write a register with a version that hushtag does not write."""
        register = Register(
            version="9999.9", action="suppress", hashtag="foreign", surface="trends", expires_at_ms=now_ms() + 600_000
        )
        with redis.Redis.from_url(self.settings.redis_url) as client:
            client.hset(keys.REGISTERS, register.field, encode(register))
        return register.field

    def _send(self, topic: str, value: bytes) -> int:
        with KafkaProducer(bootstrap_servers=self.settings.kafka) as producer:
            return int(producer.send(self.settings.topic(topic), value, partition=2).get(30).offset)

    def _unreadable_record(self) -> dict[str, str]:
        """Write a record at which a shard stops."""
        topic = "hashtag-partials"
        offset = self._send(topic, b"no partial")
        wait_until(lambda: any("hashtag-partials" in note for note in self.worker.readiness().get("notes", [])))
        return {"TOPIC": topic, "PARTITION": "2", "OFFSET": str(offset)}


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
