"""Every case of the table, over real HTTP."""

from collections import Counter

import pytest

from local.entra_issuer.directory import PRINCIPALS, TENANT_ID
from local.entra_issuer.launch import RunningIssuer
from local.entra_issuer.server import KEYS_PATH
from shared.model.caller import Proof
from shared.ports.people import Presented
from tests.contract.identity.case import Case
from tests.contract.identity.cases import CASES
from tests.contract.identity.desk import ORIGIN, Desk, Outcome, Played, play
from tests.contract.identity.table import token_table


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_comes_out_as_expected(issuer: RunningIssuer, case: Case) -> None:
    played = play(issuer, case)
    assert [str(outcome) for outcome in played.outcomes if not outcome.as_expected] == []
    assert case.fetches in (None, played.fetches)


def test_no_case_is_there_twice() -> None:
    assert [name for name, count in Counter(str(case) for case in CASES).items() if count > 1] == []


def test_nothing_but_the_keys_of_the_tenant_was_ever_asked_for(issuer: RunningIssuer) -> None:
    """Whatever a token says of addresses."""
    for case in CASES:
        if case.area == "key":
            play(issuer, case)
    assert set(issuer.state()["asked"]) == {KEYS_PATH}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("who", "name"), [("otto", "otto@rig.example"), ("pipeline", PRINCIPALS["pipeline"].client_id)]
)
def test_a_caller_is_known_by_tenant_and_object(issuer: RunningIssuer, who: str, name: str, version: int) -> None:
    desk = Desk(issuer)
    # The GUIDs of a token may come in capitals; they are still the same one.
    spelled = PRINCIPALS[who].object_id.upper()
    token = issuer.token(who, version=version, issued_at_s=desk.clock.now.timestamp(), claims={"oid": spelled})
    caller = desk.identities.of(Presented(authorization=f"Bearer {token}", origin=ORIGIN), desk.clock.now)
    assert caller.id == f"entra:{TENANT_ID}:{PRINCIPALS[who].object_id}"
    assert (caller.name, caller.proof, caller.origin) == (name, Proof.TOKEN, ORIGIN)


def test_the_table_shows_what_is_wrong() -> None:
    outcomes = (Outcome(200, "viewer", "401 expired"), Outcome(401, "the token expired", "401 expired", leaks=True))
    played = Played(CASES[0], outcomes, fetches=1)
    assert not any(outcome.as_expected for outcome in outcomes)
    assert not played.as_expected
    assert token_table([played]).row_count == 1
