"""`DnsZoneRouting` against the simulator: what it sees, what it writes, whom it does not overwrite, what goes wrong."""

from datetime import timedelta
from ipaddress import IPv4Address
from typing import Any

import pytest
from azure.mgmt.dns.models import AaaaRecord, ARecord, RecordSet, SubResource, TxtRecord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import Busy, OutcomeUnknown, PermanentError, TransientError
from shared.model.policy_roads import DnsRoad, Records
from tests.contract.roads.conftest import Launch
from tests.contract.roads.dns_world import (
    BAD_ADDRESS,
    GOOD_ADDRESSES,
    TTL_S,
    Zone,
    dns_world,
    is_seen_good,
    set_record,
)
from tests.contract.roads.lookup import looked_up
from tests.contract.roads.world import RoadWorld, wait_until

_ADDRESSES = st.lists(st.integers(1, 40).map(lambda last: f"198.51.100.{last}"), min_size=1, max_size=20, unique=True)
_NEW_A, _NEW_CNAME = Records(a=(IPv4Address("192.0.2.1"),)), Records(cname="blue.example.net")


@pytest.fixture(scope="module")
def launch() -> Launch:
    return dns_world


@pytest.fixture
def zone(world: RoadWorld[DnsRoad]) -> Zone:
    for name in ("new", "@", "*"):
        world.simulator.control("DELETE", f"/dns_zones/example.com/{name}")
    return Zone(world)


def test_a_look_tells_what_is_set(zone: Zone) -> None:
    assert zone.look().shown["api"] == {"kind": "A", "values": [BAD_ADDRESS], "ttl": TTL_S, "alias": False}


def test_every_record_set_leads_where_it_must_and_others_stay(zone: Zone) -> None:
    other = zone.held("CNAME", "other")
    zone.establish()
    assert zone.look().established
    assert zone.held("CNAME", "www")["CNAMERecord"] == {"cname": "blue.example.net"}
    assert zone.held("A", "api")["ARecords"] == [{"ipv4Address": each} for each in GOOD_ADDRESSES]
    assert zone.held("CNAME", "other") == other


def test_name_servers_and_caches_tell_it_late(zone: Zone) -> None:
    zone.timings(dns_propagation_s=0.4, dns_stagger_s=0.0)
    zone.establish()
    assert not is_seen_good(zone.simulator)
    wait_until(zone.world.seen_good)


def test_a_name_is_the_same_in_any_case_and_with_its_dot(zone: Zone) -> None:
    zone.establish()
    set_record(zone.simulator, name="www", cname="BLUE.example.net.")
    zone.establish(lambda: pytest.fail("nothing is to be changed"))


@pytest.mark.parametrize(
    "drift",
    [
        {"name": "www", "cname": "green.example.net"},
        {"name": "www", "cname": "blue.example.net", "ttl_s": 3600},
        {"name": "api", "a": GOOD_ADDRESSES[:1]},
        {"name": "api", "a": [*GOOD_ADDRESSES, BAD_ADDRESS]},
    ],
    ids=str,
)
def test_a_change_by_somebody_else_is_seen_and_taken_back_by_one_write(zone: Zone, drift: dict[str, Any]) -> None:
    zone.establish()
    set_record(zone.simulator, **drift)
    before = zone.world.effects()
    assert not zone.look().established
    zone.establish()
    assert zone.look().established
    assert zone.world.effects() == before + 1


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(there=_ADDRESSES, wanted=_ADDRESSES, ttl_s=st.integers(1, 86_400))
def test_addresses_become_those_that_are_wanted_and_no_others(
    zone: Zone, there: list[str], wanted: list[str], ttl_s: int
) -> None:
    set_record(zone.simulator, name="new", a=there)
    records = {"new": Records(a=tuple(map(IPv4Address, wanted)))}
    ttl = timedelta(seconds=ttl_s)
    assert zone.look(records=records, ttl=ttl).established is (set(there) == set(wanted) and ttl_s == TTL_S)
    zone.establish(records=records, ttl=ttl)
    held = zone.held("A", "new")
    assert ({each["ipv4Address"] for each in held["ARecords"]}, held["TTL"]) == (set(wanted), ttl_s)
    assert zone.look(records=records, ttl=ttl).established


