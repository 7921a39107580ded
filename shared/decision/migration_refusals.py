"""What scripts must not hold, because all of them are one transaction that is not theirs: found before anything runs.

What the server refuses within a transaction stands in the notes of each command's page and, in its source, wherever
`PreventInTransactionBlock` is called. A few of these depend on the catalogue (a partitioned table that is reindexed, a
subscription with a slot): those are left to the server, which refuses them without harm.
https://www.postgresql.org/docs/current/sql-commands.html
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from shared.decision.migration_sql import (
    Kind,
    Statement,
    Token,
    Unfinished,
    line_of,
    statements,
    token_at,
    tokens,
    words,
)
from shared.model.migration import Script

_NOT_ITS_OWN = "all scripts are one transaction, which is not this script's to begin or end"
_ALONE = "the server takes it in no transaction, and all scripts are one"
_CLIENT = "rows come from no client here; write INSERT"
# What is refused is the first group.
_REFUSED = tuple(
    (re.compile(pattern), why)
    for pattern, why in (
        (r"(BEGIN|START TRANSACTION|COMMIT|END|ROLLBACK|ABORT|PREPARE TRANSACTION)\b", _NOT_ITS_OWN),
        (r"(SET (?:LOCAL |SESSION )?TRANSACTION|SET SESSION CHARACTERISTICS)\b", _NOT_ITS_OWN),
        (r"(VACUUM)\b", _ALONE),
        (r"((?:CREATE|DROP) (?:DATABASE|TABLESPACE))\b", _ALONE),
        (r"(ALTER SYSTEM)\b", _ALONE),
        (r"ALTER DATABASE \S+ (SET TABLESPACE)\b", _ALONE),
        (r"(?:CREATE (?:UNIQUE )?|DROP )INDEX (CONCURRENTLY)\b", _ALONE),
        (r"REINDEX (?:\( [^)]*\) )?(?:INDEX |TABLE )?(CONCURRENTLY|SCHEMA|DATABASE|SYSTEM)\b", _ALONE),
        (r"REINDEX \( [^)]*\b(CONCURRENTLY)\b", _ALONE),
        (r"ALTER TABLE .* DETACH PARTITION .* (CONCURRENTLY)$", _ALONE),
        (r"(CLUSTER)(?: VERBOSE| \( [^)]*\))?$", _ALONE),
        (r"(DISCARD ALL)\b", _ALONE),
        (r"COPY .*\b(?:FROM|TO) (STDIN|STDOUT)\b", _CLIENT),
        (
            r"(?:SET|RESET) (?:LOCAL |SESSION )?(STANDARD_CONFORMING_STRINGS)\b",
            "strings are read as the standard has it",
        ),
    )
)
_TYPE_MADE = re.compile(r"CREATE TYPE ")
_VALUE_ADDED = re.compile(r"ALTER TYPE .* ADD VALUE (?:IF NOT EXISTS )?'")


def refusals(scripts: Iterable[Script]) -> list[str]:
    """Say which scripts cannot run one after the other in one transaction: file, line, word and why."""
    found: list[str] = []
    labels = _NewLabels()
    for script in scripts:
        try:
            split = statements(script.text)
        except Unfinished as unfinished:
            found.append(f"{script.name}:{line_of(script.text, unfinished.at)}: {unfinished}")
            continue
        found += [said for one in split for said in (*_refused(script, one), *labels.used(script, one))]
    return found


def _refused(script: Script, statement: Statement) -> Iterator[str]:
    said = words(statement.tokens)
    for pattern, why in _REFUSED:
        match = pattern.match(said)
        if match is not None:
            yield _say(script, token_at(statement.tokens, match.start(1)), match[1], why)
    for token in statement.tokens:
        if token.text == "\\":
            yield _say(script, token, "\\", "a command of psql, which no server knows")
            return


def _say(script: Script, at: Token, what: str, why: str) -> str:
    return f"{script.name}:{line_of(script.text, at.start)}: {what}: {why}"


class _NewLabels:
    """Labels that scripts add to enum types: the server takes none of them before they are committed.

    Of a type that was made in the same transaction it does. A label of the same spelling that is meant for something
    else is refused as well: what a string is for is not known here.
    """

    def __init__(self) -> None:
        self._made: set[str] = set()
        self._added: dict[str, str] = {}

    def used(self, script: Script, statement: Statement) -> Iterator[str]:
        """Return what is said against a statement, and learn what it adds."""
        said = words(statement.tokens)
        if _TYPE_MADE.match(said):
            self._made.add(_type_name(statement.tokens))
        added = _VALUE_ADDED.match(said)
        if added is None:
            yield from self._uses(script, statement)
        elif _type_name(statement.tokens) not in self._made:
            label = token_at(statement.tokens, added.end() - 1)
            self._added[_value(label)] = f"{script.name}:{line_of(script.text, label.start)}"

    def _uses(self, script: Script, statement: Statement) -> Iterator[str]:
        for token in _strings(statement):
            where = self._added.get(_value(token))
            if where is not None:
                yield _say(script, token, token.text, f"a value that {where} adds to a type; it can be used after that "
                           "is committed: put this into a later run")  # fmt: skip


def _type_name(of: Sequence[Token]) -> str:
    """Return what stands behind `CREATE TYPE` or `ALTER TYPE`, as it would be written without quotes."""
    name: list[str] = []
    for token in of[2:]:
        if token.kind not in (Kind.WORD, Kind.NAME) and token.text != ".":
            break
        if name and token.text != "." and name[-1] != ".":
            break
        name.append(token.text[1:-1] if token.kind is Kind.NAME else token.text.lower())
    return "".join(name)


def _strings(statement: Statement) -> Iterator[Token]:
    """Return the strings of a statement, and of the block that it runs if it is a `DO`."""
    does = statement.tokens[0].word == "DO"
    for token in statement.tokens:
        if token.kind is Kind.TEXT:
            yield token
        elif token.kind is Kind.BODY and does:
            yield from _within(token)


def _within(body: Token) -> Iterator[Token]:
    """Return the strings of a block; what is no SQL there is left to the server."""
    fence = body.text.index("$", 1) + 1
    try:
        inner = [token for token in tokens(body.text[fence:-fence]) if token.kind is Kind.TEXT]
    except Unfinished:
        return
    yield from (Token(one.kind, one.text, body.start + fence + one.start) for one in inner)


def _value(token: Token) -> str:
    return token.text[token.text.index("'") + 1 : -1].replace("''", "'")
