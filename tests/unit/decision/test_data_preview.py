"""A preview names what people agree to: what is lost or decided between two sides, not how many rows go back."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.data_preview import DataPreview, Loss, Readable, SequenceGap, TablePreview
from shared.model.sync import Conflicts, Finding, Severity
from tests.fakes.clock import NOON

_TABLE = TablePreview(table="public.orders", keys=10, inserts=3, updates=5, deletes=2)
_LOSS = Loss(about="orders.note", what="is not on the source", rows=100)
PREVIEW = DataPreview(
    database="shop",
    checkpoint="c1",
    taken_at=NOON,
    at=NOON,
    rule=Conflicts.TARGET_WINS,
    tables=(_TABLE, replace(_TABLE, table="public.items", conflicts=7)),
    losses=(_LOSS,),
    takes=timedelta(seconds=20),
)
_BLOCKS = Finding(severity=Severity.BLOCKS, about="public.audit", what="has no key")
_LOSES = replace(_BLOCKS, severity=Severity.LOSES)

# An agreement is not taken away by these: writers go on, and time does.
_SAME: dict[str, dict[str, object]] = {
    "more rows": {"tables": (replace(_TABLE, inserts=900, keys=905), PREVIEW.tables[1])},
    "a few deletes": {"tables": (replace(_TABLE, deletes=900), PREVIEW.tables[1])},
    "a table that nothing is decided of": {"tables": (*PREVIEW.tables, replace(_TABLE, table="public.new"))},
    "one more conflict": {"tables": (_TABLE, replace(PREVIEW.tables[1], conflicts=8))},
    "a few more lost": {"losses": (replace(_LOSS, rows=128),)},
    "later": {"at": NOON + timedelta(hours=1), "lag": timedelta(hours=1)},
    "slower": {"takes": timedelta(minutes=9)},
    "sequences": {"sequences": (SequenceGap(sequence="public.s", source=None, target=7),)},
    "what was named before": {"findings": (_LOSES,)},
    "readable": {"readable": Readable(ok=True, says="version 41")},
}
_ANOTHER: dict[str, dict[str, object]] = {
    "another database": {"database": "stock"},
    "another checkpoint": {"checkpoint": "c2"},
    "another rule for what nobody wrote": {"unexplained_rule": Conflicts.SOURCE_WINS},
    "what nobody wrote": {"tables": (replace(_TABLE, unexplained=1), PREVIEW.tables[1])},
    "another rule": {"rule": Conflicts.SOURCE_WINS},
    "twice as many lost": {"losses": (replace(_LOSS, rows=129),)},
    "something else lost": {"losses": (replace(_LOSS, about="orders.tag"),)},
    "lost in another way": {"losses": (replace(_LOSS, what="was left out"),)},
    "more that is lost": {"losses": (_LOSS, replace(_LOSS, about="orders.tag", rows=1))},
    "nothing lost": {"losses": ()},
    "a table that is not taken any more": {"left_out": ("public.audit: it was dropped on the target",)},
    "more conflicts": {"tables": (_TABLE, replace(PREVIEW.tables[1], conflicts=9))},
    "many deletes": {"tables": (replace(_TABLE, deletes=1_100), PREVIEW.tables[1])},
    "conflicts elsewhere": {"tables": (replace(_TABLE, conflicts=1), PREVIEW.tables[1])},
    "something against it": {"findings": (_BLOCKS,)},
    "unreadable": {"readable": Readable(ok=False, says="the old build reads version 41, not 42")},
}


def _changed(changes: object) -> DataPreview:
    return replace(PREVIEW, **changes)  # type: ignore[arg-type]  # any field


@pytest.mark.parametrize("what", _SAME)
def test_an_agreement_outlives(what: str) -> None:
    assert _changed(_SAME[what]).digest == PREVIEW.digest


@pytest.mark.parametrize("what", _ANOTHER)
def test_an_agreement_does_not_cover(what: str) -> None:
    assert _changed(_ANOTHER[what]).digest != PREVIEW.digest


def test_every_field_was_thought_of() -> None:
    named = {name for group in (_SAME, _ANOTHER) for changes in group.values() for name in changes}
    assert set(DataPreview.__dataclass_fields__) == named | {"taken_at"}  # which the checkpoint's id stands for


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_whoever_agrees_to_a_number_agrees_to_no_more_than_twice_as_many(seen: int, now: int) -> None:
    def of(rows: int) -> str:
        return _changed({"losses": (replace(_LOSS, rows=rows),)}).digest

    if of(seen) == of(now):
        assert now < 2 * seen
    if seen <= now and of(seen) != of(now):
        assert now > seen


@pytest.mark.parametrize("rule", Conflicts)
def test_one_conflict_more_takes_no_agreement_away_whatever_is_done_with_it(rule: Conflicts) -> None:
    """Writers go on while people are asked: an agreement that every conflict took away could never be given."""
    digests = [_changed({"rule": rule, "tables": (replace(_TABLE, conflicts=n),)}).digest for n in range(5, 9)]
    assert len(set(digests)) == 1
    more = _changed({"rule": rule, "tables": (replace(_TABLE, conflicts=9),)})
    assert more.digest not in digests


def test_whoever_agreed_to_few_deletes_agreed_to_no_million() -> None:
    few, many = (_changed({"tables": (replace(_TABLE, deletes=n),)}) for n in (0, 1_000_000))
    assert few.digest != many.digest


def test_what_people_agree_to_is_named() -> None:
    assert PREVIEW.behind == (
        "orders.note: is not on the source (100)",
        "public.items: 7 changed on both sides (target wins)",
    )


def test_its_digest_is_what_the_api_takes() -> None:
    assert len(PREVIEW.digest) == 16
    assert int(PREVIEW.digest, 16) >= 0


def test_its_numbers() -> None:
    assert (PREVIEW.lost, PREVIEW.conflicts, PREVIEW.changes) == (100, 7, 20)


def test_its_sentence() -> None:
    assert str(PREVIEW) == (
        "shop: 6 rows inserted, 10 updated, 4 deleted on the source; 7 changed on both sides (target wins); "
        "100 rows or values stay behind; about 20 s"
    )
    nothing = _changed({"losses": (), "tables": ()})
    said = "shop: 0 rows inserted, 0 updated, 0 deleted on the source; nothing stays behind; about 20 s"
    assert str(nothing) == said


def test_why_it_could_not_begin_names_all_that_stands_against_it() -> None:
    assert PREVIEW.why_not is None
    assert _changed({"findings": (_LOSES,)}).why_not is None
    stopped = _changed(
        {"rule": Conflicts.STOP, "findings": (_BLOCKS,), "readable": Readable(ok=False, says="it reads no version 42")}
    )
    assert stopped.why_not == (
        "public.audit: has no key; rows were changed on the source as well: 7 of public.items; it reads no version 42"
    )
