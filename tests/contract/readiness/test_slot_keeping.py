"""What a swap meets in the slots, by the real SDK: no value of a setting leaves the adapter."""

from dataclasses import asdict
from typing import Any

import pytest
from azure.mgmt.web.models import CsmSlotEntity

from shared.adapters.app_service import web_client
from shared.adapters.azure_clients import ArmAccess, ArmClients
from shared.adapters.readiness.hosts import ResolvingHosts
from shared.adapters.readiness.slot_keeping import STICKY_KEPT, AppServiceSlotKeeping
from shared.errors import ControllerError, OutcomeUnknown, PermanentError
from tests.contract.azure.played_azure import PlayedAzure
from tests.contract.readiness.conftest import SALT, Ground
from tests.contract.roads.world import ARM_AUDIENCE

_SLOT = "last-good"
_TO_PRODUCTION = CsmSlotEntity(target_slot="production", preserve_vnet=True)


def test_a_slot_answers_at_its_own_host_unless_the_policy_says_where(
    ground: Ground, keeping: AppServiceSlotKeeping
) -> None:
    assert keeping.look(ground.policy, _SLOT).front == "https://demo-last-good.azurewebsites.net"
    assert keeping.look(ground.policy, "LAST-GOOD").front != ""
    assert keeping.look(ground.policy, "gone").front == ""
    told = ground.policy_with('readiness: {slots: {last-good: "http://127.0.0.1:81"}}\n')
    assert keeping.look(told, _SLOT).front == "http://127.0.0.1:81"
    promoted = ground.policy_with('promotion: {slot: last-good, url: "http://127.0.0.1:82"}\n')
    assert keeping.look(promoted, _SLOT).front == "http://127.0.0.1:82"


def test_a_preview_is_seen_until_it_is_reset(ground: Ground, keeping: AppServiceSlotKeeping) -> None:
    site = ground.policy.site
    apps = ArmClients(ground.arm, web_client).of(site.resource).web_apps
    assert keeping.look(ground.policy, _SLOT).prepared == ()
    apps.apply_slot_configuration_slot("demo-rg", "demo", _SLOT, _TO_PRODUCTION)
    assert keeping.look(ground.policy, _SLOT).prepared == (_SLOT,)
    apps.reset_slot_configuration_slot("demo-rg", "demo", _SLOT)
    assert keeping.look(ground.policy, _SLOT).prepared == ()


def test_sticky_settings_are_told_by_their_fingerprints(ground: Ground, keeping: AppServiceSlotKeeping) -> None:
    found = keeping.sticky(ground.policy.site, _SLOT, SALT)
    assert (found.names, set(found.production), set(found.slot)) == (("KEY",), {"KEY"}, {"KEY"})
    assert found.production != found.slot
    assert "secret" not in str(asdict(found))
    assert keeping.sticky(ground.policy.site, _SLOT, "aa00").production != found.production


def test_they_are_kept_for_five_minutes(ground: Ground, keeping: AppServiceSlotKeeping) -> None:
    site, asked = ground.policy.site, ground.calls("slot_config_names")
    before = keeping.sticky(site, _SLOT, SALT)
    path = f"/sites/demo/slots/{_SLOT}/settings"
    ground.simulator.control("PUT", path, {"settings": {"KEY": "drifted"}})
    ground.clock.forward(STICKY_KEPT.total_seconds() - 1)
    assert keeping.sticky(site, _SLOT, SALT) == before
    assert ground.calls("slot_config_names") == asked + 1
    ground.clock.forward(1)
    assert keeping.sticky(site, _SLOT, SALT).slot != before.slot
    ground.simulator.control("PUT", path, {"settings": {"KEY": "secret-of-the-slot"}})


def test_a_slot_that_is_gone_has_no_settings(ground: Ground, keeping: AppServiceSlotKeeping) -> None:
    with pytest.raises(PermanentError, match="404"):
        keeping.sticky(ground.policy.site, "gone", SALT)


@pytest.mark.parametrize(
    "answer", [None, [], {}, {"properties": None}, {"value": None}, {"value": [3]}, {"value": "soon"}]
)
def test_an_odd_answer_proves_nothing(ground: Ground, answer: Any) -> None:
    with PlayedAzure() as played:
        played.answer = lambda _: answer
        keeping = AppServiceSlotKeeping(ArmAccess(played.url, ARM_AUDIENCE), ground.clock)
        with pytest.raises(OutcomeUnknown):
            keeping.sticky(ground.policy.site, _SLOT, SALT)
        try:
            found = keeping.look(ground.policy, _SLOT)
        except ControllerError:
            return
        assert found.front == ""


def test_a_host_can_be_asked_when_it_has_an_address_that_the_policy_allows(ground: Ground) -> None:
    hosts = ResolvingHosts()
    assert hosts.why_not(ground.policy, "127.0.0.1") is None
    assert "no address" in str(hosts.why_not(ground.policy, "nowhere.invalid"))
    assert "no address" in str(hosts.why_not(ground.policy, "a" * 64 + ".example"))
    assert "reach.private" in str(hosts.why_not(ground.policy, "localhost"))
