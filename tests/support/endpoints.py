"""Every endpoint of the API: the roles that may call it and a valid body, written out independently of the code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moderation.access.keys import ROLES
from tests.support.api_calls import ORDER_BODY
from tests.support.in_memory_policies import POLICY

REFERENCE, APPEAL, ORDER, CASE = "hushtag-" + "0" * 24, "a" * 16, "IN-0123456789", "case-" + "0" * 16
OTHER_POLICY = POLICY.canonical.replace('"suppress_at":0.55', '"suppress_at":0.6')
ALL_ROLES = set(ROLES)
DECIDERS = {"moderator", "admin"}
LEGAL = {"legal", "admin"}
JUDGES = DECIDERS | LEGAL
ENDPOINTS: Mapping[tuple[str, str], tuple[set[str], dict[str, Any] | None]] = {
    ("GET", "/v1/me"): (ALL_ROLES, None),
    ("POST", "/v1/logout"): (ALL_ROLES, {}),
    ("GET", "/v1/overrides"): (ALL_ROLES, None),
    ("POST", "/v1/overrides"): (DECIDERS, {"hashtag": "t", "action": "block", "if_version": ""}),
    ("POST", "/v1/overrides/undo"): (DECIDERS, {"hashtag": "t", "if_version": ""}),
    ("POST", "/v1/overrides/bulk"): (DECIDERS, {"items": [{"hashtag": "t", "action": "block", "if_version": ""}]}),
    ("GET", "/v1/stop"): (ALL_ROLES, None),
    ("POST", "/v1/pause"): (DECIDERS, {"if_version": ""}),
    ("POST", "/v1/resume"): (DECIDERS, {"if_version": ""}),
    ("GET", "/v1/held"): (ALL_ROLES, None),
    ("GET", "/v1/hashtags"): (ALL_ROLES, None),
    ("GET", "/v1/hashtags/{hashtag}"): (ALL_ROLES, None),
    ("GET", "/v1/hashtags/{hashtag}/statements"): (ALL_ROLES, None),
    ("GET", "/v1/hashtags/{hashtag}/published"): (ALL_ROLES, None),
    ("GET", "/v1/decisions"): (ALL_ROLES, None),
    ("GET", "/v1/policy"): (ALL_ROLES, None),
    ("POST", "/v1/policy/impact"): (DECIDERS, {"policy": POLICY.canonical}),
    ("POST", "/v1/policy/check"): (DECIDERS, {"policy": POLICY.canonical}),
    ("POST", "/v1/policy/impacts"): (DECIDERS, {"policy": POLICY.canonical}),
    ("GET", "/v1/policy/impacts/{job}"): (DECIDERS, None),
    ("GET", "/v1/policy/history"): (ALL_ROLES, None),
    ("GET", "/v1/policy/history/{revision}"): (ALL_ROLES, None),
    ("POST", "/v1/policy/changes"): ({"admin"}, {"policy": OTHER_POLICY, "if_live": "0" * 12}),
    ("POST", "/v1/policy/rollback"): ({"admin"}, {"revision": "0" * 12, "if_live": "0" * 12}),
    ("GET", "/v1/policy/shadow"): (DECIDERS, None),
    ("POST", "/v1/policy/shadow"): ({"admin"}, {"policy": POLICY.canonical, "lasts": "1s"}),
    ("POST", "/v1/policy/shadow/stop"): ({"admin"}, {}),
    ("GET", "/v1/calibration"): (DECIDERS, None),
    ("POST", "/v1/calibration/labels"): (DECIDERS, {"items": [{"text": "good morning", "harmful": False}]}),
    ("POST", "/v1/calibration/impacts"): (DECIDERS, {}),
    ("POST", "/v1/calibration/apply"): ({"admin"}, {"if_live": "0" * 12, "if_scale": "0" * 12}),
    ("POST", "/v1/calibration/rollback"): ({"admin"}, {"if_live": "0" * 12}),
    ("GET", "/v1/speakers"): (JUDGES, None),
    ("GET", "/v1/audit"): (LEGAL, None),
    ("GET", "/v1/audit/state"): (LEGAL, None),
    ("GET", "/v1/audit/{number}"): (LEGAL, None),
    ("GET", "/v1/audit/{number}/proof"): (LEGAL, None),
    ("GET", "/v1/reports"): (LEGAL, None),
    ("POST", "/v1/reports/preview"): (LEGAL, {"from": "2026-01-01", "to": "2026-01-31"}),
    ("GET", "/v1/reports/preview/{run}"): (LEGAL, None),
    ("POST", "/v1/reports"): (LEGAL, {"preview": "unknown"}),
    ("GET", "/v1/reports/{name}/publication.json"): (LEGAL, None),
    ("GET", "/v1/reports/{name}/{file}"): (LEGAL, None),
    ("GET", "/v1/people"): ({"admin"}, None),
    ("POST", "/v1/people/keys"): ({"admin"}, {"name": "new", "role": "reader"}),
    ("POST", "/v1/people/sessions/{session}/end"): ({"admin"}, {}),
    ("GET", "/v1/cases"): (DECIDERS, None),
    ("GET", "/v1/cases/agreement"): (ALL_ROLES, None),
    ("GET", "/v1/cases/{case}"): (DECIDERS, None),
    ("GET", "/v1/cases/{case}/texts"): (DECIDERS, None),
    ("GET", "/v1/cases/{case}/sample"): (DECIDERS, None),
    ("POST", "/v1/cases/{case}/markings"): (DECIDERS, {"tweet": "1", "mark": "news"}),
    ("GET", "/v1/cases/{case}/presence"): (DECIDERS, None),
    ("POST", "/v1/cases/{case}/presence"): (DECIDERS, {}),
    ("GET", "/v1/cases/{case}/crowd"): (DECIDERS, None),
    ("GET", "/v1/exposure"): (DECIDERS, None),
    ("POST", "/v1/cases/bulk"): (DECIDERS, {"cases": [{"case": CASE}], "verdict": "hide"}),
    ("POST", "/v1/cases/bulk/undo"): (DECIDERS, {"cases": [CASE]}),
    ("POST", "/v1/cases/{case}/claim"): (DECIDERS, {}),
    ("POST", "/v1/cases/{case}/take-over"): ({"admin"}, {}),
    ("POST", "/v1/cases/{case}/heartbeat"): (DECIDERS, {}),
    ("POST", "/v1/cases/{case}/skip"): (DECIDERS, {"why": "language"}),
    ("POST", "/v1/cases/{case}/answer"): (DECIDERS, {"answer": "hide"}),
    ("POST", "/v1/cases/{case}/decision"): (DECIDERS, {"verdict": "hide"}),
    ("POST", "/v1/cases/{case}/undo"): (DECIDERS, {}),
    ("POST", "/v1/cases/{case}/notes"): (DECIDERS, {}),
    ("POST", "/v1/cases/{case}/escalation"): (DECIDERS, {"team": "legal"}),
    ("GET", "/v1/appeals"): (ALL_ROLES, None),
    ("POST", "/v1/appeals"): (JUDGES, {"reference": REFERENCE}),
    ("POST", "/v1/appeals/{appeal}/outcome"): (JUDGES, {"verdict": "uphold"}),
    ("GET", "/v1/orders"): (LEGAL, None),
    ("POST", "/v1/orders"): (LEGAL, ORDER_BODY),
    ("POST", "/v1/orders/text"): (
        LEGAL,
        {name: one for name, one in ORDER_BODY.items() if name != "targets"} | {"text": "7"},
    ),
    ("GET", "/v1/orders/{order}"): (LEGAL, None),
    ("GET", "/v1/orders/{order}/targets"): (LEGAL, None),
    ("GET", "/v1/orders/{order}/notice"): (LEGAL, None),
    ("GET", "/v1/orders/{order}/published"): (LEGAL, None),
    ("POST", "/v1/orders/{order}/notes"): (LEGAL, {}),
    ("POST", "/v1/orders/{order}/steps"): (LEGAL, {"to": "acknowledged", "if_version": ""}),
    ("POST", "/v1/orders/{order}/amendments"): (LEGAL, {"drop": "7", "if_version": ""}),
    ("POST", "/v1/orders/{order}/amendments/{amendment}/verdict"): (LEGAL, {"verdict": "approve", "if_version": ""}),
    ("POST", "/v1/orders/{order}/rulings"): (LEGAL, {"outcome": "declined", "everything": True, "if_version": ""}),
}
"""Roles and a valid body of each method and path; None: it takes none."""
STREAMS = {("GET", "/v1/events")}
"""Endpoints without an end, which have tests of their own."""
WITHOUT_ACTOR = {
    "/v1/calibration/impacts",
    "/v1/policy/check",
    "/v1/policy/impacts",
    "/v1/policy/shadow/stop",
    "/v1/policy/impact",
    "/v1/reports/preview",
    "/v1/people/keys",
}
"""Endpoints whose body has no actor and no reason."""
