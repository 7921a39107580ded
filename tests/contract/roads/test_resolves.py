"""`ResolvesChecker` against real resolvers on the wire: who agrees, who does not, and who says nothing."""

import io
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import IPv4Address
from time import monotonic
from typing import Any

import dns.resolver
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.azure_simulator import config as simulated
from local.azure_simulator.dns_zones.config import DnsZoneConfig, RecordSetConfig
from local.azure_simulator.launch import RunningSimulator, launch_simulator
from local.azure_simulator.name_servers.config import NameServersConfig
from local.azure_simulator.traffic_manager.config import EndpointConfig, EndpointType, ProfileConfig, RoutingMethod
from shared.adapters.checks.resolves import ResolvesChecker
from shared.model.policy_verify import ResolvesCheck
from shared.ports import CheckResult, Expected
from tests.contract.roads.world import site_with, wait_until
from tests.fakes.clock import NOON
from tests.fakes.policies import policy

_EXPECTED = Expected(known_good="b1", since=NOON)
_ADDRESSES = st.sets(st.integers(1, 9).map(lambda last: f"198.51.100.{last}"), min_size=1, max_size=6)
type Ask = Callable[..., CheckResult]


def make_config() -> simulated.SimulatorConfig:
    records = [
        RecordSetConfig(name="www", cname="shop.trafficmanager.net"),
        RecordSetConfig(name="api", a=[IPv4Address("192.0.2.10"), IPv4Address("192.0.2.11")]),
        RecordSetConfig(name="many", a=[IPv4Address(f"203.0.113.{last}") for last in range(1, 21)]),
    ]
    ranked = [
        EndpointConfig(name="second", target="shop", type=EndpointType.NESTED, priority=2),
        EndpointConfig(name="first", target="192.0.2.30", priority=1),
    ]
    return simulated.SimulatorConfig(
        sites=[site_with()],
        traffic_manager_profiles=[
            ProfileConfig(name="shop", endpoints=[EndpointConfig(name="blue", target="Blue.example.net")]),
            ProfileConfig(name="ranked", endpoints=ranked, routing=RoutingMethod.PRIORITY),
        ],
        dns_zones=[DnsZoneConfig(name="example.com", records=records)],
        name_servers=NameServersConfig(hosts={"blue.example.net": IPv4Address("192.0.2.20")}),
        timings=simulated.Timings(dns_propagation_s=0.0, dns_stagger_s=0.0),
    )


@pytest.fixture(scope="module")
def launched() -> Iterator[RunningSimulator]:
    with launch_simulator(make_config()) as simulator:
        yield simulator


@pytest.fixture
def simulator(launched: RunningSimulator) -> RunningSimulator:
    for number in range(len(launched.resolvers)):
        launched.control("PUT", f"/resolvers/{number}", {"mode": "normal"})
    launched.control("DELETE", "/resolvers/caches")
    return launched


@pytest.fixture(scope="module")
def checker() -> Iterator[ResolvesChecker]:
    with ThreadPoolExecutor(4) as pool:
        yield ResolvesChecker(pool)


@pytest.fixture
def ask(simulator: RunningSimulator, checker: ResolvesChecker) -> Ask:
    """Check a name by all resolvers of the simulator, or by those that are given."""

    def ask(
        name: str, *to: str, resolvers: tuple[str, ...] = simulator.resolvers, within_s: float = 2.0
    ) -> CheckResult:
        # Past the model, which takes no timeout below a second and no address without its form.
        check = ResolvesCheck(resolves=name, to=to).model_copy(
            update={"resolvers": resolvers, "timeout": timedelta(seconds=within_s)}
        )
        return checker.check(policy(), check, _EXPECTED)

    return ask


def misbehave(simulator: RunningSimulator, mode: str, number: int = 1) -> str:
    simulator.control("PUT", f"/resolvers/{number}", {"mode": mode})
    return simulator.resolvers[number]


def evidence(result: CheckResult, resolver: str) -> Any:
    return result.evidence["resolvers"][resolver]


