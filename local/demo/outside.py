"""What is asked of the world besides its pages: each question is put to whoever can answer it, past the app.

Asked right after the fault and again in the end, so that an answer that must change is known to have changed.
"""

from collections.abc import Callable
from contextlib import suppress

import dns.exception

from local.demo.names import led_to
from local.demo.world import World

# All that was said, one answer for each who was asked, or each time.
type Ask = Callable[[World], tuple[str, ...]]
UNDER_WAY, AT_REST = "under way", "at rest"
NO_RULE = "no rule"
ON, OFF = "on", "off"
_SILENT = "no answer"
# A share of a fifth is met by one of so many with all but certainty.
_TIMES = 60


def swap(world: World) -> tuple[str, ...]:
    """Whether ARM works on the site."""
    return (UNDER_WAY if world.site().in_progress_operation_id else AT_REST,)


def rules(world: World) -> tuple[str, ...]:
    """What App Service routes to other slots."""
    found = tuple(f"{rule.name} {rule.reroutePercentage:g} %" for rule in world.site().routed)
    return found or (NO_RULE,)


def resolvers_of(name: str) -> Ask:
    """Where every resolver says that a name leads."""

    def ask(world: World) -> tuple[str, ...]:
        return tuple(_led_to(name, resolver) for resolver in world.rig.simulator.resolvers)

    return ask


def _led_to(name: str, resolver: str) -> str:
    with suppress(LookupError, OSError, dns.exception.DNSException):
        return led_to(name, resolver)
    return _SILENT


def feature(flag: str, user: str = "") -> Ask:
    """Whether the site says that a user is on a flag, or anybody, asked many times."""

    def ask(world: World) -> tuple[str, ...]:
        pages = [world.page(f"/features/{flag}?user={user}") for _ in range(_TIMES)]
        return tuple(ON if page["on"] else OFF for page in pages)

    return ask
