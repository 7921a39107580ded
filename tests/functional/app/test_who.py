"""Who did what, from outside: names that are proved, an audit that can be checked, settings that are wrong."""

import json
import subprocess
import sys
from base64 import b64encode
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import pytest

from local.entra_issuer.outages import Mode
from tests.functional.app.http_client import JSON_MEDIA, Answer, Api
from tests.functional.app.problems import refusal, told
from tests.functional.app.tenant_app import WORKLOAD, TenantApp, tenant_app
from tests.functional.app.test_health import checks
from tests.functional.app.waiting import wait_until

pytestmark = pytest.mark.rig

OTTO = "otto@rig.example"
KNOWN_GOOD = f"/api/workloads/{WORKLOAD}/known-good"


def record(api: Api, **more: str) -> Answer:
    """Record a build as known to be good."""
    return api.send_json("PUT", KNOWN_GOOD, {"build": "b7", **more})


def test_an_act_is_recorded_by_the_name_that_is_proved(tenant: TenantApp) -> None:
    otto = tenant.of("otto")
    assert record(otto).json["recorded_by"] == OTTO
    assert record(otto, recorded_by="Otto@Rig.Example").json["recorded_by"] == OTTO
    reason = refusal(record(otto, recorded_by="anna@rig.example"), HTTPStatus.BAD_REQUEST)
    assert reason == f"recorded_by: expected your own name, {OTTO}, or none"
    resumed = otto.send("DELETE", f"/api/fleet/pause?by={quote('somebody else')}")
    assert refusal(resumed, HTTPStatus.BAD_REQUEST) == f"by: expected your own name, {OTTO}, or none"


def test_somebody_called_watch_is_not_the_watch(tenant: TenantApp) -> None:
    watch = tenant.of("otto", claims={"preferred_username": "Watch"})
    assert record(watch).json["recorded_by"] == "a caller named Watch"


def test_what_the_token_lacks_is_said(tenant: TenantApp) -> None:
    answer = tenant.api.get("/api/workloads")
    assert refusal(answer, HTTPStatus.UNAUTHORIZED) == f"expected a bearer token of tenant {tenant.issuer.tenant_id}"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    forbidden = record(tenant.of("vera"))
    assert refusal(forbidden, HTTPStatus.FORBIDDEN) == "you may not do this; expected the role operator"


def principal(app: TenantApp, role: str) -> dict[str, str]:
    """The header with which App Service says who signed in."""
    given = {"tid": app.issuer.tenant_id, "oid": "10000000-0000-4000-8000-000000000002", "roles": role, "name": "Otto"}
    claims = [{"typ": kind, "val": value} for kind, value in given.items()]
    document = json.dumps({"auth_typ": "aad", "claims": claims}).encode()
    return {"X-MS-CLIENT-PRINCIPAL": b64encode(document).decode()}


def test_easy_auths_header_counts_when_it_is_on_and_not_else(tenant: TenantApp, tmp_path: Path) -> None:
    body = b'{"build": "b7"}'
    forged = tenant.api.send("PUT", KNOWN_GOOD, body, {**JSON_MEDIA, **principal(tenant, "Operator")})
    assert forged.status == HTTPStatus.UNAUTHORIZED
    with tenant_app(tmp_path, {"EASY_AUTH": "true"}) as app:
        signed_in = app.api.send("PUT", KNOWN_GOOD, body, {**JSON_MEDIA, **principal(app, "Operator")})
        assert (signed_in.status, signed_in.json["recorded_by"]) == (HTTPStatus.OK, "Otto")
        viewer = app.api.send("PUT", KNOWN_GOOD, body, {**JSON_MEDIA, **principal(app, "Viewer")})
        assert viewer.status == HTTPStatus.FORBIDDEN
        assert [row["proof"] for row in app.of("vera").get("/api/audit").json["rows"]] == ["easy_auth"] * 2


def test_the_audit_holds_who_did_and_who_tried_and_can_be_checked(tenant: TenantApp, tmp_path: Path) -> None:
    otto, vera = tenant.of("otto"), tenant.of("vera")
    before = vera.get("/api/audit").json["head"]["n"]
    otto.send("PUT", KNOWN_GOOD, b'{"build": "b8"}', {**JSON_MEDIA, "X-Forwarded-For": "1.1.1.1, 203.0.113.9"})
    record(vera)
    tenant.api.send_json("PUT", KNOWN_GOOD, {"build": "b9"})  # by nobody
    otto.send("PUT", KNOWN_GOOD, b"no JSON", JSON_MEDIA)

    page = vera.get(f"/api/audit?workload={WORKLOAD}").json
    assert page["head"]["n"] == before + 3
    assert (page["intact"], page["says"]) == (True, [])
    bad, forbidden, done = page["rows"][:3]
    assert (done["who"], done["proof"], done["origin"]) == (OTTO, "token", "203.0.113.9")
    assert (done["act"], done["target"], done["detail"]) == ("known_good.record", WORKLOAD, {"build": "b8"})
    assert (done["ok"], done["outcome"]) == (True, "build b8 is the known good")
    assert (forbidden["who"], forbidden["ok"], forbidden["detail"]) == ("vera@rig.example", False, {})
    assert bad["outcome"].startswith("body: not valid JSON")

    saved = tmp_path / "audit.json"
    whole = vera.get("/api/audit?limit=500").json
    assert verified(saved, whole) == 0
    whole["rows"][0]["who"] = "somebody@else.example"
    assert verified(saved, whole) == 1


def verified(file: Path, page: object) -> int:
    """Return what the command says of a saved audit."""
    file.write_text(json.dumps(page))
    command = [sys.executable, "-m", "shared.audit", "verify", str(file)]
    return subprocess.run(command, capture_output=True, check=False).returncode  # noqa: S603  # our own module


def test_the_oldest_pages_are_found_by_the_newest(tenant: TenantApp) -> None:
    vera = tenant.of("vera")
    for build in ("b1", "b2", "b3"):
        tenant.of("otto").send_json("PUT", KNOWN_GOOD, {"build": build})
    newest = vera.get("/api/audit?limit=2").json
    older = vera.get(f"/api/audit?limit=2&before={newest['next_before']}").json
    assert older["rows"][0]["n"] == newest["rows"][-1]["n"] - 1
    for asked in ("limit=0", "limit=501", "before=0", "before=x", "workload=No%20Name"):
        assert refusal(vera.get(f"/api/audit?{asked}"), HTTPStatus.BAD_REQUEST).startswith(asked.partition("=")[0])


def test_a_wrong_setting_lets_nobody_in_and_stops_no_timer(tmp_path: Path) -> None:
    with tenant_app(tmp_path, {"ENTRA_AUDIENCES": " , "}) as app:
        for api in (app.api, app.of("otto")):
            reason = told(api.get("/api/workloads"))
            assert reason.startswith("ENTRA_AUDIENCES: no audience is set")
        assert checks(app.api.get("/api/health"))["policies"]["says"] == reason
        admin = replace(app.api, key=app.master_key)
        assert admin.send("POST", "/admin/functions/watch", b"{}").status == HTTPStatus.ACCEPTED
        wait_until(lambda: checks(app.api.get("/api/health"))["watch"]["ok"])


def test_a_tenant_whose_keys_cannot_be_had_lets_nobody_in_for_now(tmp_path: Path) -> None:
    with tenant_app(tmp_path) as app:
        app.issuer.answer_keys(Mode.UNAVAILABLE)
        answer = app.of("otto").get("/api/workloads")
        assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
        assert told(answer).startswith("the tenant's signing keys cannot be had now")
        assert int(answer.headers["Retry-After"]) >= 1
