"""Names for people, the app on function keys alone, and what importing it costs."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.entra import KeyIdentities
from shared.adapters.entra.callers import readable_name
from shared.model.caller import Caller, Proof, Role
from shared.ports.people import Presented
from tests.fakes.clock import NOON
from tests.unit.test_import_rules import modules_after


@pytest.mark.parametrize(
    ("candidates", "name"),
    [
        (["ann@example.com", "Ann"], "ann@example.com"),
        ([None, "", "  ", "Ann"], "Ann"),
        ([7, ["Ann"], "Ann"], "Ann"),
        (["Ann\r\nERROR: \x1b[31mforged line"], "Ann ERROR: [31mforged line"),
        (["\u202eevil\u2066"], "evil"),
        (["x" * 500], "x" * 120),
        ([None], "without a name"),
    ],
)
def test_a_name_fits_a_line(candidates: list[object], name: str) -> None:
    assert readable_name(candidates) == name


@given(text=st.text())
def test_any_name_is_one_printable_line(text: str) -> None:
    name = readable_name([text])
    assert name.isprintable()
    assert 0 < len(name) <= 120


@given(authorization=st.text(max_size=20), principal=st.text(max_size=20))
def test_on_keys_alone_nothing_that_is_presented_counts(authorization: str, principal: str) -> None:
    presented = Presented(authorization=authorization, principal=principal, origin="192.0.2.7")
    assert KeyIdentities().of(presented, NOON + timedelta(days=1)) == Caller(
        id="key",
        name="function key",
        roles=frozenset({Role.VIEWER, Role.OPERATOR, Role.ALERT_SENDER}),
        proof=Proof.KEY,
        origin="192.0.2.7",
    )


def test_cryptography_comes_with_the_first_token_only() -> None:
    made = (
        "from shared.adapters.entra import EntraIdentities\n"
        "EntraIdentities(tenant_id='3f1c5a70-4d0e-4b8e-9a55-0c9d5e7a1b20', audiences=('api://app',))"
    )
    assert {"jwt", "cryptography"}.isdisjoint(modules_after(made))
