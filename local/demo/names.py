"""Where a name leads, asked of a resolver as any client asks it: past every cache of this machine."""

import dns.message
import dns.query
import dns.rdatatype

_WITHIN_S = 2.0


def question(name: str) -> dns.message.Message:
    """Ask for the addresses of a name."""
    return dns.message.make_query(f"{name}.", dns.rdatatype.A)


def where(resolver: str) -> tuple[str, int]:
    """Split `address@port`."""
    address, _, port = resolver.partition("@")
    return address, int(port)


def first_target(answer: dns.message.Message) -> str:
    """The name to which a CNAME leads, else the addresses.

    Raises:
        LookupError: there is no answer.
    """
    return ", ".join(record.to_text().rstrip(".") for record in answer.answer[0])


def led_to(name: str, resolver: str) -> str:
    """Where a resolver says that a name leads.

    Raises:
        LookupError, OSError, dns.exception.DNSException: it does not say.
    """
    address, port = where(resolver)
    return first_target(dns.query.udp(question(name), address, timeout=_WITHIN_S, port=port))
