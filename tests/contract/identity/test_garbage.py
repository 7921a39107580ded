"""Whatever is put in place of a token: nobody is recognised, and nothing else happens."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.entra_issuer.launch import RunningIssuer
from shared.errors import NotAuthenticated
from shared.ports.people import Presented
from tests.contract.identity.desk import Desk, echoes

_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_part = st.text(_SIGNS, min_size=1, max_size=60)
_json_like = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def desk(issuer: RunningIssuer) -> Desk:
    return Desk(issuer)


@pytest.fixture(scope="module")
def token(desk: Desk) -> str:
    """A good one, which is let in: what follows is refused for what was changed in it."""
    good = desk.issuer.token("otto", issued_at_s=desk.clock.now.timestamp())
    assert desk.identities.of(Presented(authorization=f"Bearer {good}"), desk.clock.now).name == "otto@rig.example"
    return good


def is_refused(desk: Desk, presented: Presented) -> bool:
    with pytest.raises(NotAuthenticated) as refusal:
        desk.identities.of(presented, desk.clock.now)
    return not echoes(presented, str(refusal.value))


@given(text=st.text(max_size=200))
def test_any_header(desk: Desk, text: str) -> None:
    assert is_refused(desk, Presented(authorization=text))


@given(text=st.text(st.characters(codec=None), max_size=200))  # lone surrogates, too
def test_any_text_in_place_of_a_token(desk: Desk, text: str) -> None:
    assert is_refused(desk, Presented(authorization=f"Bearer {text}"))


@given(parts=st.tuples(_part, _part, _part | st.just("")))
def test_any_three_parts(desk: Desk, parts: tuple[str, str, str]) -> None:
    assert is_refused(desk, Presented(authorization=f"Bearer {'.'.join(parts)}"))


@given(data=st.data())
def test_a_truncated_token(desk: Desk, token: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(token) - 1))
    assert is_refused(desk, Presented(authorization=f"Bearer {token[:cut]}"))


@given(data=st.data())
def test_a_token_with_one_other_sign(desk: Desk, token: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(_SIGNS + ".").filter(lambda sign: sign != token[place]))
    assert is_refused(desk, Presented(authorization=f"Bearer {token[:place]}{other}{token[place + 1 :]}"))


@given(data=st.data())
def test_a_token_with_one_flipped_bit(desk: Desk, token: str, data: st.DataObject) -> None:
    place, bit = data.draw(st.integers(0, len(token) - 1)), data.draw(st.integers(0, 6))
    flipped = chr(ord(token[place]) ^ (1 << bit))
    assert is_refused(desk, Presented(authorization=f"Bearer {token[:place]}{flipped}{token[place + 1 :]}"))


@given(data=st.data())
def test_parts_of_two_tokens(desk: Desk, token: str, data: st.DataObject) -> None:
    """A signature vouches for its own header and claims only."""
    other = desk.issuer.token("arno", key="next", issued_at_s=desk.clock.now.timestamp()).split(".")
    mine = token.split(".")
    from_the_other = data.draw(st.lists(st.booleans(), min_size=3, max_size=3).filter(lambda picks: 0 < sum(picks) < 3))
    mixed = [theirs if pick else own for own, theirs, pick in zip(mine, other, from_the_other, strict=True)]
    assert is_refused(desk, Presented(authorization=f"Bearer {'.'.join(mixed)}"))


def test_every_single_bit_of_a_signature_counts(desk: Desk, token: str) -> None:
    signed, _, signature = token.rpartition(".")
    for place, sign in enumerate(signature):
        other = _SIGNS[_SIGNS.index(sign) ^ 1]  # the lowest of the six bits that a sign stands for
        changed = f"{signed}.{signature[:place]}{other}{signature[place + 1 :]}"
        assert is_refused(desk, Presented(authorization=f"Bearer {changed}"))


@given(claims=st.dictionaries(st.sampled_from(["iss", "tid", "aud", "azp", "oid"]), _json_like, min_size=1))
def test_any_claims_under_a_good_signature(desk: Desk, claims: dict[str, object]) -> None:
    signed = desk.issuer.token(claims=claims, issued_at_s=desk.clock.now.timestamp())
    assert is_refused(desk, Presented(authorization=f"Bearer {signed}"))


@given(claims=st.dictionaries(st.sampled_from(["exp", "nbf", "iat", "roles", "name", "scp", "idtyp"]), _json_like))
def test_any_other_claims_under_a_good_signature(desk: Desk, claims: dict[str, object]) -> None:
    """Some of these are good. What is not is refused, or gives no role, and nothing breaks."""
    signed = desk.issuer.token("nils", claims=claims, issued_at_s=desk.clock.now.timestamp())
    with suppress(NotAuthenticated):
        caller = desk.identities.of(Presented(authorization=f"Bearer {signed}"), desk.clock.now)
        assert (caller.roles, caller.name) == (frozenset(), "nils@rig.example")
