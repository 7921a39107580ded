"""Transaction ids of 32 bits, as the log has them, in the 64 bits that a snapshot has."""

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.postgres.slot.log import whole_xid


@given(near=st.integers(2**31, 2**63), away=st.integers(-(2**31), 2**31 - 1))
def test_an_id_is_told_across_the_wrap_of_its_32_bits(near: int, away: int) -> None:
    assert whole_xid((near + away) % 2**32, near) == near + away
