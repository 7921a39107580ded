"""`AppConfigurationRouting` against the simulator: what it writes, what it leaves alone, what went wrong."""

import json
from datetime import timedelta
from time import sleep

import pytest

from shared.adapters.app_configuration import AppConfigurationRouting
from shared.errors import OutcomeUnknown, PermanentError, TransientError
from shared.model.policy_roads import AppConfigurationRoad
from tests.contract.roads.app_configuration_world import (
    FLAG,
    app_configuration_world,
    key_value,
    make_flag,
    put_flag,
    stored,
    stored_flag,
    users_on,
)
from tests.contract.roads.conftest import Launch
from tests.contract.roads.world import Json, RoadWorld, Worker, wait_until

type Store = Worker[AppConfigurationRoad]


@pytest.fixture(scope="module")
def launch() -> Launch:
    return app_configuration_world


@pytest.fixture
def store(world: RoadWorld[AppConfigurationRoad]) -> Store:
    return Worker(world)


def test_a_look_tells_what_is_steered(store: Store) -> None:
    assert store.look().shown == {"enabled": True, "percentages": [100, 100], "locked": False}


def test_nobody_is_on_it_not_even_who_is_named(store: Store) -> None:
    assert users_on(store.simulator) == {"ann", "bob", "cy"}
    store.establish()
    wait_until(lambda: users_on(store.simulator) == set())


def test_sites_follow_only_after_they_asked_again(store: Store) -> None:
    store.timings(feature_refresh_s=60)
    store.establish()
    assert store.look().established
    assert users_on(store.simulator) == {"ann", "bob", "cy"}


@pytest.mark.parametrize(
    ("share", "percent", "enabled"), [(0.0, 0, False), (0.07, 7, True), (0.125, 12.5, True), (1.0, 100, True)]
)
def test_every_percentage_is_set_and_all_else_stays(store: Store, share: float, percent: float, enabled: bool) -> None:
    put_flag(store.simulator, make_flag(50, enabled=not enabled), tags={"team": "b"}, description="of the team")
    before = stored(store.simulator)
    store.establish(share=share)
    after = stored(store.simulator)
    assert stored_flag(store.simulator) == make_flag(percent, enabled=enabled)
    assert '"x-team": {"of": [1, 2.5, null]}' in after["value"]
    assert {**after, "value": "", "etag": ""} == {**before, "value": "", "etag": ""}
    assert store.look(share=share).established


def test_a_share_that_is_so_in_another_spelling_is_not_written(store: Store) -> None:
    put_flag(store.simulator, make_flag(25.0))
    store.establish(lambda: pytest.fail("nothing is to be changed"), share=0.25)


def test_a_label_has_a_flag_of_its_own(store: Store) -> None:
    put_flag(store.simulator, make_flag(100), label="west")
    store.establish(label="west")
    assert stored_flag(store.simulator, "west") == make_flag(0, enabled=False)
    assert stored_flag(store.simulator) == make_flag(100)


def test_what_somebody_else_changed_in_between_is_not_lost(store: Store) -> None:
    theirs = make_flag(100) | {"description": "theirs"}
    with pytest.raises(TransientError, match="changed after it was read") as caught:
        store.establish(lambda: put_flag(store.simulator, theirs))
    assert not isinstance(caught.value, OutcomeUnknown)
    assert stored_flag(store.simulator) == theirs
    store.establish()
    assert stored_flag(store.simulator)["description"] == "theirs"


def test_what_was_told_from_a_cache_is_not_written_over_what_is_new(store: Store) -> None:
    store.timings(key_value_settles_s=60)
    newer = make_flag(100) | {"description": "newer"}
    put_flag(store.simulator, newer)
    with pytest.raises(TransientError, match="changed after it was read"):
        store.establish(share=0.5)
    assert stored_flag(store.simulator) == newer


def test_a_worker_sees_its_own_writes_at_once(store: Store) -> None:
    store.look()
    store.timings(key_value_settles_s=0.5)
    sleep(0.5)
    store.establish()
    assert store.look().established


def test_a_locked_flag_cannot_be_steered_unless_it_is_as_wanted(store: Store) -> None:
    put_flag(store.simulator, make_flag(100), locked=True)
    assert store.look().why_not == f"the flag {FLAG} at 127.0.0.1 is locked"
    with pytest.raises(PermanentError, match="is locked"):
        store.establish()
    put_flag(store.simulator, make_flag(0, enabled=False), locked=True)
    assert (store.look().established, store.look().why_not) == (True, None)


def test_a_refusal_for_a_lock_is_not_tried_again(store: Store) -> None:
    store.fault("key_value_write", "status", status=409)
    with pytest.raises(PermanentError, match="it is locked"):
        store.establish()