def test_notes_that_people_attached_stay(zone: Zone) -> None:
    zone.write("A", "api", RecordSet(ttl=5, metadata={"owner": "ops"}, a_records=[ARecord(ipv4_address=BAD_ADDRESS)]))
    zone.establish()
    assert zone.held("A", "api")["metadata"] == {"owner": "ops"}


def test_an_alias_is_not_what_is_wanted_even_if_it_leads_there_now(zone: Zone) -> None:
    profile = zone.road.dns.replace("dnszones/example.com", "trafficManagerProfiles/shop")
    addresses = [ARecord(ipv4_address=address) for address in GOOD_ADDRESSES]
    zone.write("A", "api", RecordSet(ttl=TTL_S, target_resource=SubResource(id=profile), a_records=addresses))
    zone.establish(records={"www": _NEW_CNAME})
    assert not zone.look().established
    assert zone.look().shown["api"]["alias"]
    zone.establish()
    assert "targetResource" not in zone.held("A", "api")
    assert zone.look().established


def test_a_name_that_does_not_exist_is_made(zone: Zone) -> None:
    records = {"new": _NEW_CNAME}
    assert zone.look(records=records).shown == {"new": {"kind": "CNAME", "values": [], "rivals": []}}
    zone.establish(records=records)
    assert zone.look(records=records).established


def test_addresses_at_the_top_of_the_zone_and_wildcards_are_names_too(zone: Zone) -> None:
    records = {"@": _NEW_A, "*": _NEW_CNAME}
    zone.establish(records=records)
    assert zone.look(records=records).established
    zone.timings(dns_propagation_s=0.0, dns_stagger_s=0.0)
    assert looked_up(zone.simulator, "example.com") == {"192.0.2.1"}
    assert looked_up(zone.simulator, "whatever.example.com") == {"blue.example.net"}


def test_the_zone_itself_cannot_be_a_cname(zone: Zone) -> None:
    records, before = {"@": _NEW_CNAME}, zone.world.effects()
    why_not = "the zone example.com itself cannot be a CNAME: Azure DNS takes addresses there"
    assert zone.look(records=records).why_not == why_not
    with pytest.raises(PermanentError, match="cannot be a CNAME"):
        zone.establish(records=records)
    assert zone.world.effects() == before


@pytest.mark.parametrize(
    ("there", "wanted", "kind"),
    [
        ({"cname": "old.example.net"}, _NEW_A, "CNAME"),
        ({"a": ["192.0.2.1"]}, _NEW_CNAME, "A"),
        (None, _NEW_CNAME, "TXT"),
    ],
    ids=["CNAME", "A", "TXT"],
)
def test_a_record_of_another_kind_in_the_way_is_left_to_people_and_refused_where_no_look_saw_it(
    zone: Zone, there: dict[str, Any] | None, wanted: Records, kind: str
) -> None:
    if there:
        set_record(zone.simulator, name="new", **there)
    else:
        zone.write("TXT", "new", RecordSet(ttl=60, txt_records=[TxtRecord(value=["proof"])]))
    records, before = {"new": wanted, "www": _NEW_CNAME}, zone.world.effects()
    assert f"new in zone example.com holds {kind} records" in str(zone.look(records=records).why_not)
    assert zone.world.effects() == before
    held = zone.held(kind, "new")
    with pytest.raises(Busy, match=r"record set new of DNS zone example\.com: 409 Conflict"):
        zone.establish(records=records)
    assert zone.held(kind, "new") == held


