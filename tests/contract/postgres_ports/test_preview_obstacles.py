"""What would stop a way back after writers are kept out is said by a preview before, with how many rows."""

import re
from typing import Any

import pytest

from shared.errors import ControllerError
from shared.model.sync import Conflicts, Severity
from tests.contract.postgres_ports.moved import Moved

_SHOP = "CREATE TABLE codes (id int PRIMARY KEY, code text {})"
_CI = "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"


def _said(shop: Moved, severity: Severity, **policy: Any) -> list[str]:
    return [str(one) for one in shop.preview(**policy).findings if one.severity is severity]


def _is_stopped(shop: Moved, **policy: Any) -> None:
    with pytest.raises(ControllerError):
        _go_on(shop, **policy)


def _go_on(shop: Moved, **policy: Any) -> None:
    """It may take more than one slice until all that could be tried was."""
    while not shop.look().proved:
        shop.work(**policy)


# By name: what both sides define, what the source defines besides, what is written on the target, and what is said.
_BY_ROWS = {
    "a null that the source does not take": (
        _SHOP.format(""),
        "ALTER TABLE codes ALTER code SET NOT NULL",
        "INSERT INTO codes VALUES (1, NULL), (2, NULL), (3, 'a')",
        "public.codes.code: 2 rows on the target have no value in it, which the source demands",
    ),
    "a null in a key": (
        "CREATE TABLE codes (code text UNIQUE, it text)",
        "ALTER TABLE codes ADD PRIMARY KEY (code)",
        "INSERT INTO codes VALUES (NULL, 'a'), ('b', 'b')",
        "public.codes.code: 1 rows on the target have no value in it, which the source demands",
    ),
    "two of what must be one": (
        _SHOP.format(""),
        "ALTER TABLE codes ADD CONSTRAINT once UNIQUE (code)",
        "INSERT INTO codes VALUES (1, 'a'), (2, 'a'), (3, 'b'), (4, NULL), (5, NULL)",
        "public.codes: 2 rows share values of once, which are unique on the source",
    ),
    "one that does not hold against a check": (
        _SHOP.format(""),
        "ALTER TABLE codes ADD CONSTRAINT short CHECK (length(code) < 3)",
        "INSERT INTO codes VALUES (1, 'abc'), (2, 'a'), (3, NULL)",
        "public.codes: 1 rows on the target do not hold against short, which the source checks",
    ),
}


@pytest.mark.parametrize("case", _BY_ROWS)
@pytest.mark.parametrize("is_logged", [True, False])
def test_rows_that_a_rule_of_the_source_alone_refuses_are_counted(shop: Moved, case: str, *, is_logged: bool) -> None:
    both, source, writes, says = _BY_ROWS[case]
    shop.pair.run(both)
    shop.pair.source.run(source)
    begun = shop.begin()
    assert begun.taken_at is not None
    assert (_said(shop, Severity.BLOCKS), shop.preview().why_not) == ([], None)
    shop.pair.target.run("SELECT 1" if is_logged else "TRUNCATE codes", writes)
    assert says in _said(shop, Severity.BLOCKS)
    assert says in (shop.preview().why_not or "")
    _is_stopped(shop)


def test_what_the_two_sides_define_alike_is_not_said(shop: Moved) -> None:
    shop.pair.run(
        "CREATE TABLE codes (id int PRIMARY KEY, code text NOT NULL UNIQUE CHECK (code <> ''))",
        "INSERT INTO codes SELECT i, i FROM generate_series(1, 9) AS i",
    )
    begun = shop.begin()
    assert begun.findings == ()
    shop.pair.target.run(
        "UPDATE codes SET code = 'none' WHERE id = 1",
        "UPDATE codes SET code = '1' WHERE id = 2",
        "DELETE FROM codes WHERE id = 3",
        "INSERT INTO codes VALUES (10, '3')",
    )
    assert shop.preview().findings == ()
    shop.work()
    assert shop.look().proved


_IN_THE_WAY = "public.codes: 1 rows take a value of codes_code_key that a row of the source holds which does not go"


@pytest.mark.parametrize("rule", list(Conflicts))
def test_a_value_that_a_row_of_the_source_holds_which_nobody_wrote(shop: Moved, rule: Conflicts) -> None:
    shop.pair.run(_SHOP.format("UNIQUE"))
    shop.pair.source.run("INSERT INTO codes VALUES (9, 'x')")
    shop.begin()
    shop.pair.target.run("INSERT INTO codes VALUES (1, 'x')")
    said = _said(shop, Severity.BLOCKS, unexplained=rule)
    if rule is Conflicts.TARGET_WINS:
        assert said == []
        shop.work(unexplained=rule)
        assert shop.look().proved
    else:
        assert said == [f"{_IN_THE_WAY} with them"]
        _is_stopped(shop, unexplained=rule)