@pytest.mark.parametrize(
    ("more", "why"), [({"flag": "nobody"}, "the flag nobody at"), ({"label": "east"}, "with label east at")]
)
def test_a_flag_that_is_not_there(store: Store, more: Json, why: str) -> None:
    said = str(store.look(**more).why_not)
    assert why in said
    assert said.endswith("does not exist")
    with pytest.raises(PermanentError, match="does not exist"):
        store.establish(**more)


def test_a_flag_without_a_percentage_is_all_or_nothing(store: Store) -> None:
    plain = {"id": FLAG, "enabled": True}
    put_flag(store.simulator, plain)
    assert "neither a percentage nor a targeting filter" in str(store.look(share=0.5).why_not)
    assert store.look(share=1.0).established
    store.establish()
    assert stored_flag(store.simulator) == {"id": FLAG, "enabled": False}


def test_a_variant_that_counts_as_on_when_the_flag_is_off(store: Store) -> None:
    variants = {"variants": [{"name": "new", "status_override": "Enabled"}]}
    put_flag(store.simulator, make_flag(100) | variants | {"allocation": {"default_when_disabled": "new"}})
    assert "variant 'new' overrides the status" in str(store.look().why_not)
    assert store.look(share=0.5).why_not is None


def test_values_that_cannot_be_kept_are_told_by_others(store: Store) -> None:
    """A dial may hold anything: half a character, or more brackets than a record is written with."""
    flag = make_flag(100) | {"enabled": "HALF"}
    flag["conditions"]["client_filters"][1]["parameters"]["Value"] = "DEEP"
    value = json.dumps(flag).replace("HALF", "\\ud83d").replace('"DEEP"', "[" * 900 + "]" * 900)
    store.control("PUT", "/key_values", key_value(flag, value=value))
    shown = store.look().shown
    assert (shown["enabled"], shown["percentages"][0]) == ("?", 100)
    assert len(json.dumps(shown)) < 200
    store.establish()
    assert store.look().shown["enabled"] is False


def test_a_long_name_of_a_variant_does_not_hide_what_is_wrong_with_it(store: Store) -> None:
    name = "x" * 5_000
    variants = {"variants": [{"name": name, "status_override": "Enabled"}]}
    put_flag(store.simulator, make_flag(100) | variants | {"allocation": {"default_when_disabled": name}})
    assert str(store.look().why_not).endswith("overrides the status")


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": "no json"},
        {"value": "[]"},
        {"value": None},
        {"content_type": "text/plain"},
        {"content_type": None},
        {"value": '{"enabled": true, "conditions": []}'},
        {"value": '{"enabled": true, "conditions": {"client_filters": "all"}}'},
        {"value": '{"conditions": {"client_filters": [{"name": "Microsoft.Percentage"}]}}'},
        {"value": '{"conditions": {"client_filters": [{"name": "Microsoft.Targeting", "parameters": {}}]}}'},
    ],
)
def test_what_is_no_flag_is_left_alone(store: Store, wrong: Json) -> None:
    store.control("PUT", "/key_values", key_value(make_flag(100)) | wrong)
    assert "cannot be steered" in str(store.look().why_not)
    with pytest.raises(PermanentError, match="cannot be steered"):
        store.establish()


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("api", ["key_value_read", "key_value_write"])
def test_a_call_that_is_refused_for_good(store: Store, api: str, status: int) -> None:
    store.fault(api, "status", status=status)
    with pytest.raises(PermanentError, match=f"{status}"):
        store.establish()
    assert stored_flag(store.simulator) == make_flag(100)


def test_an_answer_about_nothing_says_nothing(store: Store) -> None:
    store.fault("key_value_read", "empty")
    with pytest.raises(OutcomeUnknown):
        store.look()


@pytest.mark.parametrize("action", ["read", "write"])
def test_a_missing_role_is_for_good(store: Store, action: str) -> None:
    store.deny(f"Microsoft.AppConfiguration/configurationStores/keyValues/{action}")
    with pytest.raises(PermanentError, match="403"):
        store.establish()


def test_a_store_that_is_asked_too_often_says_how_many_milliseconds_it_wants(store: Store) -> None:
    store.control("PUT", "/throttling", {"key_value_bucket": 1, "key_value_refill_per_s": 0.1})
    store.look()
    with pytest.raises(TransientError, match="429") as caught:
        store.look()
    assert timedelta(seconds=5) < caught.value.retry_after <= timedelta(seconds=10)


@pytest.mark.parametrize(
    "endpoint", ["https://evil.example", "https://azconfig.io.evil.example", "http://a.azconfig.io"]
)
def test_a_token_goes_to_stores_only(store: Store, endpoint: str) -> None:
    with pytest.raises(PermanentError, match=r"is no store of App Configuration; expected https://NAME.azconfig.io"):
        store.look(app_configuration=endpoint)


def test_a_road_that_was_never_there_needs_no_identity() -> None:
    """Building the adapter neither imports the SDK nor asks for a token: a cold start pays for what it runs."""
    AppConfigurationRouting("some client id")
