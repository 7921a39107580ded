"""The pause switch through the HTTP API: who pauses, sees and resumes."""

from http import HTTPStatus
from urllib.parse import quote

import pytest

from tests.functional.app.lonely import Lonely
from tests.functional.app.test_health import checks

pytestmark = pytest.mark.rig


def test_a_pause_is_seen_wherever_people_look_until_it_is_taken_back(lonely: Lonely) -> None:
    api = lonely.api
    paused = api.send_json("PUT", "/api/fleet/pause", {"reason": "Azure is down", "by": "ada"})
    assert (paused.status, paused.json) == (
        HTTPStatus.OK,
        {"says": "the fleet is paused by a key holder said to be ada: Azure is down", "untold": []},
    )
    assert api.get("/api/workloads").json["paused"]["by"] == "a key holder said to be ada"
    assert "paused" in checks(api.get("/api/health"))["fleet"]["says"]
    history = api.get("/api/workloads/demo").json["events"]
    assert [event["kind"] for event in history if event["kind"].startswith("fleet")] == ["fleet_paused"]

    refused = api.send("DELETE", f"/api/fleet/pause?by={'x' * 501}")
    assert refused.status == HTTPStatus.BAD_REQUEST
    assert api.get("/api/fleet").json["paused"] is not None

    resumed = api.send("DELETE", f"/api/fleet/pause?by={quote('Ada & co')}")
    assert resumed.json["says"] == "the fleet is resumed by a key holder said to be Ada & co"
    assert checks(api.get("/api/health"))["fleet"]["ok"]
    assert api.send("DELETE", "/api/fleet/pause").json["says"] == "the fleet was not paused"
