"""The page docs/verify, opened from disk: its verifier on all vectors, and what a person sees."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect

from moderation.publiclog.proofs.verify_proof import Refused, verify_report, verify_statement
from tests.support.changed_files import changes, report, statements
from tests.support.paths import ROOT
from tests.support.platform_pages import assert_accessible
from tests.support.proof_vectors import VECTORS, case_lines, file_of
from tests.support.proof_world import KEYS, LOG_KEY, NEXT_LOG, WITNESS_KEYS, split_world, world

pytestmark = pytest.mark.pages
VECTOR_LINES = case_lines({})
URL = (ROOT / "docs/verify/index.html").as_uri()
IN_PAGE = """
async ({proofs, reports, openings, logs}) => {
  const outcome = async (answer) => {
    try {
      return {answer: await answer()};
    } catch (error) {
      return error instanceof Refused ? {code: error.code, field: error.field} : {broken: `${error.stack}`};
    }
  };
  const found = [];
  for (const {text, keys, seen} of proofs) {
    found.push(await outcome(() => verifyStatement(text, keys, seen ?? undefined)));
  }
  for (const one of reports) {
    const files = {...logs[one.log], ...one.changes}, lines = {...openings, ...one.opening_changes};
    const bytes = (content) => Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    const read = async (path) => (files[path] ?? null) === null ? null : bytes(files[path]);
    const listed = Object.keys(lines).sort((a, b) => a - b).map((at) => lines[at]).filter((line) => line !== null)
      .map((line) => typeof line === "string" ? line : JSON.stringify(line));
    const seen = one.seen ?? undefined, publication = one.publication && JSON.stringify(one.publication);
    found.push(await outcome(() => verifyReport(utf8(one.text), listed, read, one.keys, seen, publication)));
  }
  return found;
}
"""


@pytest.fixture
def open_verifier(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open the page; fail on a script error, a console message, or a request for anything but its own files."""
    contexts, faults = [], []

    def opened(**options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 900, "height": 1000}} | options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        ours = URL.removesuffix("index.html")
        page.on("request", lambda one: faults.append(one.url) if not one.url.startswith((ours, "data:")) else None)
        page.goto(URL)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def given_keys(case: dict[str, Any]) -> dict[str, Any]:
    keys = VECTORS["keys"] | case
    return {"logKey": keys["log_key"], "witnessKeys": keys["witness_keys"], "quorum": case.get("quorum")}


def answers_of(page: Page, proofs: list[dict[str, Any]], reports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the page's answers to cases; each has its file as `text`."""
    openings = dict(enumerate(VECTORS["openings"]))
    content = {"proofs": proofs, "reports": reports, "openings": openings, "logs": VECTORS["logs"]}
    answers: list[dict[str, Any]] = page.evaluate(IN_PAGE, content)
    return answers


def test_page_answers_all_vectors(open_verifier: Callable[..., Page]) -> None:
    def case_of(case: dict[str, Any]) -> dict[str, Any]:
        return case | {"text": file_of(case).decode(), "keys": given_keys(case)}

    proofs, reports = ([case_of(one) for one in VECTORS[kind]] for kind in ("proofs", "reports"))
    for case, answer in zip([*proofs, *reports], answers_of(open_verifier(), proofs, reports), strict=True):
        if case["code"] is None:
            assert answer == {"answer": case["answer"]}, case["name"]
        else:
            assert answer == {"code": case["code"], "field": case.get("field", answer.get("field"))}, case["name"]


@seed(20_261_201)
@given(st.data())
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
def test_page_agrees_with_python_on_changed_files(open_verifier: Callable[..., Page], data: st.DataObject) -> None:
    """Both answer alike on each of many files with one change: the same refusal, or the same answer."""
    files = [one.after for one in data.draw(st.lists(changes(statements()), min_size=150, max_size=150))]
    reports = [one.after for one in data.draw(st.lists(changes((report(),)), min_size=20, max_size=20))]
    cases = [{"text": json.dumps(one), "keys": given_keys({})} for one in [*files, *reports]]
    of_reports = [one | {"log": "published"} for one in cases[len(files) :]]
    answers = answers_of(open_verifier(), cases[: len(files)], of_reports)
    for number, (case, answer) in enumerate(zip(cases, answers, strict=True)):
        assert answer == python_answer(case["text"].encode(), is_report=number >= len(files)), case["text"]


def python_answer(file: bytes, *, is_report: bool) -> dict[str, Any]:
    try:
        answer = (
            verify_report(file, VECTOR_LINES, world().files().get, KEYS) if is_report else verify_statement(file, KEYS)
        )
    except Refused as refused:
        return {"code": refused.code, "field": refused.field}
    return {"answer": {name: value for name, value in answer.items() if name != "published_checkpoint"}}


def fill(page: Page) -> None:
    page.get_by_label("The log’s public key").fill(LOG_KEY)
    page.get_by_label("Public keys of witnesses").fill("\n".join(WITNESS_KEYS))


def choose(page: Page, content: Any) -> None:
    data = json.dumps(content).encode()
    page.get_by_label("Choose the file").set_input_files(
        {"name": "statement.json", "mimeType": "application/json", "buffer": data}
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_statement_that_verifies_shows_its_fields(open_verifier: Callable[..., Page], scheme: str) -> None:
    page = open_verifier(color_scheme=scheme)
    assert_accessible(page)
    fill(page)
    choose(page, world().statement(2))
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_role("heading", name="It is in the log, as shown here")).to_be_visible()
    expect(page.get_by_role("row", name="Hashtag tag2")).to_be_visible()
    expect(page.locator("#result")).to_contain_text("one of the 260 that example.com/hushtag signed")
    expect(page.locator("#result")).to_contain_text("two.example/witness signed the same checkpoint at 20")
    expect(page.locator(".limits")).to_contain_text("That the decision was right")
    expect(page.locator(".unverified")).to_contain_text("restriction.actor")
    assert_accessible(page)


def test_forged_statement_names_the_field(open_verifier: Callable[..., Page]) -> None:
    page = open_verifier()
    fill(page)
    choose(page, world().statement(2) | {"entry": world().statement(2)["entry"] | {"country": "<b>DE</b>"}})
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_role("heading", name="It does not verify")).to_be_visible()
    expect(page.locator("#result")).to_contain_text('another country than the log: "<b>DE</b>", not "IN"')
    expect(page.locator("#result .code")).to_have_text("Reason: wrong_field (country)")
    assert_accessible(page)


