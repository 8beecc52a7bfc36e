"""The page docs/verify, opened from disk: its verifier on all vectors, and what a person sees."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.paths import ROOT
from tests.support.platform_pages import assert_accessible
from tests.support.proof_vectors import VECTORS, keys_of, text_of
from tests.support.proof_world import LOG_KEY, NEXT_LOG, WITNESS_KEYS, split_world, world

pytestmark = pytest.mark.pages
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
  const names = (witnesses) => witnesses.map((witness) => witness.name);
  const ofProof = (one) => ({index: one.index, log: one.log, size: Number(one.size),
    opened: Object.fromEntries(one.opened), cosigned_by: names(one.cosigned)});
  const ofReport = (one) => ({log: one.log, size: one.size, published_size: one.publishedSize,
    cosigned_by: names(one.cosigned), without_effect: one.without,
    days: one.days, as_of_seconds: one.asOf, later_entries: one.later, period_over: one.over});
  const found = [];
  for (const {text, keys, seen} of proofs) {
    found.push(await outcome(async () => ofProof(await verifyStatement(text, keys, seen ?? undefined))));
  }
  for (const one of reports) {
    const files = {...logs[one.log], ...one.changes}, lines = {...openings, ...one.opening_changes};
    const bytes = (content) => Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    const read = async (path) => (files[path] ?? null) === null ? null : bytes(files[path]);
    const listed = Object.keys(lines).sort((a, b) => a - b).map((at) => lines[at]).filter((line) => line !== null)
      .map((line) => typeof line === "string" ? line : JSON.stringify(line));
    const text = JSON.stringify(one.report), seen = one.seen ?? undefined;
    found.push(await outcome(async () => ofReport(await verifyReport(text, listed, read, one.keys, seen))));
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


def test_page_answers_all_vectors(open_verifier: Callable[..., Page]) -> None:
    def given(case: dict[str, Any]) -> dict[str, Any]:
        log_key, witness_keys = keys_of(case)
        return {"logKey": log_key, "witnessKeys": witness_keys, "quorum": case.get("quorum")}

    proofs = [{"text": text_of(one), "keys": given(one), "seen": one.get("seen")} for one in VECTORS["proofs"]]
    reports = [one | {"keys": given(one)} for one in VECTORS["reports"]]
    openings = dict(enumerate(VECTORS["openings"]))
    content = {"proofs": proofs, "reports": reports, "openings": openings, "logs": VECTORS["logs"]}
    found = open_verifier().evaluate(IN_PAGE, content)
    for case, one in zip([*VECTORS["proofs"], *VECTORS["reports"]], found, strict=True):
        if case["code"] is None:
            assert one == {"answer": case["answer"]}, case["name"]
        else:
            assert one == {"code": case["code"], "field": case.get("field", one.get("field"))}, case["name"]


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
    assert_accessible(page)


def test_forged_statement_names_the_field(open_verifier: Callable[..., Page]) -> None:
    page = open_verifier()
    fill(page)
    choose(page, world().statement(2) | {"entry": world().statement(2)["entry"] | {"country": "<b>DE</b>"}})
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_role("heading", name="It does not verify")).to_be_visible()
    expect(page.locator("#result")).to_contain_text("shows another country than the log: <b>DE</b>, not IN")
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


@pytest.mark.parametrize("orders", [41, 40])
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
    if orders == 41:
        expect(page.get_by_role("heading", name="The report’s numbers are those of the log")).to_be_visible()
        expect(page.get_by_role("row", name="decisions_by_people.block 19")).to_be_visible()
        expect(page.locator(".checked")).to_contain_text("those of 2026-11-02 to 2026-11-07, UTC")
        expect(page.locator(".checked")).to_contain_text("2 later entries of the log are not in it")
    else:
        expect(page.locator("#result .code")).to_have_text("Reason: wrong_number (orders)")
    assert_accessible(page)
