"""What can go back, and what cannot, from two catalogues that are written down here."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.sync_findings import of_sequences
from shared.decision.sync_passes import passes
from shared.decision.sync_plan import sync_plan
from shared.decision.sync_sequences import alone, paired, past, positions
from shared.model.sync import Keyless, Pass, Severity, SyncPlan, SyncRules
from shared.model.tables import Catalogue, Column, Reference, Sequence, Server, Table, TableName

_SERVER = Server(
    version=150018,
    system="1",
    encoding="UTF8",
    role="keeper",
    superuser=False,
    bypasses_row_security=True,
    replica_role=True,
    read_only=False,
    can_create_schema=True,
)
_ID = Column(name="id", type="integer", exact=True, not_null=True, required=True)
_ITEMS = TableName("public", "items")
_NOTES = TableName("public", "notes")


def _table(name: TableName = _ITEMS, **changes: object) -> Table:
    table = Table(oid=1, name=name, columns=(_ID, replace(_ID, name="a", not_null=False, required=False)), key=("id",))
    return replace(table, **changes)  # type: ignore[arg-type]  # what a table has


def _catalogue(*tables: Table, replica_role: bool = True, sequences: tuple[Sequence, ...] = ()) -> Catalogue:
    return Catalogue(
        read_at=datetime(2026, 3, 1, tzinfo=UTC),
        server=replace(_SERVER, replica_role=replica_role),
        tables={table.name: table for table in tables},
        sequences={sequence.name: sequence for sequence in sequences},
    )


def _said(plan: SyncPlan, severity: Severity) -> list[str]:
    return [str(finding) for finding in plan.findings if finding.severity is severity]


_REPLACE = SyncRules(keyless=Keyless.REPLACE)


@pytest.mark.parametrize(("rows", "blocks"), [(200_000, False), (200_001, True)])
def test_a_table_without_a_key_is_replaced_up_to_so_many_rows(rows: int, blocks: bool) -> None:
    plan = sync_plan(_catalogue(_table(key=())), _catalogue(_table(key=(), rows=rows)), _REPLACE)
    assert bool(plan.blocking) is blocks
    assert [of.named_by for of in plan.tables] == [("rollback_hash",)]


def test_a_table_without_a_key_is_refused_where_others_refer_to_it_and_rows_go_in_order() -> None:
    leads = Reference(name="leads", columns=("a",), to=_ITEMS, to_columns=("a",))
    tables = _table(key=(), unique={"some": ("a",)}), _table(_NOTES, references=(leads,))
    plan = sync_plan(_catalogue(*tables, replica_role=False), _catalogue(*tables), _REPLACE)
    assert "public.items: it has no key, other tables refer to it" in _said(plan, Severity.BLOCKS)[0]
    assert not sync_plan(_catalogue(*tables), _catalogue(*tables), _REPLACE).blocking


@pytest.mark.parametrize("replica_role", [True, False])
def test_rows_without_a_key_go_once(replica_role: bool) -> None:
    tables = _table(key=(), unique={"some": ("a",)}), _table(_NOTES)
    plan = sync_plan(_catalogue(*tables, replica_role=replica_role), _catalogue(*tables), _REPLACE)
    done = [does for work in passes(plan) for of, does in work if not of.key]
    assert done == [Pass.MOVE if replica_role else Pass.PUT]


@pytest.mark.parametrize(
    ("here", "there", "alike"),
    [
        ("integer", "bigint", True),
        ("character varying(40)", "text", True),
        ("numeric", "numeric", True),
        ("numeric(14,2)", "numeric", False),
        ("character(5)", "text", False),
        ("character(5)", "character varying(5)", False),
        ("timestamp(3) without time zone", "timestamp without time zone", False),
    ],
)
def test_keys_of_other_types_are_refused_unless_they_compare_alike(here: str, there: str, alike: bool) -> None:
    source, target = (_table(columns=(replace(_ID, type=kind),)) for kind in (here, there))
    assert bool(sync_plan(_catalogue(source), _catalogue(target), SyncRules()).blocking) is not alike


_TEXT = replace(_ID, type="text")


@pytest.mark.parametrize(("here", "there"), [(True, False), (False, True), (False, False), (True, True)])
def test_keys_that_only_one_side_compares_loosely_are_refused(*, here: bool, there: bool) -> None:
    source, target = (_table(columns=(replace(_TEXT, exact=exact),)) for exact in (here, there))
    said = _said(sync_plan(_catalogue(source), _catalogue(target), SyncRules()), Severity.BLOCKS)
    side = "target" if here else "source"
    what = f"as a key, different texts count as the same on the {side} alone, such as those of another case"
    assert said == ([] if here is there else [f"public.items.id: {what}"])


def test_a_key_must_name_rows_at_once_on_the_other_side() -> None:
    """Among the unique ones are those that hold only when a transaction ends, for some rows, or in another sense."""
    source = _catalogue(_table())
    late = _table(key=(), unique={"late": ("id",)})
    [said] = _said(sync_plan(source, _catalogue(late), SyncRules()), Severity.BLOCKS)
    assert "names no row" in said
    assert not sync_plan(source, _catalogue(replace(late, naming=(("id",),))), SyncRules()).blocking


_A = replace(_ID, name="a")


@pytest.mark.parametrize(
    ("column", "left_out", "severity"),
    [
        (_A, False, Severity.NOTED),
        (_A, True, Severity.BLOCKS),
        (replace(_A, required=False), True, None),
        (replace(_A, not_null=False, required=False), False, None),
    ],
)
def test_what_the_source_takes_no_row_without(column: Column, left_out: bool, severity: Severity | None) -> None:
    source = _table(columns=(_ID, column))
    rules = SyncRules(leave_out=("public.items.a",) if left_out else ())
    plan = sync_plan(_catalogue(source), _catalogue(_table()), rules)
    assert [(one.severity, one.about) for one in plan.findings] == ([(severity, "public.items.a")] if severity else [])


def test_what_is_unique_on_the_source_alone_is_told() -> None:
    source, rules = _table(unique={"once": ("a",), "over an expression": ()}), SyncRules()
    plan = sync_plan(_catalogue(source), _catalogue(_table()), rules)
    says = "public.items: (a) is unique on the source alone (once): rows with the same cannot go back"
    assert _said(plan, Severity.NOTED) == [says]
    assert not sync_plan(_catalogue(source), _catalogue(_table(unique={"other": ("a",)})), rules).findings


@pytest.mark.parametrize(("more", "blocks"), [(1_594, False), (1_595, True)])
def test_a_table_has_fewer_columns_than_fit_beside_its_images(more: int, blocks: bool) -> None:
    wide = _catalogue(_table(columns=(_ID, *(replace(_A, name=f"c{i}", required=False) for i in range(more)))))
    assert bool(sync_plan(wide, wide, SyncRules()).blocking) is blocks


def _sequence(name: str, last: int | None = 5, *, owner: str = "", increment: int = 1, **more: bool) -> Sequence:
    return Sequence(
        name=TableName("public", name),
        owner=(_ITEMS, owner) if owner else None,
        increment=increment,
        last=last,
        lowest=-100,
        highest=100,
        **more,
    )


def _pairs(here: list[Sequence], there: list[Sequence]) -> dict[str, str]:
    found = paired({one.name: one for one in here}, {one.name: one for one in there})
    return {mine.name: other.name for mine, other in found.items()}


def test_a_sequence_is_that_of_the_same_column_before_it_is_that_of_the_same_name() -> None:
    here = [_sequence("a", owner="x"), _sequence("b", owner="y"), _sequence("c"), _sequence("d")]
    there = [_sequence("b", owner="x"), _sequence("a"), _sequence("c"), _sequence("e", owner="y")]
    assert _pairs(here, there) == {"a": "b", "b": "e", "c": "c"}


def test_a_sequence_alone_is_one_that_feeds_a_column_of_numbers_that_goes_back() -> None:
    source = _catalogue(_table(), sequences=(_sequence("a", owner="id"), _sequence("b", owner="a"), _sequence("c")))
    plan = sync_plan(source, _catalogue(_table()), SyncRules())
    found = alone(source.sequences, {}, plan.tables)
    assert {name.name: column for name, (_, column) in found.items()} == {"a": "id", "b": "a"}
    other = _sequence("x", owner="a")
    assert [one.name for one in alone(source.sequences, {other.name: other}, plan.tables)] == ["a"]
    texts = sync_plan(source, _catalogue(_table(columns=(_ID,))), SyncRules())
    assert [one.name for one in alone(source.sequences, {}, texts.tables)] == ["a"]


@given(
    last=st.none() | st.integers(-100, 100),
    found=st.none() | st.integers(-300, 300),
    increment=st.sampled_from([-2, 3]),
)
def test_a_sequence_alone_is_past_every_row(last: int | None, found: int | None, increment: int) -> None:
    one = _sequence("a", last, increment=increment)
    then = past(one, found)
    if then is None:
        assert found is None or (last is not None and (last - found) * increment >= 0)
    else:
        assert found is not None
        assert then == min(max(found, -100), 100)
    assert past(replace(one, settable=False), found) is None


@given(
    here=st.none() | st.integers(-100, 100),
    there=st.none() | st.integers(-200, 200),
    increment=st.sampled_from([-3, -1, 1, 7]),
)
def test_no_sequence_goes_back_nor_past_its_end(here: int | None, there: int | None, increment: int) -> None:
    mine, other = (_sequence("a", last, increment=increment) for last in (here, there))
    moved = positions({mine.name: mine}, {other.name: other})
    if there is None or (here is not None and (here - there) * increment >= 0):
        assert moved == {}
        return
    end = 100 if increment > 0 else -100
    last = moved.get(mine.name, here)
    assert last is not None
    assert last == there or abs(there) > 100
    assert here is None or (last - here) * increment >= 0
    assert (end - last) * increment >= 0


def test_one_that_cycles_is_where_the_target_is_and_one_that_may_not_be_set_stays() -> None:
    other = _sequence("a", 3)
    assert positions({other.name: _sequence("a", 90, cycles=True)}, {other.name: other}) == {other.name: 3}
    assert positions({other.name: _sequence("a", 1, settable=False)}, {other.name: other}) == {}


@pytest.mark.parametrize(("schema", "severity"), [("public", Severity.BLOCKS), ("cron", Severity.NOTED)])
def test_a_sequence_that_may_not_be_read_is_not_taken_for_unused(schema: str, severity: Severity) -> None:
    name = TableName(schema, "numbers")
    read = Sequence(name=name, owner=None, increment=1, last=3)
    source, target = (_catalogue(sequences=(one,)) for one in (read, replace(read, readable=False)))
    (found,) = of_sequences(source, target, [_ITEMS])
    assert (found.severity, found.about) == (severity, str(name))
    assert "GRANT SELECT ON SEQUENCE" in found.what
