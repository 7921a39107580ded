"""A resolver as clients have one: it follows a name to its end, keeps each hop for its TTL, and may misbehave.

A hop that could not be found is kept too (RFC 2308). While it is `stale`, nothing that it keeps ever ends.
"""

import time
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from local.azure_simulator.name_servers.authority import Authority, Hop
from local.azure_simulator.name_servers.config import Mode

_LONGEST_CHAIN = 16
_REFUSALS = {
    Mode.REFUSED: dns.rcode.REFUSED,
    Mode.SERVFAIL: dns.rcode.SERVFAIL,
    Mode.NXDOMAIN: dns.rcode.NXDOMAIN,
}


@dataclass(frozen=True, slots=True)
class _Kept:
    hop: Hop
    ends_at_s: float


@dataclass(slots=True)
class Resolver:
    """`asked` counts the questions that came, `fetched` those that it passed on."""

    authority: Authority
    mode: Mode = Mode.NORMAL
    asked: int = 0
    fetched: int = 0
    _kept: dict[str, _Kept] = field(default_factory=dict)

    def answer(self, query: dns.message.Message, *, over_tcp: bool) -> dns.message.Message | None:
        """`None`: the client hears nothing."""
        self.asked += 1
        if self.mode is Mode.TIMEOUT:
            return None
        response = dns.message.make_response(query, recursion_available=True)
        if refusal := _REFUSALS.get(self.mode):
            response.set_rcode(refusal)
        elif self.mode is Mode.TRUNCATE and not over_tcp:
            response.flags |= dns.flags.TC
        else:
            self._follow(response)
        return response

    def forget(self) -> None:
        self._kept.clear()

    def _follow(self, response: dns.message.Message) -> None:
        question = response.question[0]
        name = question.name.to_text(omit_final_dot=True).casefold()
        for _ in range(_LONGEST_CHAIN):
            hop, ttl_s = self._hop(name)
            response.answer.extend(_records(name, hop, ttl_s, question.rdtype))
            if not hop.exists:
                response.set_rcode(dns.rcode.NXDOMAIN)
            if not hop.cname or question.rdtype == dns.rdatatype.CNAME:
                return
            name = hop.cname.casefold()
        response.set_rcode(dns.rcode.SERVFAIL)

    def _hop(self, name: str) -> tuple[Hop, int]:
        """A hop, and for how long its answer may still be kept."""
        now_s = time.monotonic()
        kept = self._kept.get(name)
        if kept is None or (now_s >= kept.ends_at_s and self.mode is not Mode.STALE):
            self.fetched += 1
            hop = self.authority.hop(name)
            kept = self._kept[name] = _Kept(hop, now_s + hop.ttl_s)
        return kept.hop, max(0, round(kept.ends_at_s - now_s))


def _records(name: str, hop: Hop, ttl_s: int, asked: dns.rdatatype.RdataType) -> list[dns.rrset.RRset]:
    if hop.cname:
        return [dns.rrset.from_text(f"{name}.", ttl_s, "IN", "CNAME", f"{hop.cname}.")]
    if hop.addresses and asked == dns.rdatatype.A:
        return [dns.rrset.from_text(f"{name}.", ttl_s, "IN", "A", *hop.addresses)]
    return []
