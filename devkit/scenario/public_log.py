"""The public log of a story: its keys, two witnesses, and the commands that write and publish it."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from devkit.stack.local_run import LocalRun
from devkit.stack.ports import LOOPBACK, free_port
from moderation.publiclog.tlog.keys import KeyKind, PrivateKey, new_key
from streams.clock import monotonic_seconds
from streams.errors import DependencyAway

ORIGIN = "scenario.example/hushtag"
_WITNESSES = ("university.example/witness", "newspaper.example/witness")
_COMMAND_SECONDS = 120
_READY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class StoryLog:
    """Keys and places of the log and its witnesses."""

    folder: Path
    """Folder that the publisher writes."""
    key: PrivateKey
    witnesses: tuple[PrivateKey, ...]
    ports: tuple[int, ...]

    @classmethod
    def new(cls, folder: Path) -> StoryLog:
        """Make fresh keys and choose free ports."""
        witnesses = tuple(new_key(name, KeyKind.witness) for name in _WITNESSES)
        return cls(folder, new_key(ORIGIN, KeyKind.log), witnesses, tuple(free_port() for _ in witnesses))

    def settings(self) -> dict[str, Any]:
        """Return the settings of a run that writes, signs and publishes the log."""
        pairs = zip(self.witnesses, self.ports, strict=True)
        return {
            "HUSHTAG_AUDIT_KEY": self.key.encode(),
            "HUSHTAG_AUDIT_LOG_KEY": str(self.key.public_key),
            "HUSHTAG_AUDIT_FOLDER": str(self.folder),
            "HUSHTAG_AUDIT_WITNESSES": ",".join(
                f"{witness.public_key} http://{LOOPBACK}:{port}" for witness, port in pairs
            ),
        }

    def key_options(self) -> list[str]:
        """List the options of `hushtag proof` with the public keys."""
        witnesses = (f"--witness-key={witness.public_key}" for witness in self.witnesses)
        return [f"--log-key={self.key.public_key}", *witnesses]

    def start_witnesses(self, run: LocalRun) -> None:
        """Start the witnesses, each with its own state.

        Raises:
            DependencyAway: one of them does not answer.
        """
        for number, (witness, port) in enumerate(zip(self.witnesses, self.ports, strict=True), start=1):
            state = str(run.folder / f"witness-{number}.json")
            command = ["--key", witness.encode(), "--state", state, "--log-key", str(self.key.public_key)]
            command += ["--new", "--listen", f"{LOOPBACK}:{port}"]
            run.spawn(f"witness-{number}", "witness", *command, port=port)
        for port in self.ports:
            _wait_for(f"http://{LOOPBACK}:{port}/healthz")

    def publish(self) -> None:
        """Log and sign what the sources hold now, and publish it with the cosignatures of both witnesses.

        Raises:
            DependencyAway: a command failed.
        """
        for command in (["run", "--once"], ["publish", "--to", str(self.folder), "--once"]):
            done = subprocess.run(
                [sys.executable, "-m", "streams.cli.main", "audit", *command],
                capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=False,
            )  # fmt: skip
            if done.returncode:
                raise DependencyAway(f"hushtag audit {command[0]} failed: {done.stderr.strip()[-500:]}")


def _wait_for(url: str) -> None:
    deadline = monotonic_seconds() + _READY_SECONDS
    while True:
        try:
            if httpx.get(url, timeout=2.0).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        if monotonic_seconds() > deadline:
            raise DependencyAway(f"{url} does not answer within {_READY_SECONDS:g} s")
        time.sleep(0.1)