def test_addresses_may_stand_beside_other_kinds(zone: Zone) -> None:
    zone.write("TXT", "new", RecordSet(ttl=60, txt_records=[TxtRecord(value=["proof"])]))
    records = {"new": _NEW_A}
    assert zone.look(records=records).why_not is None
    zone.establish(records=records)
    assert zone.held("TXT", "new")["TXTRecords"] == [{"value": ["proof"]}]


@pytest.mark.parametrize("is_new", [False, True])
def test_a_write_between_reading_and_writing_is_not_overwritten(zone: Zone, is_new: bool) -> None:
    name = "new" if is_new else "api"
    records = {name: _NEW_A}
    with pytest.raises(TransientError, match="somebody else wrote it meanwhile") as caught:
        zone.establish(lambda: set_record(zone.simulator, name=name, a=["192.0.2.99"]), records=records)
    assert type(caught.value) is TransientError
    assert zone.held("A", name)["ARecords"] == [{"ipv4Address": "192.0.2.99"}]
    zone.establish(records=records)
    assert zone.look(records=records).established


def test_a_zone_that_does_not_exist_is_a_permanent_error(zone: Zone) -> None:
    for call, doing in ((zone.look, "reading"), (zone.establish, "setting")):
        with pytest.raises(PermanentError, match=rf"^{doing} .*DNS zone example.com.gone: 404"):
            call(dns=zone.road.dns + ".gone")


def test_an_answer_without_a_record_set_is_no_reason_to_write_one(zone: Zone) -> None:
    for call in (zone.look, zone.establish):
        zone.fault("dns_zones_read", "empty")
        with pytest.raises(OutcomeUnknown, match="the answer names no record set"):
            call()


def test_addresses_of_ipv6_beside_are_no_half_way_back(zone: Zone) -> None:
    zone.write("AAAA", "api", RecordSet(ttl=5, aaaa_records=[AaaaRecord(ipv6_address="2001:db8::1")]))
    try:
        why_not = "api in zone example.com holds AAAA records, too, which keep clients of IPv6 where they are"
        assert zone.look().why_not == why_not
    finally:
        zone.simulator.control("DELETE", "/dns_zones/example.com/api?kind=AAAA")
    assert zone.look().why_not is None


def test_between_the_intent_and_the_fence_a_name_is_read_once(zone: Zone) -> None:
    """The fence lets nobody through who took long, and a name that is new has seven neighbours to read."""
    set_record(zone.simulator, name="www", cname="green.example.net")
    records = {"new": _NEW_CNAME, "api": _NEW_A, "www": _NEW_CNAME}
    reads = []

    def fence() -> None:
        reads.append(zone.simulator.control("GET", "/state")["calls"]["dns_zones_read"])

    before = zone.simulator.control("GET", "/state")["calls"].get("dns_zones_read", 0)
    zone.establish(fence, records=records)
    assert [count - before for count in reads] == [len(records)] * len(records)


@pytest.mark.parametrize(("status", "error"), [(429, OutcomeUnknown), (403, PermanentError)])
def test_a_refusal_of_the_second_write_says_that_the_first_was_made(
    zone: Zone, status: int, error: type[Exception]
) -> None:
    writes = iter([False, True])

    def fence() -> None:
        if next(writes):
            zone.fault("dns_zones_write", "status", status=status)

    with pytest.raises(error, match=f"A record set api .*: {status} .*; set before it: CNAME record set www$"):
        zone.establish(fence)
    assert zone.held("CNAME", "www")["CNAMERecord"] == {"cname": "blue.example.net"}


def test_whom_somebody_overtook_at_the_second_write_has_made_the_first(zone: Zone) -> None:
    writes = iter([False, True])

    def fence() -> None:
        if next(writes):
            set_record(zone.simulator, name="api", a=["192.0.2.99"])

    with pytest.raises(OutcomeUnknown, match="somebody else wrote it meanwhile"):
        zone.establish(fence)
    assert zone.held("A", "api")["ARecords"] == [{"ipv4Address": "192.0.2.99"}]