def test_when_all_agree_it_passed_and_the_evidence_tells_the_chain(simulator: RunningSimulator, ask: Ask) -> None:
    result = ask("www.example.com", "blue.example.net")
    assert result.passed is True
    assert result.note == "www.example.com leads to blue.example.net: 3 of 3 resolvers agree"
    heard = evidence(result, simulator.resolvers[0])
    assert heard["answers"] == ["shop.trafficmanager.net", "blue.example.net", "192.0.2.20"]
    assert 0 < heard["ttl"] <= 30
    assert heard["ms"] > 0


@pytest.mark.parametrize("name", ["www.example.com", "WWW.Example.COM"])
@pytest.mark.parametrize("to", ["blue.example.net", "Blue.Example.NET.", "SHOP.trafficmanager.net", "192.0.2.20"])
def test_any_link_of_the_chain_will_do_in_any_case_with_or_without_its_dot(ask: Ask, name: str, to: str) -> None:
    assert ask(name, to).passed is True


@pytest.mark.parametrize(
    ("to", "passed"),
    [
        (("192.0.2.10", "192.0.2.11"), True),
        (("192.0.2.10", "192.0.2.11", "192.0.2.12"), True),
        (("192.0.2.10",), False),
        (("192.0.2.12",), False),
        (("green.example.net",), False),
        (("green.example.net", "192.0.2.10", "192.0.2.11"), True),
        (("api.example.com",), False),
    ],
)
def test_addresses_must_all_be_expected(ask: Ask, to: tuple[str, ...], passed: bool) -> None:
    assert ask("api.example.com", *to).passed is passed


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(there=_ADDRESSES, expected=_ADDRESSES)
def test_it_passes_if_and_only_if_no_address_is_outside(
    simulator: RunningSimulator, ask: Ask, there: set[str], expected: set[str]
) -> None:
    simulator.control("PUT", "/dns_zones/example.com", {"name": "drawn", "a": sorted(there)})
    simulator.control("DELETE", "/resolvers/caches")
    assert ask("drawn.example.com", *sorted(expected)).passed is (there <= expected)


def test_one_resolver_that_still_tells_the_old_answer_is_named(simulator: RunningSimulator, ask: Ask) -> None:
    simulator.control("PUT", "/dns_zones/example.com", {"name": "moved", "cname": "green.example.net", "ttl_s": 1})
    late = misbehave(simulator, "stale")
    assert ask("moved.example.com", "blue.example.net").passed is False
    simulator.control("PUT", "/dns_zones/example.com", {"name": "moved", "cname": "blue.example.net"})
    others = tuple(each for each in simulator.resolvers if each != late)
    # The others keep the old answer for its second.
    wait_until(lambda: bool(ask("moved.example.com", "blue.example.net", resolvers=others).passed))
    result = ask("moved.example.com", "blue.example.net")
    assert (result.passed, result.unanswered) == (False, False)
    assert result.note == (
        "moved.example.com must lead to blue.example.net and nothing else: 2 of 3 resolvers agree; "
        f"{late} answers green.example.net -> 192.0.2.1"
    )


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("timeout", "did not answer within 0.4 s"),
        ("refused", "refused or failed to answer"),
        ("servfail", "refused or failed to answer"),
        ("nxdomain", "says that there is no such name"),
    ],
)
def test_a_resolver_that_gives_no_answer_has_not_agreed(
    simulator: RunningSimulator, ask: Ask, mode: str, words: str
) -> None:
    silent = misbehave(simulator, mode)
    result = ask("www.example.com", "blue.example.net", within_s=0.4)
    assert result.passed is False
    assert result.unanswered is (mode != "nxdomain")
    assert f"2 of 3 resolvers agree; {silent} {words}" in result.note
    assert evidence(result, silent)["problem"] == words
    assert evidence(result, simulator.resolvers[0])["problem"] == ""


def test_an_answer_that_is_too_long_for_a_datagram_is_asked_for_again(simulator: RunningSimulator, ask: Ask) -> None:
    misbehave(simulator, "truncate")
    assert ask("many.example.com", *(f"203.0.113.{last}" for last in range(1, 21))).passed is True


