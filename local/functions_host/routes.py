"""Route templates of HTTP functions and which of them answers a path.

ASP.NET Core's attribute routing: literal segments without regard to case, `{x}`, `{x?}`, `{x=default}`,
`{*rest}`, inline constraints; literals win over constrained parameters, those over plain ones, those
over catch-alls (RoutePrecedence.cs). Not every constraint is here: the others are refused by name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from urllib.parse import unquote

from local.functions_host.errors import ConfigurationError

CONSTRAINTS: Mapping[str, re.Pattern[str]] = {
    "int": re.compile(r"[+-]?\d{1,10}"),
    "long": re.compile(r"[+-]?\d{1,19}"),
    "alpha": re.compile(r"[A-Za-z]*"),
    "bool": re.compile(r"true|false", re.IGNORECASE),
    "guid": re.compile(r"\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?", re.IGNORECASE),
}
PARAMETER = re.compile(
    r"\{(?P<rest>\*{0,2})(?P<name>\w+)(?P<constraints>(?::[^:?={}]+)*)(?:=(?P<default>[^?{}]*))?(?P<optional>\?)?\}"
)
ESCAPED_SLASH = re.compile("%2f", re.IGNORECASE)


class Rank(IntEnum):
    LITERAL = 1
    CONSTRAINED = 2
    PARAMETER = 3
    CATCH_ALL = 5


@dataclass(frozen=True)
class Segment:
    rank: Rank
    text: str  # the literal in lower case, or the parameter's name
    constraints: tuple[re.Pattern[str], ...] = ()
    optional: bool = False
    default: str | None = None

    def accepts(self, value: str) -> bool:
        if self.rank is Rank.LITERAL:
            return value.lower() == self.text
        return value != "" and all(constraint.fullmatch(value) for constraint in self.constraints)


@dataclass(frozen=True)
class Route:
    segments: tuple[Segment, ...]

    @property
    def precedence(self) -> tuple[int, ...]:
        """Lower answers first."""
        return tuple(segment.rank for segment in self.segments)

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters' values for a raw (percent-encoded) path, or None."""
        values = _split(path)
        parameters: dict[str, str] = {}
        for position, segment in enumerate(self.segments):
            if segment.rank is Rank.CATCH_ALL:
                return parameters | {segment.text: "/".join(values[position:])}
            if position >= len(values):
                if not segment.optional:
                    return None
                if segment.default is not None:
                    parameters[segment.text] = segment.default
                continue
            if not segment.accepts(values[position]):
                return None
            if segment.rank is not Rank.LITERAL:
                parameters[segment.text] = values[position]
        return parameters if len(values) <= len(self.segments) else None


def parse_route(template: str) -> Route:
    parts = template.strip("/").split("/") if template.strip("/") else []
    segments = tuple(_parse_segment(part, template) for part in parts)
    for segment in segments[:-1]:
        if segment.optional or segment.rank is Rank.CATCH_ALL:
            raise ConfigurationError(f"route {template!r}: {segment.text!r} is optional or catch-all and not last")
    return Route(segments)


def _parse_segment(part: str, template: str) -> Segment:
    if "{" not in part and "}" not in part:
        return Segment(Rank.LITERAL, part.lower())
    match = PARAMETER.fullmatch(part)
    if match is None:
        raise ConfigurationError(f"route {template!r}: the segment {part!r} is not supported by the local host")
    constraints = tuple(_constraint(name, template) for name in match["constraints"].split(":")[1:])
    return Segment(
        rank=Rank.CATCH_ALL if match["rest"] else Rank.CONSTRAINED if constraints else Rank.PARAMETER,
        text=match["name"],
        constraints=constraints,
        optional=match["optional"] is not None or match["default"] is not None,
        default=match["default"],
    )


def _constraint(name: str, template: str) -> re.Pattern[str]:
    if name not in CONSTRAINTS:
        raise ConfigurationError(
            f"route {template!r}: the constraint {name!r} is not supported by the local host"
            f" (it knows {', '.join(CONSTRAINTS)})"
        )
    return CONSTRAINTS[name]


def _split(path: str) -> list[str]:
    inner = path.removeprefix("/").removesuffix("/")
    return [_unescape(segment) for segment in inner.split("/")] if inner else []


def _unescape(segment: str) -> str:
    # Kestrel decodes everything in a path but the slash.
    return ESCAPED_SLASH.sub("%2F", "%2F".join(unquote(part) for part in ESCAPED_SLASH.split(segment)))
