"""Where a name leads, asked from outside: every resolver of the simulator, with nothing kept from before."""

import dns.message
import dns.query
import dns.rdatatype

from local.azure_simulator.launch import RunningSimulator

_WITHIN_S = 2.0


def looked_up(simulator: RunningSimulator, name: str) -> set[str]:
    """Return the first thing that the name leads to, of each resolver: a name, or the addresses."""
    simulator.control("DELETE", "/resolvers/caches")
    return {value for resolver in simulator.resolvers for value in first_of(answer_of(resolver, name))}


def answer_of(resolver: str, name: str) -> dns.message.Message:
    host, port = resolver.split("@")
    query = dns.message.make_query(f"{name}.", dns.rdatatype.A)
    return dns.query.udp(query, host, port=int(port), timeout=_WITHIN_S)


def first_of(answer: dns.message.Message) -> list[str]:
    return [record.to_text().rstrip(".") for record in answer.answer[0]] if answer.answer else []
