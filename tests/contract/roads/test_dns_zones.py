"""`DnsZoneRouting` against the simulator: what it sees, what it writes, whom it does not overwrite, what goes wrong."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import IPv4Address
from time import monotonic, sleep
from typing import Any

import pytest
from azure.mgmt.dns.models import ARecord, RecordSet, SubResource, TxtRecord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.adapters.azure_clients import credential
from shared.errors import LostRace, OutcomeUnknown, PermanentError, TransientError
from shared.model.policy_roads import Records
from tests.contract.roads.dns_world import (
    BAD_ADDRESS,
    GOOD_ADDRESSES,
    QUICK,
    TTL_S,
    Zone,
    dns_world,
    is_seen_good,
    set_record,
)
from tests.contract.roads.lookup import looked_up

_SOON_S = 5.0
_ADDRESSES = st.lists(st.integers(1, 40).map(lambda last: f"198.51.100.{last}"), min_size=1, max_size=20, unique=True)


@pytest.fixture(scope="module")
def running() -> Iterator[Zone]:
    with dns_world() as world:
        credential.cache_clear()  # it keeps tokens, which only the simulator that gave them knows
        yield Zone(world)
        credential.cache_clear()


@pytest.fixture
def zone(running: Zone, monkeypatch: pytest.MonkeyPatch) -> Zone:
    for name, value in running.world.environment.items():
        monkeypatch.setenv(name, value)
    running.simulator.control("DELETE", "/faults")
    running.simulator.control("PUT", "/permissions", {"denied": []})
    running.simulator.control("PUT", "/timings", QUICK.model_dump())
    for name in ("new", "@", "*"):
        running.simulator.control("DELETE", f"/dns_zones/example.com/{name}")
    running.world.steer_away()
    return running


def test_a_look_tells_what_is_set_and_changes_nothing(zone: Zone) -> None:
    before = zone.world.effects()
    picture = zone.look()
    assert (picture.established, picture.busy, picture.why_not) == (False, False, None)
    assert picture.shown["api"] == {"kind": "A", "values": [BAD_ADDRESS], "ttl": TTL_S, "alias": False}
    assert zone.world.effects() == before


def test_every_record_set_leads_where_it_must_and_others_stay(zone: Zone) -> None:
    other = zone.held("CNAME", "other")
    zone.establish()
    assert zone.look().established
    assert zone.held("CNAME", "www")["CNAMERecord"] == {"cname": "blue.example.net"}
    assert zone.held("A", "api")["ARecords"] == [{"ipv4Address": each} for each in GOOD_ADDRESSES]
    assert zone.held("CNAME", "other") == other


def test_name_servers_and_caches_tell_it_late(zone: Zone) -> None:
    zone.simulator.control("PUT", "/timings", {"dns_propagation_s": 0.4, "dns_stagger_s": 0.0})
    zone.establish()
    assert not is_seen_good(zone.simulator)
    until = monotonic() + _SOON_S
    while not is_seen_good(zone.simulator) and monotonic() < until:
        sleep(0.02)
    assert is_seen_good(zone.simulator)


def test_what_is_as_wanted_is_not_written_again(zone: Zone) -> None:
    zone.establish()
    set_record(zone.simulator, name="www", cname="BLUE.example.net.")
    before, fences = zone.world.effects(), []
    zone.routing.establish(zone.world.policy, zone.road, zone.world.aim, lambda: fences.append(1))
    assert (zone.world.effects() - before, fences) == (0, [])


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
    road = zone.road.model_copy(update={"records": records, "ttl": timedelta(seconds=ttl_s)})
    assert zone.look(road).established is (set(there) == set(wanted) and ttl_s == TTL_S)
    zone.establish(road)
    held = zone.held("A", "new")
    assert ({each["ipv4Address"] for each in held["ARecords"]}, held["TTL"]) == (set(wanted), ttl_s)
    assert zone.look(road).established


def test_notes_that_people_attached_stay(zone: Zone) -> None:
    zone.write("A", "api", RecordSet(ttl=5, metadata={"owner": "ops"}, a_records=[ARecord(ipv4_address=BAD_ADDRESS)]))
    zone.establish()
    assert zone.held("A", "api")["metadata"] == {"owner": "ops"}


def test_an_alias_is_not_what_is_wanted_even_if_it_leads_there_now(zone: Zone) -> None:
    profile = zone.road.dns.replace("dnszones/example.com", "trafficManagerProfiles/shop")
    addresses = [ARecord(ipv4_address=address) for address in GOOD_ADDRESSES]
    zone.write("A", "api", RecordSet(ttl=TTL_S, target_resource=SubResource(id=profile), a_records=addresses))
    zone.establish(zone.wanting(www=Records(cname="blue.example.net")))
    assert not zone.look().established
    assert zone.look().shown["api"]["alias"]
    zone.establish()
    assert "targetResource" not in zone.held("A", "api")
    assert zone.look().established


def test_a_name_that_does_not_exist_is_made(zone: Zone) -> None:
    road = zone.wanting(new=Records(cname="blue.example.net"))
    assert zone.look(road).shown == {"new": {"kind": "CNAME", "values": [], "rivals": []}}
    zone.establish(road)
    assert zone.look(road).established


def test_addresses_at_the_top_of_the_zone_and_wildcards_are_names_too(zone: Zone) -> None:
    records = {"@": Records(a=(IPv4Address("192.0.2.1"),)), "*": Records(cname="blue.example.net")}
    road = zone.wanting(**records)
    zone.establish(road)
    assert zone.look(road).established
    zone.simulator.control("PUT", "/timings", {"dns_propagation_s": 0.0, "dns_stagger_s": 0.0})
    assert looked_up(zone.simulator, "example.com") == {"192.0.2.1"}
    assert looked_up(zone.simulator, "whatever.example.com") == {"blue.example.net"}


def test_the_zone_itself_cannot_be_a_cname(zone: Zone) -> None:
    road, before = zone.wanting(**{"@": Records(cname="blue.example.net")}), zone.world.effects()
    why_not = "the zone example.com itself cannot be a CNAME: Azure DNS takes addresses there"
    assert zone.look(road).why_not == why_not
    with pytest.raises(PermanentError, match="cannot be a CNAME"):
        zone.establish(road)
    assert zone.world.effects() == before


_NEW_A, _NEW_CNAME = Records(a=(IPv4Address("192.0.2.1"),)), Records(cname="blue.example.net")


@pytest.mark.parametrize(
    ("there", "wanted", "kind"),
    [
        ({"cname": "old.example.net"}, _NEW_A, "CNAME"),
        ({"a": ["192.0.2.1"]}, _NEW_CNAME, "A"),
        (None, _NEW_CNAME, "TXT"),
    ],
    ids=["CNAME", "A", "TXT"],
)
def test_a_record_of_another_kind_in_the_way_is_left_to_people(
    zone: Zone, there: dict[str, Any] | None, wanted: Records, kind: str
) -> None:
    if there:
        set_record(zone.simulator, name="new", **there)
    else:
        zone.write("TXT", "new", RecordSet(ttl=60, txt_records=[TxtRecord(value=["proof"])]))
    road, before = zone.wanting(new=wanted, www=Records(cname="blue.example.net")), zone.world.effects()
    assert f"new in zone example.com holds {kind} records" in str(zone.look(road).why_not)
    with pytest.raises(PermanentError, match=f"holds {kind} records"):
        zone.establish(road)
    assert zone.world.effects() == before


def test_addresses_may_stand_beside_other_kinds(zone: Zone) -> None:
    zone.write("TXT", "new", RecordSet(ttl=60, txt_records=[TxtRecord(value=["proof"])]))
    road = zone.wanting(new=_NEW_A)
    assert zone.look(road).why_not is None
    zone.establish(road)
    assert zone.held("TXT", "new")["TXTRecords"] == [{"value": ["proof"]}]


@pytest.mark.parametrize("is_new", [False, True])
def test_a_write_between_reading_and_writing_is_not_overwritten(zone: Zone, is_new: bool) -> None:
    name = "new" if is_new else "api"
    road = zone.wanting(**{name: _NEW_A})
    with pytest.raises(TransientError, match="somebody else wrote it meanwhile") as caught:
        zone.routing.establish(
            zone.world.policy, road, zone.world.aim, lambda: set_record(zone.simulator, name=name, a=["192.0.2.99"])
        )
    assert type(caught.value) is TransientError
    assert zone.held("A", name)["ARecords"] == [{"ipv4Address": "192.0.2.99"}]
    zone.establish(road)
    assert zone.look(road).established


def test_who_has_lost_the_race_writes_nothing(zone: Zone) -> None:
    def fence() -> None:
        raise LostRace("another worker leads")

    before = zone.world.effects()
    with pytest.raises(LostRace):
        zone.routing.establish(zone.world.policy, zone.road, zone.world.aim, fence)
    assert zone.world.effects() == before


def test_a_zone_that_does_not_exist_is_a_permanent_error(zone: Zone) -> None:
    gone = zone.road.model_copy(update={"dns": zone.road.dns + ".gone"})
    for call in (zone.look, zone.establish):
        with pytest.raises(PermanentError, match=r"reading DNS zone example.com.gone: 404"):
            call(gone)


_ERRORS: list[tuple[dict[str, Any], type[Exception], bool]] = [
    ({"kind": "status", "status": 400}, PermanentError, False),
    ({"kind": "forbidden"}, PermanentError, False),
    ({"kind": "status", "status": 409}, TransientError, False),
    ({"kind": "status", "status": 412}, TransientError, False),
    ({"kind": "status", "status": 429}, TransientError, False),
    ({"kind": "status", "status": 503}, OutcomeUnknown, False),
    ({"kind": "cut_before"}, OutcomeUnknown, False),
    ({"kind": "cut_after"}, OutcomeUnknown, True),
]


@pytest.mark.parametrize(("fault", "error", "carried_out"), _ERRORS, ids=str)
def test_a_write_that_goes_wrong_is_one_call_the_right_error_and_mended_by_another(
    zone: Zone, fault: dict[str, Any], error: type[Exception], carried_out: bool
) -> None:
    before = zone.world.effects()
    zone.fault("dns_zones_write", **fault)
    with pytest.raises(error) as caught:
        zone.establish()
    assert type(caught.value) is error
    assert zone.world.effects() == before + 1
    assert (zone.held("CNAME", "www")["CNAMERecord"]["cname"] == "blue.example.net") is carried_out
    zone.simulator.control("DELETE", "/faults")
    zone.establish()
    assert zone.look().established


def test_the_pause_that_azure_asks_for_is_kept(zone: Zone) -> None:
    for api, call in (("dns_zones_read", zone.look), ("dns_zones_write", zone.establish)):
        zone.fault(api, "status", status=429, retry_after_s=17, times=1)
        with pytest.raises(TransientError) as caught:
            call()
        assert caught.value.retry_after == timedelta(seconds=17)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "forbidden"}, PermanentError),
        ({"kind": "status", "status": 503}, OutcomeUnknown),
        ({"kind": "cut_before"}, OutcomeUnknown),
        ({"kind": "empty"}, OutcomeUnknown),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_not_written(zone: Zone, fault: dict[str, Any], error: type[Exception]) -> None:
    before = zone.world.effects()
    zone.fault("dns_zones_read", **fault)
    for call in (zone.look, zone.establish):
        with pytest.raises(error):
            call()
    assert zone.world.effects() == before
