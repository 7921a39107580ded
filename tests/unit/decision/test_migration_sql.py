"""SQL is split where PostgreSQL splits it: whatever stands in quotes or comments is neither word nor end."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.decision.migration_sql import Kind, Unfinished, line_of, statements, tokens

_INNER = st.text(alphabet="ab;'\"\\$/*-\n éBEGIN(", max_size=8)
_TAGS = st.sampled_from(["", "a", "B_1", "é"])


def _commented(depth: int) -> st.SearchStrategy[str]:
    plain = _INNER.map(lambda text: text.replace("/*", "").replace("*/", "").strip("/*"))
    inner = plain if not depth else st.tuples(plain, _commented(depth - 1), plain).map(" ".join)
    return inner.map(lambda text: f"/*{text}*/")


def _bodies() -> st.SearchStrategy[str]:
    return st.tuples(_TAGS, _INNER).filter(lambda of: "$" not in of[1]).map(lambda of: f"${of[0]}${of[1]}${of[0]}$")


_PIECES = st.one_of(
    st.tuples(st.just(Kind.TEXT), _INNER.map(lambda text: f"""'{text.replace("'", "''")}'""")),
    st.tuples(
        st.just(Kind.TEXT),
        _INNER.map(lambda text: "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"),
    ),
    st.tuples(st.just(Kind.NAME), _INNER.map(lambda text: f'''"{text.replace('"', '""')}"''')),
    st.tuples(st.just(Kind.BODY), _bodies()),
    st.tuples(st.just(Kind.COMMENT), st.integers(0, 2).flatmap(_commented)),
    st.tuples(st.just(Kind.COMMENT), _INNER.map(lambda text: "--" + text.replace("\n", ""))),
    st.tuples(st.just(Kind.WORD), st.sampled_from(["a", "begin", "e", "x$y", "é1"])),
    st.tuples(st.just(Kind.SYMBOL), st.sampled_from(["1", "1.5", "$1", "+", ",", "\\", ";"])),
)


@given(st.lists(_PIECES, max_size=12))
def test_what_is_put_together_comes_apart_as_it_was(pieces: list[tuple[Kind, str]]) -> None:
    """A line break between two pieces ends what a comment of one line would go on with."""
    assume(not _continues(pieces))
    sql = "\n".join(text for _, text in pieces)
    assert [(token.kind, token.text) for token in tokens(sql) if token.kind is not Kind.SPACE] == pieces


def _continues(pieces: list[tuple[Kind, str]]) -> bool:
    """Tell whether a string with escapes goes on in the next line: the two are one then."""
    plain = [text for kind, text in pieces if not (kind is Kind.COMMENT and text.startswith("--"))]
    return any(one.startswith("E'") and other.startswith("'") for one, other in pairwise(plain))


@given(st.text(alphabet="aeEU&;'\"\\$/*- \n1(", max_size=30))
def test_tokens_are_the_whole_text_or_something_does_not_end(sql: str) -> None:
    try:
        found = list(tokens(sql))
    except Unfinished as unfinished:
        assert sql[unfinished.at] in "eEUbBxXnN'\"$/"  # noqa: PT017  # that it is raised is no matter of the test
        return
    assert "".join(token.text for token in found) == sql
    assert [token.start for token in found] == [sum(len(one.text) for one in found[:n]) for n in range(len(found))]


@given(st.lists(_PIECES.filter(lambda piece: piece[1] not in (";", "E'", "\\")), min_size=1, max_size=4))
def test_a_semicolon_ends_a_statement_and_one_in_quotes_does_not(pieces: list[tuple[Kind, str]]) -> None:
    assume(not _continues(pieces))
    one = "SELECT " + "\n".join(text for _, text in pieces) + "\n"
    assert len(statements(f"{one};{one};;{one}")) == 3


@pytest.mark.parametrize(
    ("sql", "split"),
    [
        ("SELECT 1; -- ;\n SELECT 2 /* ; /* ; */ ; */;", ["SELECT 1", "SELECT 2"]),
        ("SELECT 'a\\'; SELECT 2", ["SELECT 'a\\'", "SELECT 2"]),
        ("SELECT E'a\\'; SELECT 2'", ["SELECT E'a\\'; SELECT 2'"]),
        ("SELECT E'a'\n'b\\'; c'; SELECT 2", ["SELECT E'a'\n'b\\'; c'", "SELECT 2"]),
        ("SELECT a$$b; SELECT $$;$$", ["SELECT a$$b", "SELECT $$;$$"]),
        ("SELECT $a$ $b$ ; $a$; SELECT 2", ["SELECT $a$ $b$ ; $a$", "SELECT 2"]),
        ("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3",
         ["CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", "SELECT 3"]),
        ("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END; SELECT 3",
         ["CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END", "SELECT 3"]),
        ("create or replace procedure p(begin int) begin atomic select 1; end; select 3",
         ["create or replace procedure p(begin int) begin atomic select 1; end", "select 3"]),
        (" ;; ", []),
    ],
)  # fmt: skip
def test_scripts_are_split_into_statements(sql: str, split: list[str]) -> None:
    assert [statement.text for statement in statements(sql)] == split
    assert all(sql.startswith(one.text, one.start) for one in statements(sql))


@pytest.mark.parametrize("sql", ["a\n'b", "a\n\"b''", "a\n/* /* */", "a\n$x$ $y$ $$", "a\nE'\\'", "a\nU&'b", "a\nb'1"])
def test_what_does_not_end_is_found_where_it_begins(sql: str) -> None:
    with pytest.raises(Unfinished) as found:
        list(tokens(sql))
    assert line_of(sql, found.value.at) == 2
