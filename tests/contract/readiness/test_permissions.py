"""What the app's identity may do: what the simulator takes away is lacking, and odd answers prove nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.azure_clients import ArmAccess
from shared.adapters.readiness.needed_actions import needs_of
from shared.adapters.readiness.permissions import ROLES_KEPT, ArmRoles, Permission
from shared.errors import OutcomeUnknown, PermanentError, TransientError
from shared.model.policy import Policy
from shared.model.policy_roads import AppConfigurationRoad, RoadBase
from tests.contract.azure.played_azure import PlayedAzure
from tests.contract.readiness.conftest import Ground
from tests.contract.roads.world import ARM_AUDIENCE

_SWAP = "Microsoft.Web/sites/slots/slotsswap/action"
_WORDS = st.text("abcXYZ019.+[]()", min_size=1, max_size=6)
_ACTIONS = st.lists(_WORDS, min_size=2, max_size=5).map("/".join)


def _lacking(roles: ArmRoles, policy: Policy, name: str = "swap") -> tuple[str, ...]:
    return roles.lacking(policy, name, policy.all_roads[name])


def test_nothing_is_lacking_where_everything_is_allowed(ground: Ground, roles: ArmRoles) -> None:
    assert _lacking(roles, ground.policy) == ()
    assert _lacking(roles, ground.policy, "names") == ()


@pytest.mark.parametrize("denied", [_SWAP, "microsoft.web/*/SLOTSSWAP/action", "Microsoft.Web/sites/slots/slotsswap/*"])
def test_an_action_that_is_taken_away_is_lacking(ground: Ground, roles: ArmRoles, denied: str) -> None:
    ground.deny(denied)
    assert _lacking(roles, ground.policy) == (_SWAP,)


def test_a_data_action_is_lacking_though_every_other_action_is_there(ground: Ground, roles: ArmRoles) -> None:
    write = "Microsoft.AppConfiguration/configurationStores/keyValues/write"
    road = AppConfigurationRoad(app_configuration="https://flags.azconfig.io", flag="checkout")
    policy = ground.policy
    store = f"{ground.group_id}/providers/Microsoft.AppConfiguration/configurationStores/flags"
    told = policy.readiness.model_copy(update={"scopes": {"checkout": store}})
    scoped = policy.model_copy(update={"readiness": told})
    ground.deny(write)
    assert roles.lacking(scoped, "checkout", road) == (write,)
    assert roles.lacking(policy, "checkout", road) == ()  # nobody says where it is: who asks has to say so


def test_an_answer_counts_for_a_quarter_of_an_hour_and_a_refusal_for_nothing(ground: Ground, roles: ArmRoles) -> None:
    ground.deny("Microsoft.Authorization/permissions/read")
    with pytest.raises(PermanentError, match="403"):
        _lacking(roles, ground.policy)
    ground.deny()
    asked = ground.calls("permissions")
    assert _lacking(roles, ground.policy) == ()
    ground.deny(_SWAP)
    ground.clock.forward(ROLES_KEPT.total_seconds() - 1)
    assert _lacking(roles, ground.policy) == ()
    assert ground.calls("permissions") == asked + 1
    ground.clock.forward(1)
    assert _lacking(roles, ground.policy) == (_SWAP,)


def test_every_kind_of_road_but_the_hook_needs_something(ground: Ground) -> None:
    policy = ground.policy
    for name, road in policy.all_roads.items():
        needs = needs_of(policy, name, road)
        assert needs is not None
        assert needs.actions
    assert needs_of(policy, "other", RoadBase()) is None


@given(action=_ACTIONS, cut=st.integers(0, 30))
def test_a_role_gives_what_its_pattern_says_in_any_case(action: str, cut: int) -> None:
    pattern = f"{action[:cut].swapcase()}*"
    assert Permission((pattern,), (), (), ()).gives(action)
    assert not Permission((pattern,), (), (), ()).gives_data(action)
    assert not Permission((), (), (pattern,), (pattern,)).gives_data(action)
    assert not Permission((pattern,), (action,), (), ()).gives(action)
    assert not Permission((f"{action}x",), (), (), ()).gives(action)
    assert not Permission((action,), (), (), ()).gives(f"{action}x")


def _at(played: PlayedAzure, ground: Ground) -> ArmRoles:
    return ArmRoles(ArmAccess(played.url, ARM_AUDIENCE), ground.clock)


def test_roles_add_up_over_pages_and_one_gives_what_another_excepts(ground: Ground) -> None:
    with PlayedAzure() as played:
        pages: list[Any] = [
            {"value": [{"actions": ["*"], "notActions": ["Microsoft.Web/*"]}], "nextLink": f"{played.url}/more"},
            {"value": [{"actions": ["microsoft.web/sites/*"], "notActions": []}]},
        ]
        played.answer = lambda _: pages.pop(0)
        assert _lacking(_at(played, ground), ground.policy) == ()


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"value": None},
        {"value": "soon"},
        {"value": [3]},
        {"value": [], "nextLink": "https://evil.example/"},
    ],
)
def test_an_odd_answer_proves_nothing(ground: Ground, answer: Any) -> None:
    with PlayedAzure() as played:
        played.answer = lambda _: answer
        with pytest.raises(OutcomeUnknown):
            _lacking(_at(played, ground), ground.policy)


def test_pages_without_end_are_given_up(ground: Ground) -> None:
    with PlayedAzure() as played:
        played.answer = lambda _: {"value": [], "nextLink": f"{played.url}/more"}
        with pytest.raises(TransientError, match="more than 10 pages"):
            _lacking(_at(played, ground), ground.policy)
        assert len(played.asked) == 10
