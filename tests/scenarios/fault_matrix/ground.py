"""What a play is played on: the world of one story and kind of source, good or bad, until the fault begins."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol

from shared.ports import SampleSource


class Story(StrEnum):
    """What was there before the fault."""

    QUIET = "quiet"  # all was well
    PENDING = "pending"  # it was bad, for half of the trigger's `for`
    UNHEARD = "unheard"  # nothing: the fault was there first


class Address(NamedTuple):
    """Where the site of a story is.

    Attributes:
        resource: Its ARM id.
        settings: Of the app: what a policy takes from there.
    """

    resource: str
    url: str
    settings: Mapping[str, str] = {}


def address_of(story: Story, url: str, settings: Mapping[str, str] = {}) -> Address:
    """Return where the site of a story is that Azure is not asked about."""
    return Address(f"/subscriptions/s1/resourceGroups/shop/providers/Microsoft.Web/sites/{story}", url, settings)


class Ground(Protocol):
    """A kind of source, and how it fails in one way."""

    def sources(self) -> Mapping[str, SampleSource]:
        """The adapters that ask it; none where others send."""
        ...

    def address(self, story: Story) -> Address:
        """The site that a story is about."""
        ...

    def turn(self, story: Story, *, bad: bool) -> None:
        """Whatever happens in one step of a story."""
        ...

    def strike(self) -> None:
        """The fault begins, for all stories, and does not end."""
        ...
