"""Whether the hosts that checks and hooks ask have an address, and one that the policy lets them go to."""

from socket import SOCK_STREAM, getaddrinfo

from shared.adapters.address_rules import refusal
from shared.model.policy import Policy


class ResolvingHosts:
    """Fulfils `ports.Hosts`."""

    def why_not(self, policy: Policy, host: str) -> str | None:
        try:
            found = getaddrinfo(host, None, type=SOCK_STREAM)
        except (OSError, UnicodeError):
            return f"the host {host} has no address"
        refused = (refusal(host, str(address[0]), private=policy.reach.private) for *_, address in found)
        return next((why for why in refused if why is not None), None)
