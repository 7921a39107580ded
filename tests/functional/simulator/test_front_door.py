"""The front door: routing by pin and percentage, connections that outlive a swap, and sites that cannot answer."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
from azure.mgmt.web.models import RampUpRule

from tests.functional.simulator.conftest import GROUP, Azure


def route(azure: Azure, percent: float) -> None:
    host = "demo-last-good.azurewebsites.net"
    azure.route(RampUpRule(name="x", action_host_name=host, reroute_percentage=percent))


def build_of(answer: httpx.Response) -> str:
    build: str = answer.headers["x-build-id"]
    return build


def test_a_kept_connection_sees_the_new_build_after_the_swap(azure: Azure) -> None:
    with azure.site() as visitor:
        with visitor.stream("GET", "/") as first:
            connection = first.extensions["network_stream"].get_extra_info("client_addr")
            first.read()
        assert build_of(first) == "b2"
        azure.swap()
        with visitor.stream("GET", "/") as second:
            assert second.extensions["network_stream"].get_extra_info("client_addr") == connection
            second.read()
        assert build_of(second) == "b1"


def test_no_request_fails_while_a_swap_switches(azure: Azure) -> None:
    azure.control("PUT", "/timings", {"swap_s": 0.4})
    with azure.site() as visitor, ThreadPoolExecutor(1) as pool:
        swap = pool.submit(azure.swap)
        answers = []
        while not swap.done():
            answers.append(visitor.get("/orders"))
        swap.result()
        answers.append(visitor.get("/orders"))
    builds = [build_of(answer) for answer in answers]
    assert {answer.status_code for answer in answers} == {200}
    assert builds == sorted(builds, reverse=True), "b2 until one instant, b1 from then on"
    assert set(builds) == {"b1", "b2"}


def test_a_query_pins_and_the_cookie_keeps_the_pin(azure: Azure) -> None:
    route(azure, 0.0)
    with azure.site() as visitor:
        pinned = visitor.get("/?x-ms-routing-name=last-good")
        assert build_of(pinned) == "b1"
        assert "x-ms-routing-name=last-good; Max-Age=3600" in pinned.headers["Set-Cookie"]
        assert build_of(visitor.get("/")) == "b1"
        assert build_of(visitor.get("/?x-ms-routing-name=self")) == "b2"
        assert build_of(visitor.get("/")) == "b2"


def test_a_client_stays_pinned_when_the_percentage_goes_to_zero(azure: Azure) -> None:
    route(azure, 100.0)
    with azure.site() as visitor:
        assert build_of(visitor.get("/")) == "b1"
        route(azure, 0.0)
        assert build_of(visitor.get("/")) == "b1"
        with azure.site() as newcomer:
            assert build_of(newcomer.get("/")) == "b2"


def test_without_a_rule_neither_query_nor_cookie_leads_to_a_slot(azure: Azure) -> None:
    with azure.site() as visitor:
        assert build_of(visitor.get("/?x-ms-routing-name=last-good")) == "b2"
        assert build_of(visitor.get("/", headers={"Cookie": "x-ms-routing-name=last-good"})) == "b2"


def test_the_percentage_is_kept(azure: Azure) -> None:
    route(azure, 30.0)
    with azure.site() as visitor:
        builds: Counter[str] = Counter()
        for _ in range(200):
            builds[build_of(visitor.get("/"))] += 1
            visitor.cookies.clear()
    assert 35 <= builds["b1"] <= 85


def test_without_rules_no_cookie_is_set(azure: Azure) -> None:
    with azure.site() as visitor:
        assert "Set-Cookie" not in visitor.get("/").headers


def test_a_stopped_site_answers_as_app_service_does(azure: Azure) -> None:
    apps = azure.apps
    apps.stop(GROUP, "demo")
    with azure.site() as visitor:
        stopped = visitor.get("/")
        apps.start(GROUP, "demo")
        assert (stopped.status_code, "web app is stopped" in stopped.text) == (403, True)
        assert visitor.get("/").status_code == 200


def test_a_restarting_slot_is_cold(azure: Azure) -> None:
    azure.control("PUT", "/timings", {"restart_s": 0.3})
    azure.apps.restart(GROUP, "demo")
    with azure.site() as visitor:
        assert visitor.get("/").status_code == 503
        while azure.state()["slots"]["production"]["cold"]:
            time.sleep(0.05)
        assert visitor.get("/").status_code == 200


def test_a_hanging_build_ends_in_504(azure: Azure) -> None:
    azure.control("PUT", "/timings", {"front_door_timeout_s": 0.3})
    azure.control("PUT", "/builds/b2/faults", {"hang_share": 1.0})
    with azure.site() as visitor:
        assert visitor.get("/").status_code == 504


def test_a_dead_build_is_503_until_it_is_healed(azure: Azure) -> None:
    azure.control("PUT", "/builds/b2/faults", {"die": True})
    with azure.site() as visitor:
        assert visitor.get("/").status_code == 503
        assert azure.state()["slots"]["production"]["alive"] is False
        azure.control("DELETE", "/builds/b2/faults")
        assert visitor.get("/").status_code == 200


def test_a_build_fails_its_share_and_is_slow(azure: Azure) -> None:
    azure.control("PUT", "/builds/b2/faults", {"fail_share": 0.3, "status": 502, "delay_ms": 5, "seed": 4})
    with azure.site() as visitor:
        answers = [visitor.get("/orders") for _ in range(100)]
    failed = sum(answer.status_code == 502 for answer in answers)
    assert 15 <= failed <= 45
    assert min(answer.elapsed.total_seconds() for answer in answers) >= 0.005
    assert {build_of(answer) for answer in answers} == {"b2"}


def test_bodies_methods_and_paths_arrive_whole(azure: Azure) -> None:
    with azure.site() as visitor:
        answer = visitor.post("/a%20b/c?x=1&y=%2F", content=b"x" * 3_000_000)
    assert answer.json()["method"] == "POST"
    assert answer.json()["path"] == "/a b/c"


def test_deploying_is_seamless_and_not_an_arm_call(azure: Azure) -> None:
    posts_before = azure.control("GET", "/state")["swap_posts_total"]
    with azure.site() as visitor, ThreadPoolExecutor(1) as pool:
        body = {"slot": "production", "build": "b3"}
        deploying = pool.submit(azure.control, "POST", "/sites/demo/deploy", body)
        statuses = set()
        while not deploying.done():
            statuses.add(visitor.get("/").status_code)
        assert build_of(visitor.get("/")) == "b3"
    assert statuses == {200}
    assert azure.state()["slots"]["production"]["settings"]["BUILD_ID"] == "b3"
    assert azure.control("GET", "/state")["swap_posts_total"] == posts_before
