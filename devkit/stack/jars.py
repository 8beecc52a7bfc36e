"""Apache Kafka's jars: downloaded once by jgo into a Maven repository folder, and verified at every start.

`kafka-jars.txt` lists every jar of the class path with its SHA-256. So a start resolves no dependencies, a damaged or
replaced file is downloaded again, and the broker under test is the same on every machine.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devkit.stack.errors import StackError, StackMistake

KAFKA_VERSION = "4.3.1"
_LIST = Path(__file__).with_name("kafka-jars.txt")
_FETCHERS = 6
CERTIFICATES = "SSL_CERT_FILE"
"""Variable with the file of authorities to trust. The download's library knows only two others, which come first."""

Report = Callable[[str], None]
"""Callback that receives one progress message."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar of the class path."""

    sha256: str
    size_bytes: int
    group: str
    artifact: str
    version: str

    def path_in(self, repository: Path) -> Path:
        """Return its path in a Maven repository folder."""
        return repository.joinpath(
            *self.group.split("."), self.artifact, self.version, f"{self.artifact}-{self.version}.jar"
        )

    def is_sound(self, repository: Path) -> bool:
        """Return whether the folder has the jar, byte for byte."""
        try:
            return hashlib.sha256(self.path_in(repository).read_bytes()).hexdigest() == self.sha256
        except OSError:
            return False


def listed_jars() -> list[Jar]:
    """Read the class path from `kafka-jars.txt`."""
    jars = []
    for line in _LIST.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            digest, size, coordinate = line.split()
            group, artifact, version = coordinate.split(":")
            jars.append(Jar(digest, int(size), group, artifact, version))
    return jars


def default_cache() -> Path:
    """Return `HUSHTAG_CACHE` if set, else `.cache` of the source tree, else `.cache` of the current folder."""
    if folder := os.environ.get("HUSHTAG_CACHE"):
        return Path(folder)
    source_tree = Path(__file__).resolve().parents[2]
    return (source_tree if (source_tree / "pyproject.toml").is_file() else Path.cwd()) / ".cache"


def kafka_class_path(repository: Path, *, report: Report = lambda line: None) -> list[Path]:
    """Return the paths of all jars, after downloading the missing ones (45 MB the first time).

    Args:
        repository: folder in Maven's layout, created if missing; several processes may share it.
        report: receives the progress of the download.

    Raises:
        StackMistake: the folder cannot be written.
        StackError: a download fails, or its checksum differs from the list.
    """
    jars = listed_jars()
    try:
        repository.mkdir(parents=True, exist_ok=True)
        with _alone_in(repository, report):
            missing = [jar for jar in jars if not jar.is_sound(repository)]
            if missing:
                _fetch(missing, repository, report)
    except PermissionError as error:
        raise StackMistake(
            f"{repository} cannot be written: {error}", fix="set HUSHTAG_CACHE to a writable folder"
        ) from None
    except OSError as error:
        raise StackError(
            f"Kafka's jars cannot be stored in {repository}: {error}", fix="free 60 MB of disk space"
        ) from None
    return [jar.path_in(repository) for jar in jars]


@contextmanager
def _alone_in(repository: Path, report: Report) -> Iterator[None]:
    with open(repository / ".hushtag-lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("another process is downloading Kafka's jars, waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(missing: list[Jar], repository: Path, report: Report) -> None:
    from jgo.constants import MAVEN_CENTRAL_URL  # slow to import, and needed only for the first run
    from jgo.maven import MavenContext
    from requests import RequestException

    _trust_certificates()
    maven_url = os.environ.get("HUSHTAG_MAVEN_URL", MAVEN_CENTRAL_URL)
    context = MavenContext(repo_cache=repository, remote_repos={"central": maven_url}, timeout=30)

    def fetch(jar: Jar) -> Jar:
        jar.path_in(repository).unlink(missing_ok=True)
        context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        return jar

    total_mb = sum(jar.size_bytes for jar in missing) / 1e6
    report(f"downloading Apache Kafka {KAFKA_VERSION}: {len(missing)} jars, {total_mb:.0f} MB (20 s, once)")
    done_mb = reported_mb = 0.0
    pool = ThreadPoolExecutor(_FETCHERS, thread_name_prefix="jars")
    try:
        for count, future in enumerate(as_completed([pool.submit(fetch, jar) for jar in missing]), start=1):
            jar = future.result()
            if not jar.is_sound(repository):
                jar.path_in(repository).unlink(missing_ok=True)
                raise StackError(
                    f"{jar.artifact}-{jar.version}.jar from {maven_url} is not the expected file (SHA-256 differs)",
                    fix="try again; if the error persists, set HUSHTAG_MAVEN_URL to a Maven mirror that you trust",
                )
            done_mb += jar.size_bytes / 1e6
            if done_mb - reported_mb >= total_mb / 10 or count == len(missing):
                reported_mb = done_mb
                so_far = f"{count} of {len(missing)} jars, {done_mb:.0f} of {total_mb:.0f} MB"
                report(f"downloading Apache Kafka {KAFKA_VERSION}: {so_far}")
    except (RequestException, RuntimeError) as error:
        raise StackError(
            f"Kafka's jars cannot be downloaded from {maven_url}: {_shortly(error)}",
            fix=f"check the network (HTTPS_PROXY; {CERTIFICATES} is the PEM file of a proxy's authority), "
            "or set HUSHTAG_MAVEN_URL to a Maven mirror",
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _trust_certificates() -> None:
    """Let the download trust the authorities of SSL_CERT_FILE, as pip and uv do under `make`.

    Raises:
        StackMistake: the file does not exist.
    """
    path = next(filter(None, map(os.environ.get, ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", CERTIFICATES))), "")
    if path and not Path(path).exists():
        raise StackMistake(
            f"there is no file of certificates at {path}", fix=f"set {CERTIFICATES} to a PEM file, or unset it"
        )
    if path:
        os.environ["REQUESTS_CA_BUNDLE"] = path


def _shortly(error: Exception) -> str:
    return str(error).replace("\n", " ")[:300]
