"""`AppServiceSlots` and answers that the simulator would not give: nothing raw leaves it, and no doubt is forgotten."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from shared.adapters.app_service import AppServiceSlots
from shared.adapters.azure_clients import ArmAccess
from shared.errors import OutcomeUnknown, PermanentError
from shared.model.policy import Site
from tests.contract.azure.conftest import ARM_AUDIENCE, GOOD_SLOT, Azure
from tests.contract.azure.played_azure import PlayedAzure

_ODD: dict[str, Any] = {
    "nothing": None,
    "text": "soon",
    "a number": 5,
    "a list": [],
    "an empty object": {},
    "properties are nothing": {"id": "x", "properties": None},
    "properties are text": {"id": "x", "properties": "soon"},
    "properties are a list": {"id": "x", "properties": [1]},
    "a swap status is text": {"id": "x", "properties": {"slotSwapStatus": "soon"}},
    "a build is a list": {"id": "x", "properties": {"BUILD_ID": ["b1"]}},
}


@pytest.fixture(scope="module")
def playing() -> Iterator[tuple[PlayedAzure, AppServiceSlots]]:
    """The tokens are the simulator's, which `azure` stands for."""
    with PlayedAzure() as played:
        yield played, AppServiceSlots(ArmAccess(played.url, ARM_AUDIENCE))


@pytest.fixture
def played(playing: tuple[PlayedAzure, AppServiceSlots]) -> Iterator[PlayedAzure]:
    yield playing[0]
    playing[0].status = 200


@pytest.fixture
def slots(playing: tuple[PlayedAzure, AppServiceSlots]) -> AppServiceSlots:
    return playing[1]


@pytest.fixture
def site(azure: Azure) -> Site:
    return azure.policy.site


@pytest.mark.parametrize("case", _ODD)
def test_a_look_at_an_odd_answer_names_no_build_or_is_taken_again(
    played: PlayedAzure, slots: AppServiceSlots, site: Site, case: str
) -> None:
    played.answer = lambda _: _ODD[case]
    with suppress(OutcomeUnknown):
        assert slots.look(site, GOOD_SLOT).production_build not in ("b1", "b2")


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize("case", _ODD)
def test_a_swap_that_was_accepted_in_odd_words_is_in_doubt_or_can_be_followed(
    played: PlayedAzure, slots: AppServiceSlots, site: Site, case: str, status: int
) -> None:
    played.answer, played.status = lambda _: _ODD[case], status
    before = len(played.asked)
    with suppress(OutcomeUnknown):
        assert slots.swap(site, GOOD_SLOT)
    assert len(played.asked) == before + 1


@pytest.mark.parametrize("token", ["", "x", "e30=", "bm90IGpzb24=", "W10=", "bnVsbA==", "é", "\ud800"], ids=ascii)
def test_a_token_that_cannot_be_read_is_a_permanent_error_and_nothing_is_sent(
    played: PlayedAzure, slots: AppServiceSlots, site: Site, token: str
) -> None:
    """An app of another version may have stored it; the picture of the site is the better witness then."""
    before = len(played.asked)
    with pytest.raises(PermanentError, match="its token cannot be read"):
        slots.follow(site, GOOD_SLOT, token)
    assert len(played.asked) == before
