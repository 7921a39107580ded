"""One thing that is wrong with a policy: where in the document, and what with what was expected."""

from dataclasses import dataclass

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, at its place."""

    place: Place
    text: str
