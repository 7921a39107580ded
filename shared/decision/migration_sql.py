"""Splits SQL into tokens and statements the way PostgreSQL's own scanner does.

Rules of its `scan.l` and of psql's `psqlscan.l`: strings with and without escapes, dollar quotes, nested comments,
bodies of the SQL standard (`BEGIN ATOMIC ... END`), rules with several statements in parentheses.
https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a token is; `text` is a string, `body` one in dollar quotes."""

    SPACE = "space"
    COMMENT = "comment"
    TEXT = "text"
    BODY = "body"
    NAME = "name"
    WORD = "word"
    SYMBOL = "symbol"


class Unfinished(ValueError):
    """A string, name or comment that never ends; `at` is where it begins."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.at = at


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL, with its place in the text."""

    kind: Kind
    text: str
    start: int

    @property
    def word(self) -> str:
        """It in upper case if it is a word or a symbol; else its quote alone: what is in quotes is no keyword."""
        return self.text.upper() if self.kind in (Kind.WORD, Kind.SYMBOL) else self.text[-1]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, without its semicolon.

    Attributes:
        start: Place of its first token.
        tokens: Without spaces and comments.
    """

    text: str
    start: int
    tokens: tuple[Token, ...] = field(repr=False)


# Everything beyond ASCII belongs to words, spaces of other scripts too. Possessive: what looks like an end within a
# string is none, however the string goes on.
_HIGH = "\x80-\U0010ffff"
_AGAIN = r"(?:[ \t\f\v]*(?:--[^\n\r]*)?[\n\r](?:[ \t\f\v\n\r]|--[^\n\r]*[\n\r])*+'(?:[^'\\]|''|\\.)*+')*+"
_TAG = rf"(?:[A-Za-z_{_HIGH}][A-Za-z0-9_{_HIGH}]*)?"
_TOKEN = re.compile(
    rf"""
      (?P<space>   [ \t\n\r\f\v]+ )
    | (?P<comment> --[^\n\r]* )
    | (?P<text>    [eE]'(?:[^'\\]|''|\\.)*+'{_AGAIN} | (?:[bBxXnN]|[uU]&)?'(?:[^']|'')*+' )
    | (?P<name>    (?:[uU]&)?"(?:[^"]|"")*+" )
    | (?P<body>    \$(?P<tag>{_TAG})\$.*?\$(?P=tag)\$ )
    | (?P<word>    [A-Za-z_{_HIGH}][A-Za-z0-9_${_HIGH}]* )
    | (?P<symbol>  [0-9][0-9A-Za-z_.]* | \$[0-9]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)
# Where a token begins that has not matched above.
_UNFINISHED = re.compile(rf"""(?P<string>[eEbBxXnN]?'|[uU]&')|(?P<name>(?:[uU]&)?")|(?P<body>\${_TAG}\$)""")
_COMMENT_END = re.compile(r"/\*|\*/")
_NOTHING = (Kind.SPACE, Kind.COMMENT)
_ROUTINE = re.compile(r"CREATE (OR REPLACE )?(FUNCTION|PROCEDURE)\b")


def tokens(sql: str) -> Iterator[Token]:
    """Return all tokens, whose texts together are the text.

    Raises:
        Unfinished: something is not closed.
    """
    at = 0
    while at < len(sql):
        token = _token(sql, at)
        yield token
        at += len(token.text)


def _token(sql: str, at: int) -> Token:
    if sql.startswith("/*", at):
        return Token(Kind.COMMENT, sql[at : _comment_end(sql, at)], at)
    found = _TOKEN.match(sql, at)
    assert found is not None  # noqa: S101  # its last alternative takes any character
    kind = next(kind for kind in Kind if found[kind] is not None)
    open_ended = _UNFINISHED.match(sql, at) if kind in (Kind.SYMBOL, Kind.WORD) else None
    if open_ended is not None:
        raise Unfinished(f"a {open_ended.lastgroup} that does not end", at)
    return Token(kind, found[0], at)


def _comment_end(sql: str, start: int) -> int:
    depth = 0
    for found in _COMMENT_END.finditer(sql, start):
        depth += 1 if found[0] == "/*" else -1
        if not depth:
            return found.end()
    raise Unfinished("a comment that does not end", start)


def statements(sql: str) -> list[Statement]:
    """Split a script into its statements.

    Raises:
        Unfinished: something is not closed.
    """
    found: list[Statement] = []
    open_ones: list[Token] = []
    nesting = _Nesting()
    for token in tokens(sql):
        if token.kind in _NOTHING:
            continue
        if token.text == ";" and not nesting.is_within:
            found += _statement(sql, open_ones)
            open_ones, nesting = [], _Nesting()
            continue
        nesting.enter(token, open_ones)
        open_ones.append(token)
    return found + _statement(sql, open_ones)


def _statement(sql: str, of: Sequence[Token]) -> list[Statement]:
    if not of:
        return []
    end = of[-1].start + len(of[-1].text)
    return [Statement(sql[of[0].start : end], of[0].start, tuple(of))]


class _Nesting:
    """Whether a semicolon belongs to a statement: in parentheses, and in the body of a routine."""

    def __init__(self) -> None:
        self._parentheses = 0
        self._blocks = 0

    @property
    def is_within(self) -> bool:
        return self._parentheses > 0 or self._blocks > 0

    def enter(self, token: Token, before: Sequence[Token]) -> None:
        word = token.word
        self._parentheses = max(0, self._parentheses + (word == "(") - (word == ")"))
        if self._parentheses or token.kind is not Kind.WORD or not _ROUTINE.match(words(before[:4])):
            return
        if word == "BEGIN" or (word == "CASE" and self._blocks):
            self._blocks += 1
        elif word == "END" and self._blocks:
            self._blocks -= 1


def words(of: Sequence[Token]) -> str:
    """Return tokens with a space between, in upper case; of what is in quotes its quote alone."""
    return " ".join(token.word for token in of)


def token_at(of: Sequence[Token], place: int) -> Token:
    """Return the token that stands at a place of `words`."""
    ends: list[int] = []
    for token in of:
        ends.append((ends[-1] + 1 if ends else 0) + len(token.word))
    return of[bisect_left(ends, place + 1)]


def line_of(sql: str, place: int) -> int:
    """Return the line of a place in a text, from 1."""
    return sql.count("\n", 0, place) + 1
