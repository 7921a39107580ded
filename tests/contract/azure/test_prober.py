"""`HttpProber` against the simulator's front door: what each kind of client sees, and what is no answer."""

from datetime import timedelta

import pytest

from shared.adapters.probe import HttpProber
from shared.model.policy import Policy
from shared.model.policy_verify import Client
from tests.contract.azure.conftest import Azure

_TIMEOUT = timedelta(seconds=2)


@pytest.fixture
def chosen(azure: Azure) -> Policy:
    return azure.policy


@pytest.mark.parametrize("client", Client)
def test_every_kind_of_client_sees_the_build_that_is_served(prober: HttpProber, chosen: Policy, client: Client) -> None:
    sightings = prober.look(chosen, "/", client, 2, timeout=_TIMEOUT)
    assert [(seen.status, seen.build, seen.client, seen.served) for seen in sightings] == [
        (200, "b2", client, True)
    ] * 2


def test_a_kept_connection_grows_old_and_lives_through_a_swap(prober: HttpProber, azure: Azure, chosen: Policy) -> None:
    (young,) = prober.look(chosen, "/", Client.KEPT_ALIVE, 1, timeout=_TIMEOUT)
    slots = azure.new_slots()
    slots.swap(chosen.site, chosen.site.good_slot)
    azure.wait_for_quiet()
    (old,) = prober.look(chosen, "/", Client.KEPT_ALIVE, 1, timeout=_TIMEOUT)
    assert (young.build, old.build) == ("b2", "b1")
    assert old.connection_age_s > young.connection_age_s


def test_a_server_error_is_an_answer_that_served_nobody(prober: HttpProber, azure: Azure, chosen: Policy) -> None:
    azure.control("PUT", "/builds/b2/faults", {"fail_share": 1.0, "status": 502})
    (seen,) = prober.look(chosen, "/", Client.FRESH, 1, timeout=_TIMEOUT)
    assert (seen.status, seen.answered, seen.served) == (502, True, False)


def test_a_cut_connection_is_no_answer(prober: HttpProber, azure: Azure, chosen: Policy) -> None:
    azure.fault("front_door", "cut_before")
    (seen,) = prober.look(chosen, "/", Client.FRESH, 1, timeout=_TIMEOUT)
    assert (seen.status, seen.build, seen.answered, seen.served) == (None, "", False, False)
    assert seen.note


@pytest.mark.parametrize("client", Client)
def test_silence_ends_at_the_time_out(prober: HttpProber, azure: Azure, chosen: Policy, client: Client) -> None:
    azure.fault("front_door", "delay", delay_s=5.0)
    (seen,) = prober.look(chosen, "/", client, 1, timeout=timedelta(seconds=0.3))
    assert (seen.status, seen.answered, seen.served) == (None, True, False)
    assert 300 <= seen.latency_ms < 3000


def test_a_host_that_nobody_listens_on_is_no_answer(prober: HttpProber, chosen: Policy) -> None:
    (seen,) = prober.look(chosen, "/", Client.FRESH, 1, timeout=_TIMEOUT, at="http://127.0.0.1:9")
    assert (seen.status, seen.answered) == (None, False)