def test_dropped_statement_is_checked(open_verifier: Callable[..., Page]) -> None:
    page = open_verifier()
    fill(page)
    page.evaluate(
        """(text) => {
          const carried = new DataTransfer();
          carried.items.add(new File([text], "dropped.json"));
          const event = new DragEvent("drop", {dataTransfer: carried, cancelable: true});
          document.getElementById("drop").dispatchEvent(event);
        }""",
        json.dumps(world().proof(5)),
    )
    expect(page.locator("#file-name")).to_have_text("Dropped: dropped.json")
    page.get_by_label("The log’s public key").press("Enter")
    expect(page.get_by_role("heading", name="It is in the log")).to_be_visible()


def test_split_view_is_found_by_a_checkpoint_seen_before(open_verifier: Callable[..., Page]) -> None:
    page = open_verifier()
    fill(page)
    choose(page, split_world().proof(2))
    page.get_by_text("More: number of witnesses").click()
    page.get_by_label("A checkpoint of this log that you saw before").fill(world().checkpoint().encode())
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator(".meaning")).to_have_text("There are two different histories of this log")


def test_both_keys_of_a_changed_log_are_read(open_verifier: Callable[..., Page]) -> None:
    page = open_verifier()
    fill(page)
    page.get_by_label("The log’s public key").fill(f"{NEXT_LOG.public_key} {LOG_KEY}")
    choose(page, world().statement(2))
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_role("heading", name="It is in the log, as shown here")).to_be_visible()


def test_page_without_witness_keys_says_what_is_open(open_verifier: Callable[..., Page]) -> None:
    page = open_verifier()
    page.get_by_label("The log’s public key").fill(LOG_KEY)
    choose(page, world().statement(2))
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator(".limits")).to_contain_text("You required no witness")


def test_damaged_key_is_no_verdict_on_the_file(open_verifier: Callable[..., Page]) -> None:
    page = open_verifier()
    page.get_by_label("The log’s public key").fill(LOG_KEY[:-3])
    choose(page, world().statement(2))
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_role("heading", name="Nothing was checked")).to_be_visible()


@pytest.mark.parametrize("orders", [42, 41])
def test_report_is_recounted_from_the_folder(open_verifier: Callable[..., Page], tmp_path: Path, orders: int) -> None:
    for path, content in world().files().items():
        (tmp_path / "log" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "log" / path).write_bytes(content)
    openings = tmp_path / "openings.jsonl"
    openings.write_text("\n".join(world().opening_lines()) + "\n", "utf-8")
    page = open_verifier()
    fill(page)
    expect(page.locator("#report-files")).to_be_hidden()
    choose(page, world().report() | {"orders": orders})
    page.get_by_label("The report’s openings").set_input_files(openings)
    page.get_by_label("A copy of the published log").set_input_files(tmp_path / "log")
    page.get_by_role("button", name="Check", exact=True).click()
    if orders == 42:
        expect(page.get_by_role("heading", name="The report’s numbers are those of the log")).to_be_visible()
        expect(page.get_by_role("row", name="decisions_by_people.block 20")).to_be_visible()
        expect(page.locator(".checked")).to_contain_text("those of 2026-11-02 to 2026-11-07, UTC")
        expect(page.locator(".checked")).to_contain_text("2 later entries of the log are not in it")
        expect(page.locator(".unverified")).to_contain_text("hashtags_held_back")
    else:
        expect(page.locator("#result .code")).to_have_text("Reason: wrong_number (orders)")
    assert_accessible(page)
