"""Which network addresses a request may go to: names that a policy gives may lead anywhere, on purpose or by mistake.

Kinds of addresses: the IANA special-purpose registries, as `ipaddress` knows them. Addresses of IPv6 that carry one of
IPv4 are judged by the one that they carry (RFC 4291 2.5.5.2, RFC 6052 2.1, RFC 3056 2). Where clouds keep the
credentials of a machine: https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service and
https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16.
"""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_Address = IPv4Address | IPv6Address
_METADATA = frozenset(map(ip_address, ("168.63.129.16", "100.100.100.200", "fd00:ec2::254")))
# Not one address of it: App Service serves the tokens of an app's identity somewhere in here, too.
_METADATA_NETWORK = IPv4Network("169.254.0.0/16")
_NAT64 = IPv6Network("64:ff9b::/96")
# Not public themselves, and yet they may lead to an address of IPv4 (RFC 8215; RFC 4291 2.5.5.1).
_OLD_CARRIERS = (IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))
_LAST_32_BITS = 0xFFFF_FFFF
_CREDENTIALS = "metadata"


def refusal(host: str, address: str, *, private: bool) -> str | None:
    """Return why a request to a host must not go to an address, or `None` when it may.

    An address that the policy itself writes speaks for itself, whatever its kind.

    Args:
        address: What the host leads to; the host itself when it is an address.
        private: Whether names may lead to addresses that are not on the public internet.
    """
    parsed = _parsed(address)
    if parsed is None:
        return f"{host} leads to {address[:60]!r}, which is no address"
    kind = _kind(_carried(parsed))
    if kind == _CREDENTIALS or _hides_credentials(parsed):
        return f"{host} leads to {address}, where a cloud keeps credentials; no policy can allow that"
    if kind is None or private or _parsed(host) == parsed:
        return None
    return f"{host} leads to {address}, a {kind} address; reach.private of the policy does not allow that"


def _parsed(text: str) -> _Address | None:
    address, _, _ = text.partition("%")  # the zone of a link-local address says through which interface, not where
    try:
        return ip_address(address)
    except ValueError:
        return None


def _carried(address: _Address) -> _Address:
    """Return the address of IPv4 that one of IPv6 carries, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & _LAST_32_BITS)
    return address.ipv4_mapped or address.sixtofour or address


def _hides_credentials(address: _Address) -> bool:
    carries = isinstance(address, IPv6Address) and any(address in network for network in _OLD_CARRIERS)
    return carries and _kind(IPv4Address(int(address) & _LAST_32_BITS)) == _CREDENTIALS


def _kind(address: _Address) -> str | None:
    """Return the kind of an address that is not on the public internet; `None` for one that is."""
    if address in _METADATA or (isinstance(address, IPv4Address) and address in _METADATA_NETWORK):
        return _CREDENTIALS
    return next((kind for kind, is_so in _KINDS if is_so(address)), None)


# The first that fits names the kind: the later ones are wider.
_KINDS: tuple[tuple[str, Callable[[_Address], bool]], ...] = (
    ("loopback", lambda address: address.is_loopback),
    ("link-local", lambda address: address.is_link_local),
    ("multicast", lambda address: address.is_multicast),
    ("unspecified", lambda address: address.is_unspecified),
    ("reserved", lambda address: address.is_reserved),
    ("private", lambda address: not address.is_global or _is_site_local(address)),
)


def _is_site_local(address: _Address) -> bool:
    """Tell the predecessor of IPv6's private addresses, which `is_global` does not know (RFC 3879)."""
    return isinstance(address, IPv6Address) and address.is_site_local
