"""Which tables of a checkpoint a plan of now leaves out."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from shared.decision.sync_left_out import LeftOut, left_out_since
from shared.model.sync import Finding, Severity, SyncPlan, SyncTable
from shared.model.tables import Table, TableName

_NAMES = [TableName("public", name) for name in "abcd"]
_NOW = st.dictionaries(st.sampled_from(_NAMES), st.integers(1, 4), max_size=4).filter(
    lambda found: len(set(found.values())) == len(found)
)


def _table(name: TableName, oid: int) -> Table:
    return Table(oid=oid, name=name, columns=())


def _plan(*names: TableName, there: dict[TableName, int]) -> SyncPlan:
    tables = (SyncTable(oid=there[one], source_oid=1, name=one, key=("id",), columns=(), place=1) for one in names)
    return SyncPlan(tables=tuple(tables))


def _left(then: dict[TableName, int], plan: SyncPlan, there: dict[TableName, int]) -> dict[str, LeftOut]:
    content = {str(name): {"oid": oid} for name, oid in then.items()}
    found = left_out_since(content, plan, {name: _table(name, oid) for name, oid in there.items()})
    return {one.name: one for one in found}


@given(then=_NOW, there=_NOW, data=st.data())
def test_each_table_is_taken_under_some_name_or_made_anew_or_named(
    then: dict[TableName, int], there: dict[TableName, int], data: st.DataObject
) -> None:
    taken = data.draw(st.sets(st.sampled_from(sorted(there)))) if there else set()
    found = _left(then, _plan(*taken, there=there), there)
    for name, oid in then.items():
        is_taken = oid in {there[one] for one in taken}
        is_anew = oid not in there.values() and name in taken
        assert (str(name) in found) is not (is_taken or is_anew)
    assert all(there.get(one.now) == one.oid if one.now else one.oid not in there.values() for one in found.values())


def test_what_the_plan_says_itself_is_not_said_twice() -> None:
    a, b = _NAMES[:2]
    then, there = {a: 1, b: 2}, {a: 1, b: 2}
    loses = Finding(severity=Severity.LOSES, about="public.b", what="it is not on the source")
    assert _left(then, replace(_plan(a, there=there), findings=(loses,)), there) == {}
    noted = replace(loses, severity=Severity.NOTED)
    assert list(_left(then, replace(_plan(a, there=there), findings=(noted,)), there)) == ["public.b"]
