"""What an error was about, told by the words of its text."""

import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from shared.model.signal import Outcome, Sample


class Category(StrEnum):
    """What goes wrong in jobs that call other services."""

    RATE_LIMIT = "rate_limit"
    AUTHENTICATION = "authentication"
    NOT_FOUND = "not_found"
    VALIDATION = "validation"
    DATABASE = "database"
    NETWORK = "network"
    UNKNOWN = "unknown"


# The first that fits counts: "403 rate limit exceeded" is a rate limit, and "connection to the database refused" is
# trouble with the database before it is trouble with the network.
_PATTERNS: tuple[tuple[Category, re.Pattern[str]], ...] = tuple(
    (category, re.compile(pattern, re.IGNORECASE))
    for category, pattern in (
        (Category.RATE_LIMIT, r"\b429\b|rate.?limit|too many requests|throttl|quota|secondary limit"),
        (
            Category.DATABASE,
            r"database|\bsql(ite|state)?\b|postgres|psycopg|deadlock|\bdb\b|unique constraint|foreign key|"
            r"relation .* does not exist|serialization failure",
        ),
        (
            Category.AUTHENTICATION,
            r"\b401\b|\b403\b|unauthori[sz]ed|forbidden|authenticat|bad credentials|permission|"
            r"(invalid|expired) (access )?token|token (is |has )?expired|access denied",
        ),
        (Category.NOT_FOUND, r"\b404\b|\b410\b|not found|no such|does not exist|unknown (repository|resource|host)"),
        (
            Category.VALIDATION,
            r"\b400\b|\b422\b|validat|invalid|malformed|schema|cannot be parsed|parse error|unexpected token|"
            r"missing (field|key|required)|out of range|off its scale",
        ),
        (
            Category.NETWORK,
            r"\b50[234]\b|time[ds]? ?-?out|connection|connect|network|unreachable|\bdns\b|\breset\b|socket|\btls\b|"
            r"\bssl\b|certificate|econn|broken pipe|did not answer|does not answer",
        ),
    )
)


# What an event of a workload says of itself: its severity, perhaps its category, perhaps in words.
_SAID = re.compile(r"(critical|high|medium|low)\b(?: (?P<category>\w+))?(?::|$)")


def category_of(text: str) -> Category:
    """Return what an error's text speaks of; `unknown` when no word of it is known."""
    return next((category for category, pattern in _PATTERNS if pattern.search(text)), Category.UNKNOWN)


def errors_in(samples: Iterable[Sample]) -> dict[Category, int]:
    """Return how many errors there are of each category, only of those that there are.

    An error is a sample that its source could not take, and an event that a workload pushed with a severity. Whoever
    pushes one may name the category; else its words tell.
    """
    found: Counter[Category] = Counter()
    for sample in samples:
        said = _SAID.match(sample.note)
        if sample.outcome is Outcome.ERROR:
            found[category_of(sample.note)] += 1
        elif sample.value is not None and said is not None:
            found[_named(said["category"]) or category_of(sample.note)] += max(1, int(sample.value))
    return dict(found)


def _named(word: str | None) -> Category | None:
    return Category(word) if word in set(Category) else None
