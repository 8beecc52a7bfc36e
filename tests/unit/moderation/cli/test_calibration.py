"""`hushtag calibrate`: what it prints, its JSON, its exit codes, and what it asks before a scale goes live."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import Result
from typer.testing import CliRunner

from moderation.domain.calibration import kafka_service
from moderation.domain.calibration.drafts import LabelDraft
from streams.cli.main import make_app
from streams.errors import CallerMistake
from streams.settings import Settings
from tests.support.in_memory_calibration import InMemoryModels, drafts, two_people
from tests.support.in_memory_log import InMemoryLog
from tests.support.moderation_world import ApiWorld

WHO = ("--reason", "ours", "--actor", "asha")


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> InMemoryModels:
    """Run the commands on one log and one list of models in memory, without evidence."""
    log, found = InMemoryLog(), InMemoryModels()

    @asynccontextmanager
    async def opened_in_memory(_: Settings) -> AsyncGenerator[Any, None]:
        yield ApiWorld(log=log, models=found).calibration

    monkeypatch.setattr(kafka_service, "open_calibration", opened_in_memory)
    return found


def run(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(make_app("calibrate"), ["calibrate", *arguments], input=stdin)


def label(labels: Any, actor: str = "asha") -> None:
    run("labels", "-", "--json", "--actor", actor, stdin=lines(labels))


def label_of_two(n_clean: int, n_harmful: int) -> None:
    for person, labels in two_people(n_clean, n_harmful).items():
        label(labels, person)


def lines(labels: Any) -> bytes:
    return b"\n".join(msgspec.json.encode(one) for one in labels)


def test_status_shows_labels_people_and_what_is_missing(models: InMemoryModels) -> None:
    empty = run()
    assert empty.exit_code == 0 and "0 labelled texts" in empty.stdout
    assert "no language has a label" in empty.stderr
    label_of_two(60, 20)
    shown = run("--no-impact")
    assert "80 labelled texts" in shown.stdout and "by asha (40), meera (40)" in shown.stdout
    assert "en\tany\t60\t20\t" in shown.stdout and "partly fitted: 30 more harmful" in shown.stdout
    assert "hushtag calibrate apply" in shown.stdout


def test_labels_report_bad_lines_and_take_nothing_if_strict(models: InMemoryModels, tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_bytes(lines(drafts(1, 1)) + b"\nnot json\n")
    refused = run("labels", str(path), "--strict")
    assert isinstance(refused.exception, CallerMistake) and "line 3" in refused.stderr
    assert "0 labelled texts" in run().stdout
    taken = run("labels", str(path))
    assert taken.exit_code == 0 and "2 labels added, 0 known already, 1 not taken" in taken.stdout


def test_file_that_names_people_is_refused_by_line(models: InMemoryModels) -> None:
    named = [
        b'{"text": "a text of two words", "harmful": true, "person": "%s"}' % name for name in (b"ann", b"ben", b"cy")
    ]
    refused = run("labels", "-", "--actor", "asha", stdin=b"\n".join(named))
    assert isinstance(refused.exception, CallerMistake) and "line 3" in refused.stderr
    assert "each counts as the sender's" in refused.stderr and "0 labelled texts" in run().stdout


def test_apply_asks_and_says_what_is_live(models: InMemoryModels) -> None:
    label_of_two(60, 60)
    first = asyncio.run(models.live()).revision
    asked = CliRunner().invoke(make_app("calibrate"), ["calibrate", "apply", *WHO, "--no-impact"], input="n\n")
    assert asked.exit_code == 3 and f"in place of model {first}" in asked.output and not models.records
    done = run("apply", *WHO, "--no-impact", "--yes")
    assert done.exit_code == 0 and f"before it {first}" in done.stdout and "hushtag model rollback" in done.stdout
    [record] = models.records
    assert record.model_change is not None and record.model_change.actor == "asha"


def test_apply_of_one_persons_labels_needs_the_flag_and_warns(models: InMemoryModels) -> None:
    label(drafts(60, 60))
    refused = run("apply", *WHO, "--no-impact", "--yes", "--json")
    assert isinstance(refused.exception, CallerMistake) and "--one-person" in refused.exception.fix
    done = run("apply", *WHO, "--no-impact", "--yes", "--json", "--one-person")
    assert done.exit_code == 0 and "one person gave most of the labels" in done.stderr
    assert json.loads(done.stdout)["model"] == models.records[0].model_revision


def test_apply_without_labels_asks_nothing_and_is_refused(models: InMemoryModels) -> None:
    refused = run("apply", *WHO)
    assert isinstance(refused.exception, CallerMistake) and "no language has a label" in str(refused.exception)


def test_labels_without_a_good_line_are_an_error(models: InMemoryModels) -> None:
    refused = run("labels", "-", stdin=b"text,harmful\nfoo,yes\n")
    assert isinstance(refused.exception, CallerMistake) and "no label that can be taken" in str(refused.exception)
    assert "line 1" in refused.stderr and '"harmful": true or false' in refused.exception.fix


def test_problem_names_the_line_of_the_file(models: InMemoryModels) -> None:
    spanish = LabelDraft(text="hola amigos como estan hoy en la casa", harmful=False)
    found = run("labels", "-", "--json", stdin=b"oops\n" + lines([*drafts(300, 300), spanish]))
    problems = [json.loads(one)["problem"] for one in found.stdout.splitlines()[:-1]]
    assert [one["where"] for one in problems] == ["line 1", "line 602"]
    strict = run("labels", "-", "--strict", stdin=lines([*drafts(300, 300, first=9_000), spanish]))
    assert isinstance(strict.exception, CallerMistake)
    assert json.loads(run("--json", "--no-impact").stdout)["texts"] == 600, "a strict file is taken whole or not at all"


def test_live_scale_is_not_offered_again(models: InMemoryModels) -> None:
    label_of_two(60, 60)
    run("apply", *WHO, "--no-impact", "--yes")
    shown = run("--no-impact")
    assert "it is live" in shown.stdout and "put it live" not in shown.stdout
    refused = run("apply", *WHO, "--no-impact", "--yes")
    assert isinstance(refused.exception, CallerMistake) and len(models.records) == 1
