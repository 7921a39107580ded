"""What all policy models share: they are frozen, unknown keys are errors, a thing may be named by its kind's key."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field

from shared.model.quantity import Duration

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,39}$"
HOST_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"
URL_PATTERN = r"^https?://[^/\s:@?#]+(:\d{1,5})?(/[^\s#]*)?$"


def host_of(url: str) -> str:
    """Return the host of an address in lower case and as the resolver gets it (IDNA).

    Raises:
        ValueError: there is none that could be resolved.
    """
    host = (urlsplit(url).hostname or "").encode("idna").decode().lower()
    if not host:
        raise ValueError("no host")
    return host


def _of_a_host(url: str) -> str:
    try:
        host_of(url)
    except ValueError:  # one of its kinds is a UnicodeError that quotes the text
        raise ValueError("an address of no host; expected http or https, a host, perhaps a port") from None
    return url


Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Host = Annotated[str, Field(pattern=HOST_PATTERN, description="A host name or an IPv4 address.")]
Origin = Annotated[
    str,
    Field(pattern=r"^https?://[^/\s:@?#]+(:\d{1,5})?$", description="Scheme and host, perhaps a port: no path."),
    AfterValidator(_of_a_host),
]
Url = Annotated[str, Field(pattern=URL_PATTERN, description="An http or https address."), AfterValidator(_of_a_host)]
Path = Annotated[str, Field(pattern=r"^/\S*$", description="A path on the site, from its first slash.")]
Rhythm = Annotated[Duration, Field(ge=timedelta(seconds=1))]


class Strict(BaseModel):
    """Base of all policy models: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def arm_id(namespace: str, *types: str) -> AfterValidator:
    """Return a validator for the ARM id of a resource of the given type; Resource Manager does not look at case.

    Args:
        namespace: Resource provider, such as `Microsoft.Network`.
        types: Type of the resource, and of its child if it is one.
    """
    inner = "".join(f"/{part}/[^/]+" for part in types)
    pattern = re.compile(rf"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/{re.escape(namespace)}{inner}", re.I)

    def is_of_type(resource: str) -> str:
        if not pattern.fullmatch(resource):
            raise ValueError(f"{resource[:200]!r} is no ARM id of the type {namespace}/{'/'.join(types)}")
        return resource

    return AfterValidator(is_of_type)


def named_by_key(
    what: str, kinds: Mapping[str, type[BaseModel]], *, general: frozenset[str] = frozenset()
) -> Discriminator:
    """Return a discriminator for entries whose kind is the one key of `kinds` that they have.

    Args:
        what: The thing and what it names, such as `a signal names exactly one source`.
        kinds: The models by their key.
        general: Keys that name a kind only where no other key does.
    """
    by_model = {model: key for key, model in kinds.items()}

    def kind_of(entry: Any) -> str | None:
        if not isinstance(entry, dict):
            return by_model.get(type(entry))
        named = [key for key in kinds if key in entry]
        named = [key for key in named if key not in general] or named
        return named[0] if len(named) == 1 else None

    *first, last = kinds
    return Discriminator(
        kind_of, custom_error_type="kind", custom_error_message=f"{what}: {', '.join(first)} or {last}"
    )
