"""Under which name an act is recorded, by how the caller was recognised."""

import pytest

from shared.errors import InvalidInput
from shared.functions.names import signed
from shared.model.caller import Caller, Proof, Role
from shared.model.run import BY_WATCH


def caller(name: str = "otto@rig.example", proof: Proof = Proof.TOKEN) -> Caller:
    return Caller(id="entra:t:o", name=name, roles=frozenset({Role.OPERATOR}), proof=proof)


@pytest.mark.parametrize("said", [None, "otto@rig.example", "OTTO@RIG.EXAMPLE", " otto@rig.example\u200b"])
def test_whoever_is_recognised_is_recorded_by_his_own_name(said: str | None) -> None:
    assert signed(caller(), said, "by") == "otto@rig.example"


@pytest.mark.parametrize("proof", [Proof.TOKEN, Proof.EASY_AUTH, Proof.LINK])
def test_nobody_who_is_recognised_signs_for_somebody_else(proof: Proof) -> None:
    with pytest.raises(InvalidInput) as caught:
        signed(caller(proof=proof), "anna@rig.example", "requested_by")
    assert str(caught.value) == "requested_by: expected your own name, otto@rig.example, or none"


def test_a_key_proves_no_name() -> None:
    holder = caller("function key", Proof.KEY)
    assert signed(holder, "Kim", "by") == "a key holder said to be Kim"
    assert signed(holder, None, "by") == "a key holder"


@pytest.mark.parametrize("name", ["watch", "Watch", "w a t c h", "wat\u200bch", "\uff57\uff41\uff54\uff43\uff48"])
def test_somebody_called_watch_is_not_the_watch(name: str) -> None:
    assert signed(caller(name), None, "by") == f"a caller named {name}"
    assert signed(caller("function key", Proof.KEY), name, "by") != BY_WATCH