def test_a_name_that_is_there_without_an_address_has_not_agreed(simulator: RunningSimulator, ask: Ask) -> None:
    simulator.control("PUT", "/traffic_manager/shop/blue", {"status": "Disabled"})
    try:
        result = ask("shop.trafficmanager.net", "192.0.2.20")
    finally:
        simulator.control("PUT", "/traffic_manager/shop/blue", {"status": "Enabled"})
    assert result.passed is False
    assert "answers no address" in result.note


def test_a_name_leads_to_the_first_of_the_ranks_that_is_healthy_be_it_a_profile_itself(
    simulator: RunningSimulator, ask: Ask
) -> None:
    assert ask("ranked.trafficmanager.net", "192.0.2.30").passed is True
    simulator.control("PUT", "/traffic_manager/ranked/first", {"health": "Degraded"})
    simulator.control("DELETE", "/resolvers/caches")
    result = ask("ranked.trafficmanager.net", "blue.example.net")
    assert result.passed is True
    assert evidence(result, simulator.resolvers[0])["answers"] == ["blue.example.net", "192.0.2.20"]


def test_all_are_asked_at_once_and_none_is_waited_for_longer_than_the_check_allows(
    simulator: RunningSimulator, ask: Ask
) -> None:
    for number in range(len(simulator.resolvers)):
        misbehave(simulator, "timeout", number)
    begun = monotonic()
    result = ask("www.example.com", "blue.example.net", within_s=0.5)
    assert monotonic() - begun < 1.2
    assert (result.passed, "0 of 3 resolvers agree" in result.note) == (False, True)


@pytest.mark.parametrize("resolver", ["1.2.3", "127.0.0.1@99999", "127.0.0.1@0"])
def test_an_address_that_is_none_is_a_result(ask: Ask, resolver: str) -> None:
    result = ask("www.example.com", "blue.example.net", resolvers=(resolver,), within_s=0.3)
    assert result.passed is False
    assert resolver in result.note


def test_a_port_where_nobody_listens_is_a_result(ask: Ask) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert ask("www.example.com", "blue.example.net", resolvers=(f"127.0.0.1@{port}",), within_s=0.3).passed is False


def test_a_name_that_cannot_be_is_a_result(ask: Ask) -> None:
    result = ask("www..example.com", "blue.example.net")
    assert (result.passed, "could not be asked: EmptyLabel" in result.note) == (False, True)


def test_a_note_stays_short_however_many_disagree(ask: Ask) -> None:
    dead = tuple(f"127.0.0.{last}@9" for last in range(2, 7))
    result = ask("www.example.com", "blue.example.net", resolvers=dead, within_s=0.2)
    assert result.note.endswith("; and 2 more")
    assert len(result.evidence["resolvers"]) == len(dead)


def _configured_by(monkeypatch: pytest.MonkeyPatch, text: str, port: int) -> None:
    """Have this machine's resolver configured by a file of ours; such a file cannot name a port."""
    read = dns.resolver.Resolver.read_resolv_conf

    def read_ours(resolver: dns.resolver.Resolver, _: Any) -> None:
        read(resolver, io.StringIO(text))
        resolver.port = port

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", read_ours)


def test_without_resolvers_the_systems_own_is_asked(
    simulator: RunningSimulator, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, port = simulator.resolvers[0].split("@")
    _configured_by(monkeypatch, f"search nowhere.test\nnameserver {address}\n", int(port))
    result = ask("www.example.com", "blue.example.net", resolvers=())
    assert result.passed is True
    assert evidence(result, "the system's resolver")["answers"][-1] == "192.0.2.20"


def test_a_machine_without_a_resolver_is_a_result(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    _configured_by(monkeypatch, "# nothing\n", 53)
    result = ask("www.example.com", "blue.example.net", resolvers=())
    assert (result.passed, "is not configured on this machine" in result.note) == (False, True)
