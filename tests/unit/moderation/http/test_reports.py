"""Routes of transparency reports: previews, publication of exactly a preview, downloads, rights and blindness."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from moderation.access.services import Services
from moderation.outward.report.folder import ReportFolder
from moderation.publiclog.proofs.verify_proof import Refused, published_name, read_keys
from tests.support.api_calls import Calls, Configure, block, calls_of, kind_of, limited
from tests.support.in_memory_log import InMemoryLog
from tests.support.in_memory_public_log import LOG_KEY, WITNESS_KEY, InMemoryPublicLog

PERIOD = {"from": "2026-01-01", "to": "2099-12-31"}


@pytest.fixture
def folder(client: TestClient, tmp_path: Path) -> Path:
    services: Services = cast(FastAPI, client.app).state.services
    services.reports.folder = ReportFolder(tmp_path)
    return tmp_path


def begin(calls: Calls, **body: Any) -> Any:
    headers = {"Authorization": f"Bearer hush_{calls._role}"}
    return calls._client.post("/v1/reports/preview", json=PERIOD | body, headers=headers)


def previewed(calls: Calls, **body: Any) -> Any:
    """Begin a preview, and wait for its end."""
    begun = begin(calls, **body)
    assert begun.status_code == 202, begun.text
    deadline = time.monotonic() + 60
    while (found := calls.get(f"/v1/reports/preview/{begun.json()['id']}").json())["state"] in ("waiting", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def test_preview_has_numbers_update_and_table(client: TestClient) -> None:
    block(Calls(client))
    found = previewed(Calls(client, "legal"))
    assert (found["state"], found["complete"], found["corrects"], found["overlaps"]) == ("done", False, None, [])
    assert found["report"]["decisions_by_people"] == {"block": 1}
    assert "fewer than 5 hashtags" in found["update"]
    assert "decisions_by_people.block,1" in found["table"]
    assert any("fewer than a round number" in line for line in found["rounded"])


def test_preview_belongs_to_the_person_who_began_it(client: TestClient, folder: Path) -> None:
    found = previewed(Calls(client, "legal"))
    refused = Calls(client, "admin").get(f"/v1/reports/preview/{found['id']}")
    assert (refused.status_code, kind_of(refused)) == (404, "not_found")
    refused = Calls(client, "admin").post("/v1/reports", preview=found["id"])
    assert (refused.status_code, list(folder.iterdir())) == (404, [])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"to": "2025-01-01"}, "#/to"), ({"from": "2026-02-30"}, "#/from"), ({"country": "ZZ"}, "#/country")],
)
def test_unusable_period_is_refused(client: TestClient, body: dict[str, str], pointer: str) -> None:
    refused = begin(Calls(client, "legal"), **body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer), refused.text


def test_published_report_is_listed_downloaded_and_audited(client: TestClient, folder: Path) -> None:
    legal = Calls(client, "legal")
    found = previewed(legal)
    done = legal.post("/v1/reports", preview=found["id"], reason="monthly")
    assert done.status_code == 201, done.text
    [item] = legal.get("/v1/reports").json()["items"]
    assert item == done.json()
    assert previewed(legal, country="IN")["overlaps"] == [item["name"]]
    assert (item["actor"], item["reason"], {one["state"] for one in item["files"]}) == ("legal", "monthly", {"kept"})
    answer = legal.get(f"/v1/reports/{item['name']}/update.txt")
    assert answer.text == found["update"]
    page = legal.get(f"/v1/reports/{item['name']}/report.html")
    assert page.headers["content-disposition"].startswith("attachment;")
    [row] = legal.get("/v1/audit", kind="report_published").json()["items"]
    assert (row["target"], row["actor"], row["reason"], row["country"]) == (item["name"], "legal", "monthly", "*")


def test_publication_is_proved_with_exactly_its_files(client: TestClient, folder: Path) -> None:
    legal = Calls(client, "legal")
    name = legal.post("/v1/reports", preview=previewed(legal)["id"], reason="monthly").json()["name"]
    proof = legal.get(f"/v1/reports/{name}/publication.json")
    assert proof.headers["content-disposition"].endswith(f'"{name}.publication.json"')
    keys = read_keys(str(LOG_KEY.public_key), [str(WITNESS_KEY.public_key)])
    report = (folder / name / "report.json").read_bytes()
    assert published_name(proof.content, report, keys)[0] == name
    with pytest.raises(Refused, match=f"not the one that was published as {name}"):
        published_name(proof.content, report.replace(b'"orders": 0', b'"orders": 1'), keys)
    refused = legal.get("/v1/reports/transparency-x/publication.json")
    assert (refused.status_code, kind_of(refused)) == (404, "not_found")


def test_publication_above_the_checkpoint_has_no_proof_yet(client: TestClient, folder: Path) -> None:
    legal = Calls(client, "legal")
    name = legal.post("/v1/reports", preview=previewed(legal)["id"], reason="monthly").json()["name"]
    cast(InMemoryPublicLog, cast(FastAPI, client.app).state.services.public_log).uncovered = 1
    refused = legal.get(f"/v1/reports/{name}/publication.json")
    assert (refused.status_code, "no published checkpoint covers" in refused.json()["detail"]) == (404, True)


def test_repeated_publication_with_one_key_is_one(client: TestClient, folder: Path) -> None:
    legal = Calls(client, "legal")
    found = previewed(legal)
    answers = [legal.post("/v1/reports", "same", preview=found["id"]) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201]
    assert (answers[0].json(), len(list(folder.iterdir()))) == (answers[1].json(), 1)


def test_changed_file_is_refused(client: TestClient, folder: Path) -> None:
    legal = Calls(client, "legal")
    name = legal.post("/v1/reports", preview=previewed(legal)["id"]).json()["name"]
    (folder / name / "report.csv").write_text("number,value\norders,0\n")
    refused = legal.get(f"/v1/reports/{name}/report.csv")
    assert refused.status_code == 404 and "was changed" in refused.json()["detail"]
    states = {one["name"]: one["state"] for one in legal.get("/v1/reports").json()["items"][0]["files"]}
    assert states["report.csv"] == "changed" and states["update.txt"] == "kept"


@pytest.mark.parametrize("path", ["../../etc/passwd", "%2e%2e/%2e%2e", "transparency-x/report.html", ".hidden/x"])
def test_path_outside_the_publications_is_unknown(client: TestClient, folder: Path, path: str) -> None:
    assert Calls(client, "legal").get(f"/v1/reports/{path}").status_code == 404


def test_without_folder_publication_names_the_setting(client: TestClient, log: InMemoryLog) -> None:
    legal = Calls(client, "legal")
    assert legal.get("/v1/reports").json() == {"items": [], "can_publish": False}
    refused = legal.post("/v1/reports", preview=previewed(legal)["id"])
    assert (refused.status_code, "HUSHTAG_REPORTS" in refused.json()["fix"], log.records) == (422, True, [])


def test_officer_of_one_country_publishes_only_its_reports(configure: Configure, tmp_path: Path) -> None:
    calls = calls_of(configure, limited("legal", countries=("DE",)))
    cast(FastAPI, calls._client.app).state.services.reports.folder = ReportFolder(tmp_path)
    for country, status in (("*", 403), ("IN", 403), ("DE", 201)):
        done = calls.post("/v1/reports", preview=previewed(calls, country=country)["id"], actor="lim")
        assert done.status_code == status, done.text
    assert len(list(tmp_path.iterdir())) == 1


def test_person_with_a_blind_second_look_sees_no_report(client: TestClient, folder: Path) -> None:
    admin = Calls(client, "admin")
    found = previewed(admin)
    name = admin.post("/v1/reports", preview=found["id"]).json()["name"]
    look = next(one for one in admin.get("/v1/cases").json()["items"] if one["blinded"])
    assert admin.post(f"/v1/cases/{look['id']}/claim").status_code == 201
    for path in (f"preview/{found['id']}", f"{name}/report.csv"):
        refused = admin.get(f"/v1/reports/{path}")
        assert (refused.status_code, kind_of(refused)) == (403, "blinded"), path
    assert kind_of(begin(admin)) == "blinded"
    assert kind_of(admin.post("/v1/reports", preview=found["id"])) == "blinded"
