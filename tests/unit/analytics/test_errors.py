"""Errors by category, as job processors and sources write them."""

import pytest

from shared.analytics.errors import Category, category_of, errors_in
from shared.model.signal import Outcome, Sample, failed, measured, no_data
from tests.fakes.clock import NOON


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("HTTP 429: API rate limit exceeded for installation", Category.RATE_LIMIT),
        ("403 You have exceeded a secondary rate limit", Category.RATE_LIMIT),
        ("the subscription is throttled", Category.RATE_LIMIT),
        ("connect ECONNREFUSED 10.0.0.4:443", Category.NETWORK),
        ("the source did not answer within 5 s", Category.NETWORK),
        ("Read timed out.", Category.NETWORK),
        ("getaddrinfo: name resolution of DNS failed", Category.NETWORK),
        ("502 Bad Gateway", Category.NETWORK),
        ("401 Bad credentials", Category.AUTHENTICATION),
        ("403 Forbidden: missing role Reader", Category.AUTHENTICATION),
        ("the token has expired", Category.AUTHENTICATION),
        ("404 repository not found", Category.NOT_FOUND),
        ("no such file or directory", Category.NOT_FOUND),
        ("psycopg.errors.DeadlockDetected: deadlock detected", Category.DATABASE),
        ("database connection refused", Category.DATABASE),
        ('relation "jobs" does not exist', Category.DATABASE),
        ("422 Validation Failed: title is missing field", Category.VALIDATION),
        ("the source delivered nan, which is no number: invalid", Category.VALIDATION),
        ("something odd", Category.UNKNOWN),
        ("", Category.UNKNOWN),
        ("took 4290 ms", Category.UNKNOWN),
    ],
)
def test_the_words_of_an_error_tell_its_category(text: str, category: Category) -> None:
    assert category_of(text) is category
    assert category_of(text.upper()) is category


def event(note: str, times: float = 1.0) -> Sample:
    return Sample(NOON, Outcome.MEASURED, times, 1, "e", note)


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (failed(NOON, "HTTP 404"), {Category.NOT_FOUND: 1}),
        (no_data(NOON, "404 rows"), {}),
        (event("high: HTTP 429", 3), {Category.RATE_LIMIT: 3}),
        (event("high validation: HTTP 429"), {Category.VALIDATION: 1}),
        (event("low billing: HTTP 429"), {Category.RATE_LIMIT: 1}),
        (event("critical"), {Category.UNKNOWN: 1}),
        (event("completed: 404 rows"), {}),
        (event("highlights: 404"), {}),
        (event(""), {}),
        (measured(NOON, 404.0), {}),
    ],
)
def test_errors_are_what_sources_could_not_say_and_what_is_pushed_with_a_severity(
    sample: Sample, expected: dict[Category, int]
) -> None:
    assert errors_in([sample]) == expected
    assert errors_in([sample, sample]) == {category: 2 * count for category, count in expected.items()}