def test_a_value_that_a_row_holds_which_stays_on_the_source(shop: Moved) -> None:
    shop.pair.run(_SHOP.format("UNIQUE"), "INSERT INTO codes VALUES (1, 'a'), (2, 'b')")
    shop.begin()
    shop.pair.source.run("UPDATE codes SET code = 'z' WHERE id = 1")
    shop.pair.target.run("UPDATE codes SET code = 'y' WHERE id = 1", "INSERT INTO codes VALUES (3, 'z')")
    [said] = _said(shop, Severity.BLOCKS, conflicts="source_wins")
    assert said.startswith(_IN_THE_WAY)
    assert _said(shop, Severity.BLOCKS, conflicts="source_wins", unexplained="target_wins") == [said]
    assert _said(shop, Severity.BLOCKS, conflicts="target_wins") == []
    _is_stopped(shop, conflicts="source_wins")


def test_a_source_that_nobody_watched_stops_who_stops_for_conflicts(shop: Moved) -> None:
    shop.begin()
    shop.pair.source.run("ALTER TABLE items DISABLE TRIGGER rollback_controller_log_update")
    says = "public.items: nobody knows whether its rows were changed on the source as well: its triggers for update"
    assert any(one.startswith(says) for one in _said(shop, Severity.BLOCKS))
    assert says in (shop.preview().why_not or "")
    assert (_said(shop, Severity.BLOCKS, conflicts="target_wins"), says) == ([], says)
    _is_stopped(shop)


def test_a_rule_about_columns_of_the_source_alone_cannot_be_asked(shop: Moved) -> None:
    shop.pair.run(_SHOP.format(""))
    shop.pair.source.run("ALTER TABLE codes ADD own int, ADD CONSTRAINT mine CHECK (own IS NULL OR code IS NOT NULL)")
    shop.begin()
    shop.pair.target.run("INSERT INTO codes VALUES (1, 'a')")
    assert any("the source checks mine, and the target does not" in one for one in _said(shop, Severity.NOTED))
    assert shop.preview().why_not is None


_AT_ONCE = {
    "a key that holds later": (
        "CREATE TABLE odd (id int PRIMARY KEY)",
        "CREATE TABLE odd (id int PRIMARY KEY DEFERRABLE)",
        r"public\.odd: it is keyed by \(id\) on the source and \(\) on the target: a key that is deferrable, an excl",
    ),
    "an exclusion": (
        "CREATE TABLE odd (r int4range PRIMARY KEY)",
        "CREATE TABLE odd (r int4range NOT NULL, EXCLUDE USING gist (r WITH &&))",
        r"public\.odd: it is keyed by \(r\) on the source and \(\) on the target",
    ),
    "a key without case on one side": (
        f"{_CI}; CREATE TABLE odd (k text COLLATE ci PRIMARY KEY)",
        "CREATE TABLE odd (k text PRIMARY KEY)",
        r"public\.odd\.k: as a key, different texts count as the same on the source alone",
    ),
    "more columns than an image can have": (
        *[f"CREATE TABLE odd (id int PRIMARY KEY, {', '.join(f'c{i} int' for i in range(1597))})"] * 2,
        r"public\.odd: it has more than 1,595 columns",
    ),
}


@pytest.mark.parametrize("case", _AT_ONCE)
def test_what_can_be_known_at_the_start_is_refused_at_the_start(shop: Moved, case: str) -> None:
    source, target, says = _AT_ONCE[case]
    shop.pair.source.run(source)
    shop.pair.target.run(target)
    begun = shop.begin()
    assert begun.taken_at is None
    assert [one for one in begun.findings if one.severity is Severity.BLOCKS and _matches(says, str(one))]


def _matches(says: str, said: str) -> bool:
    return re.match(says, said) is not None


def test_a_column_that_must_have_a_value_is_not_left_out(shop: Moved) -> None:
    shop.pair.run("CREATE TABLE people (id int PRIMARY KEY, name text, secret text NOT NULL)")
    begun = shop.begin(leave_out=("public.people.secret",))
    says = "public.people.secret: it is left out, and the source takes no row without a value in it"
    assert (begun.taken_at, [str(one) for one in begun.findings]) == (None, [says])
    shop.pair.source.run("ALTER TABLE people ALTER secret SET DEFAULT ''")
    assert shop.begin(leave_out=("public.people.secret",)).taken_at is not None
