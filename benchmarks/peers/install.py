"""Each peer's own environment under `.cache/peers`, made once; what cannot be had is named with the fix."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ENVIRONMENTS = ROOT / ".cache" / "peers"
_UV = ROOT / ".cache" / "uv" / "bin" / "uv"
_JAVA_FROM = 17
_OPENED = ("java.util", "java.lang", "java.time", "java.util.concurrent", "java.util.concurrent.atomic")


class NotHere(Exception):
    """A peer cannot run on this machine: `reason`, and the `fix`."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(f"{reason} (fix: {fix})")


def python_with(name: str, *requirements: str) -> str:
    """The Python of a virtual environment that has just these requirements.

    Raises:
        NotHere: uv is missing, or the packages cannot be had.
    """
    folder = ENVIRONMENTS / name
    marker, python = folder / "installed", folder / "bin" / "python"
    requirement_lines = "\n".join(requirements)
    if not marker.exists() or marker.read_text() != requirement_lines:
        if not _UV.exists():
            raise NotHere(f"{_UV.relative_to(ROOT)} is missing", "make install")
        _call(
            [str(_UV), "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder)], f"{name}'s venv"
        )
        _call([str(_UV), "pip", "install", "--quiet", "--python", str(python), *requirements], requirement_lines)
        marker.write_text(requirement_lines)
    return str(python)


def java_with(name: str, main_class: str, *arguments: str) -> list[str]:
    """The command that runs a Maven project of this folder, compiled, with its dependencies.

    Raises:
        NotHere: no JDK or no Maven, or an artefact cannot be had.
    """
    _need_jdk()
    if shutil.which("mvn") is None:
        raise NotHere("Maven is missing", "apt-get install maven (Debian, Ubuntu)")
    project, out = HERE / name, ENVIRONMENTS / name
    sources = [project / "pom.xml", *project.glob("src/main/java/*.java")]
    marker = out / "installed"
    source_text = "\n".join(source.read_text() for source in sources)
    if not marker.exists() or marker.read_text() != source_text:
        maven = ["mvn", "--batch-mode", "--quiet", "-f", str(project / "pom.xml"), f"-Dout={out}"]
        maven += [f"-Dmaven.repo.local={ENVIRONMENTS / 'maven'}", f"-DoutputDirectory={out / 'lib'}"]
        _call([*maven, "compiler:compile", "dependency:copy-dependencies", "-DincludeScope=runtime"], name)
        marker.write_text(source_text)
    opened = [word for package in _OPENED for word in ("--add-opens", f"java.base/{package}=ALL-UNNAMED")]
    class_path = os.pathsep.join([str(out / "classes"), str(out / "lib" / "*")])
    return ["java", "-Xmx2g", *opened, "-cp", class_path, main_class, *arguments]


def _need_jdk() -> None:
    fix = f"apt-get install openjdk-{_JAVA_FROM}-jdk-headless (Debian, Ubuntu)"
    if shutil.which("javac") is None:
        raise NotHere(f"a JDK {_JAVA_FROM} or newer is missing", fix)
    output = subprocess.run(["javac", "-version"], capture_output=True, text=True, check=False)
    version = re.search(r"javac (\d+)", output.stdout + output.stderr)
    if version is None or int(version[1]) < _JAVA_FROM:
        raise NotHere(
            f"javac reports {(output.stdout + output.stderr).strip()[:60]!r}; {_JAVA_FROM} or newer is needed", fix
        )


def _call(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        output = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise NotHere(
            f"{what} cannot be installed: {' '.join(output[:4])[:400]}", "check the network, then run it again"
        )
