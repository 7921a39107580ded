"""Which blocks are read next, and what a round of the search for damage says."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.corruption import Place, Round, Side, coverage, sample_of
from shared.model.signal import Outcome

_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_PLACES = st.builds(
    Place,
    table=st.just("public.items"),
    side=st.sampled_from(Side),
    blocks=st.integers(0, 100_000),
    next=st.integers(0, 120_000),
    passes=st.integers(0, 3),
)


@given(blocks=st.integers(0, 1_000_000), share=st.floats(0.001, 1))
def test_all_of_a_table_is_read_in_the_promised_rounds(blocks: int, share: float) -> None:
    place = Place(table="public.items", side=Side.SOURCE, blocks=blocks)
    rounds = 0
    while not place.passes:
        place = place.read_to(place.end(share))
        rounds += 1
    assert rounds <= max(1, 1 / share + 1)
    assert (place.next, place.looked) == (0, blocks)


@given(place=_PLACES, share=st.floats(0.001, 1))
def test_a_round_goes_on_or_begins_anew_whatever_became_of_the_table(place: Place, share: float) -> None:
    read = place.read_to(place.end(share))
    assert read.next > place.next or (read.next == 0 and read.passes == place.passes + 1)
    assert 0 <= place.looked <= read.looked <= place.blocks
    assert 0 <= coverage([place]) <= coverage([read]) <= 1


def test_what_was_read_least_is_next() -> None:
    places = [
        Place(table="c", side=Side.SOURCE, blocks=10, next=0, passes=1),
        Place(table="b", side=Side.SOURCE, blocks=1000, next=90),
        Place(table="a", side=Side.SOURCE, blocks=100, next=10),
    ]
    assert [place.table for place in sorted(places, key=lambda place: place.age)] == ["b", "a", "c"]


_LOST = {"public.more": "is not logged on the target: its log is gone"}
_SAID = {
    "nothing found": (
        Round(tables=2, rows=300, covered=0.25),
        (Outcome.MEASURED, 0, 300, "25% looked at since the checkpoint"),
    ),
    "empty tables": (
        Round(tables=1, covered=1.0),
        (Outcome.MEASURED, 0, 1, "100% looked at since the checkpoint"),
    ),
    "damage": (
        Round(tables=1, rows=9, damaged={"public.items": [("1", "a"), ("2", "b")]}, covered=0.5),
        (
            Outcome.MEASURED,
            2,
            9,
            "damaged: 2 of public.items, such as (1, a), (2, b); 50% looked at since the checkpoint",
        ),
    ),
    "blocks that cannot be read": (
        Round(tables=1, unreadable="the target cannot read what it stored: invalid page"),
        (
            Outcome.MEASURED,
            1,
            1,
            "the target cannot read what it stored: invalid page; 0% looked at since the checkpoint",
        ),
    ),
    "a log that is lost": (
        Round(tables=1, rows=9, lost=_LOST),
        (Outcome.NO_DATA, None, 0, "blind: public.more is not logged on the target: its log is gone"),
    ),
    "no checkpoint": (Round(why="there is none"), (Outcome.NO_DATA, None, 0, "there is none")),
    "damage that was known before": (
        Round(why="blind", damaged={"public.items": [("1",)]}),
        (Outcome.MEASURED, 1, 1, "blind; damaged: 1 of public.items, such as (1)"),
    ),
    "no table": (
        Round(left_out={"public.items": "has no key"}),
        (Outcome.NO_DATA, None, 0, "no table can be sampled: public.items has no key"),
    ),
}


@pytest.mark.parametrize("kind", list(_SAID))
def test_a_round_says_what_it_found_and_never_more(kind: str) -> None:
    found, (outcome, value, rows, note) = _SAID[kind]
    sample = sample_of(found, _AT)
    assert (sample.at, sample.outcome, sample.value, sample.count) == (_AT, outcome, value, rows)
    assert sample.note == note


def test_a_note_stays_short_though_there_is_much_to_tell() -> None:
    damaged = {f"public.t{n}": [("x" * 50,)] * 9 for n in range(100)}
    sample = sample_of(Round(tables=100, damaged=damaged), _AT)
    assert sample.value == 900
    assert len(sample.note) <= 400
