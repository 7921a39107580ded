"""Kinds of values that are hard to bring back: as expressions over a number `n` that is new for each row."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: its type on the source, expressions that give one, and its type on the target if it differs."""

    source: str
    values: tuple[str, ...]
    target: str = ""
    collation: str = ""

    def type_on(self, side: str) -> str:
        return self.target if self.target and side == "target" else self.source

    def value(self, salt: int) -> str:
        several = " ".join(f"WHEN {i} THEN ({one})::{self.source}" for i, one in enumerate(self.values))
        return f"CASE (n + {salt}) % {len(self.values)} {several} END"


INSTANT = "(timestamptz '2024-02-29 12:00:00.123456+02' + n * interval '1 microsecond')"
_JSON = '\'{"a": 12345678901234567890.123456789, "b": 1.50}\''
KINDS = (
    Kind("bigint", ("n", "-n", "NULL", "9223372036854775807")),
    Kind("text", ("'plain ' || n", "''", "E'tab\\t and \\\\ and \\n line'", "'käse € ' || n", "NULL", "'\\N'")),
    Kind("character varying(40)", ("'v' || n", "' '")),
    Kind("numeric", ("n || '.50'", "n || '.500'", "'NaN'", "12345678901234567890.123456789", "'-Infinity'", "NULL")),
    Kind("numeric(14,2)", ("n / 100.0", "0.00", "'NaN'")),
    Kind("double precision", ("'NaN'", "'infinity'", "'-0'", "0", "0.1 + n", "1e300")),
    Kind("real", ("n / 3.0", "'-infinity'")),
    Kind("jsonb", (_JSON, "'[]'", "to_jsonb(n)", "'null'", "NULL", "'1.50'", "'1.5'")),
    Kind("json", ("""'{"b":  1,"a":2, "a": 3}'""", "'1.0'", "'1.00'")),
    Kind("bytea", ("'\\x00ff'", "decode(md5(n::text), 'hex')")),
    Kind("timestamptz", ("'infinity'", INSTANT, "NULL")),
    Kind("timestamp", ("'-infinity'", "'0044-03-15 BC'", INSTANT)),
    Kind("date", ("'2024-02-29'", "'infinity'", "NULL")),
    Kind("timetz", ("'12:00:00+02'", "'10:00:00+00'")),
    Kind("interval", ("'1 day'", "'24 hours'", "'1 mon -3 days'")),
    Kind("uuid", ("md5(n::text)::uuid",)),
    Kind("boolean", ("true", "false", "NULL")),
    Kind("integer[]", ("'{1,2,NULL}'", "'[5:6]={7,8}'", "'{}'")),
    Kind("text[]", ("ARRAY['a,b', NULL, '\"', '', n::text]",)),
    Kind("mood", ("'fine'", "'bad, \"really\"'", "'ok'")),
    Kind("mood[]", ("ARRAY['fine', 'ok']", "NULL")),
    Kind("price", ("(n % 1000) + 0.5",)),
    Kind("needed", ("'n' || n", "''")),
    Kind("pair", ("ROW(n::int, 'a,b')", "NULL")),
    Kind("inet", ("'10.0.0.1'", "'10.0.0.1/32'", "'::1/64'")),
    Kind("char(5)", ("'ab'", "'ab   '")),
    Kind("point", ("'(1,2)'", "'(-0,0)'")),
    Kind("xml", ("'<a>1</a>'", '\'<?xml version="1.0" encoding="UTF-8"?><ä/>\'')),
    Kind("int4range", ("'[1,10)'", "'empty'")),
    Kind("regclass", ("'pg_class'", "'moods'")),
    Kind("tsvector", ("to_tsvector('simple', 'word ' || n)",)),
    Kind("bit varying", ("B'101'", "B''")),
    Kind("money", ("n / 7.0",)),
    Kind("text", ("'C' || n", "'c' || n"), collation='"C"'),
    Kind("text", ("'ci ' || (n % 7)", "'CI ' || (n % 7)"), collation="ignoring_case"),
    Kind("text", ("repeat(md5(n::text), 400)", "repeat('x', 9000)")),
    Kind("integer", ("n", "NULL"), target="bigint"),
    Kind("character varying(40)", ("'v' || n",), target="text"),
    Kind("numeric(14,2)", ("n / 4.0", "1.5"), target="numeric"),
)
BEFORE_TABLES = """
CREATE TYPE mood AS ENUM ({moods}); CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN price AS numeric(12, 2) CHECK (VALUE > 0); CREATE DOMAIN needed AS text NOT NULL;
CREATE COLLATION ignoring_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE SCHEMA "Other schema"; CREATE TABLE moods (id int PRIMARY KEY); CREATE SEQUENCE lonely INCREMENT 3;
"""
MOODS = ["'fine'", "'ok'", "'bad, \"really\"'"]
