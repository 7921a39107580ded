"""Which statements scripts must not hold, by file, line and word; and which only look like these."""

import pytest

from shared.decision.migration_refusals import refusals
from shared.model.migration import Script


def said(*texts: str) -> list[str]:
    return refusals(Script(name=f"{n:03}_s.sql", text=text, sha256="") for n, text in enumerate(texts, start=1))


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("BEGIN", "BEGIN"),
        ("begin transaction", "BEGIN"),
        ("START TRANSACTION", "START TRANSACTION"),
        ("/* x */ COMMIT", "COMMIT"),
        ("END", "END"),
        ("ROLLBACK TO a", "ROLLBACK"),
        ("COMMIT PREPARED 'a'", "COMMIT"),
        ("PREPARE TRANSACTION 'a'", "PREPARE TRANSACTION"),
        ("SET TRANSACTION READ ONLY", "SET TRANSACTION"),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET SESSION CHARACTERISTICS"),
        ("VACUUM (FULL) items", "VACUUM"),
        ("CREATE DATABASE a", "CREATE DATABASE"),
        ("DROP DATABASE a", "DROP DATABASE"),
        ("CREATE TABLESPACE a LOCATION '/'", "CREATE TABLESPACE"),
        ("ALTER SYSTEM SET a = 1", "ALTER SYSTEM"),
        ("ALTER DATABASE a SET TABLESPACE b", "SET TABLESPACE"),
        ("CREATE UNIQUE INDEX CONCURRENTLY a ON b (c)", "CONCURRENTLY"),
        ("DROP INDEX CONCURRENTLY a", "CONCURRENTLY"),
        ("REINDEX INDEX CONCURRENTLY a", "CONCURRENTLY"),
        ("REINDEX (CONCURRENTLY) TABLE a", "CONCURRENTLY"),
        ("REINDEX DATABASE a", "DATABASE"),
        ("ALTER TABLE a DETACH PARTITION b CONCURRENTLY", "CONCURRENTLY"),
        ("CLUSTER", "CLUSTER"),
        ("DISCARD ALL", "DISCARD ALL"),
        ("COPY a (b) FROM STDIN WITH (FORMAT csv)", "STDIN"),
        ("COPY (SELECT 1) TO STDOUT", "STDOUT"),
        ("SET standard_conforming_strings = off", "STANDARD_CONFORMING_STRINGS"),
        ("\\i other.sql", "\\"),
        ("SELECT 1 \\gexec", "\\"),
    ],
)
def test_what_no_transaction_of_ours_can_hold_is_named(sql: str, word: str) -> None:
    found = said(f"SELECT 1;\n\n{sql};\nSELECT 2")
    assert [one.partition(f"{word}: ")[0] for one in found] == ["001_s.sql:3: "]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'COMMIT'",
        "SELECT 1 AS begin -- COMMIT",
        'CREATE TABLE "VACUUM" (commit int)',
        "DO $$ BEGIN PERFORM 1; END $$",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END",
        "SAVEPOINT a; RELEASE a",
        "PREPARE a AS SELECT 1",
        "CREATE INDEX a ON b (c)",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY a",
        "REINDEX TABLE a",
        "CLUSTER a USING b",
        "DISCARD PLANS",
        "COPY a FROM '/file'",
        "SET LOCAL lock_timeout = '1s'",
        "ALTER DATABASE a SET timezone = 'UTC'",
    ],
)
def test_what_only_looks_like_it_is_let_be(sql: str) -> None:
    assert said(sql) == []


_ADD = "ALTER TYPE shop.state ADD VALUE IF NOT EXISTS 'sent' BEFORE 'done'"


@pytest.mark.parametrize(
    ("uses", "line"),
    [
        ("UPDATE orders\nSET state = 'sent'", 2),
        ("DO $$\nBEGIN UPDATE orders SET state = 'sent'; END $$", 2),
        ("CREATE INDEX ON orders (id) WHERE state = 'sent'", 1),
    ],
)
def test_a_new_value_of_a_type_waits_for_a_later_run(uses: str, line: int) -> None:
    (found,) = said(_ADD, uses)
    assert found.startswith(f"002_s.sql:{line}: 'sent': a value that 001_s.sql:1 adds to a type")


@pytest.mark.parametrize(
    "texts",
    [
        (_ADD, "SELECT 'send'"),
        ("SELECT 'sent'", _ADD),
        ("CREATE TYPE shop.state AS ENUM ('new')", _ADD, "SELECT 'sent'"),
        ('CREATE TYPE "shop".State AS ENUM ()', _ADD, "SELECT 'sent'"),
        (_ADD, "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$SELECT 'sent'$$"),
        (_ADD, "ALTER TYPE shop.state ADD VALUE 'lost' AFTER 'sent'"),
    ],
)
def test_what_uses_no_new_value_is_let_be(texts: tuple[str, ...]) -> None:
    assert said(*texts) == []


def test_what_does_not_end_is_named() -> None:
    assert said("SELECT 1;\nSELECT 'a") == ["001_s.sql:2: a string that does not end"]
