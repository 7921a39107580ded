"""The roads by which traffic goes back. A road states what must be so, in absolute values, never a move.

Each kind is named by its key, as signals are: `split: {slot_traffic: candidate}`. `takes` is how long it is expected to
take until its own measurements tell. `proofs` are the checks that show it from outside.
"""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, Tag, model_validator

from shared.model.policy_verify import (
    Check,
    Client,
    ClientCheck,
    DottedPath,
    HoldsCheck,
    Json,
    Resolver,
    ResolvesCheck,
    Verification,
)
from shared.model.quantity import Share
from shared.model.strict import Host, Name, Origin, Rhythm, Strict, Url, arm_id, named_by_key

SLOT_PATTERN = r"^[A-Za-z0-9-]+$"
Slot = Annotated[str, Field(pattern=SLOT_PATTERN)]
Weight = Annotated[int, Field(ge=1, le=1000)]
_RELATIVE_NAME = r"^(@|[A-Za-z0-9_]([A-Za-z0-9_.-]{0,200}[A-Za-z0-9_])?)$"
# What an endpoint or origin gets: a weight among the enabled ones, or nothing at all.
Part = Weight | Literal["disabled"]


class RoadBase(Strict):
    """What every road has."""

    takes: Rhythm = Field(default=timedelta(seconds=10), description="Expected time until it is seen from outside.")
    give_up_after: Rhythm = Field(default=timedelta(minutes=5), description="Not established by then: it failed.")

    def proofs(self, name: str, by: Verification) -> Mapping[str, Check]:
        """Return the checks by which this road is seen from outside.

        Args:
            name: What the policy calls this road.
            by: How its level looks at things.
        """
        return {"holds": HoldsCheck(holds=name)}


def _whole_seconds(ttl: timedelta) -> timedelta:
    if ttl % timedelta(seconds=1):
        raise ValueError("DNS counts whole seconds")
    return ttl


def _clients(by: Verification, *kinds: Client, at: str | None = None) -> dict[str, Check]:
    return {
        kind.value: ClientCheck(
            client=kind,
            at=at,
            path=by.path,
            requests=by.fresh_clients if kind is Client.FRESH else 1,
            timeout=by.timeout,
        )
        for kind in kinds
    }


class SlotSwapRoad(RoadBase):
    """Production runs the known-good build, by a swap with the slot that holds it. The one road that is no state."""

    slot_swap: Slot
    takes: Rhythm = timedelta(seconds=60)
    give_up_after: Rhythm = timedelta(minutes=20)

    def proofs(self, name: str, by: Verification) -> Mapping[str, Check]:
        return _clients(by, *Client)


class SlotTrafficRoad(RoadBase):
    """No request is routed to the candidate slot any more, and whoever was sent there before has left it."""

    slot_traffic: Slot
    share: Share = Field(default=0.0, le=0, description="A level sends nobody there; a promotion gives it its shares.")
    takes: Rhythm = timedelta(seconds=5)

    def proofs(self, name: str, by: Verification) -> Mapping[str, Check]:
        pinned = ClientCheck(client=Client.PINNED, slot=self.slot_traffic, path=by.path, timeout=by.timeout)
        return _clients(by, *Client) | {"expelled": pinned}


class TrafficManagerRoad(RoadBase):
    """Weight or status of endpoints of a Traffic Manager profile; endpoints that are not named keep theirs."""

    traffic_manager: Annotated[str, arm_id("Microsoft.Network", "trafficManagerProfiles")]
    name: Host = Field(description="The profile's DNS name, such as orders.trafficmanager.net.")
    endpoints: dict[str, Part] = Field(min_length=1)
    resolves_to: tuple[str, ...] = Field(min_length=1, description="Targets of the endpoints that stay enabled.")
    resolvers: tuple[Resolver, ...] = ()
    takes: Rhythm = timedelta(seconds=20)

    @model_validator(mode="after")
    def _leaves_one(self) -> Self:
        return _somewhere_to_go(self, self.endpoints)

    def proofs(self, name: str, by: Verification) -> Mapping[str, Check]:
        return {"resolves": ResolvesCheck(resolves=self.name, to=self.resolves_to, resolvers=self.resolvers)}


class FrontDoorRoad(RoadBase):
    """Weight or enabled state of the origins of an Azure Front Door (Standard or Premium) origin group.

    A change reaches all edges within minutes, at most twenty by Microsoft's own word.
    https://learn.microsoft.com/azure/frontdoor/front-door-faq
    """

    front_door: Annotated[str, arm_id("Microsoft.Cdn", "profiles", "originGroups")]
    url: Origin = Field(description="Where users reach the front door: no path.")
    origins: dict[str, Part] = Field(min_length=1)
    takes: Rhythm = timedelta(minutes=5)
    give_up_after: Rhythm = timedelta(minutes=20)

    @model_validator(mode="after")
    def _leaves_one(self) -> Self:
        return _somewhere_to_go(self, self.origins)

    def proofs(self, name: str, by: Verification) -> Mapping[str, Check]:
        return _clients(by, Client.FRESH, Client.KEPT_ALIVE, at=self.url)


class Records(Strict):
    """What a name must lead to: one name, or addresses."""

    cname: Host | None = None
    a: tuple[IPv4Address, ...] = Field(default=(), max_length=20)

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.cname is None) == (not self.a):
            raise ValueError("a name leads to one thing: write either `cname: host` or `a: [address]`")
        return self

    @property
    def values(self) -> tuple[str, ...]:
        return (self.cname,) if self.cname else tuple(map(str, self.a))


class DnsRoad(RoadBase):
    """Record sets of a public Azure DNS zone."""

    dns: Annotated[str, arm_id("Microsoft.Network", "dnsZones")] = Field(description="ARM id of the zone.")
    records: dict[Annotated[str, Field(pattern=_RELATIVE_NAME)], Records] = Field(
        min_length=1, description="By relative name; @ is the zone itself."
    )
    ttl: Annotated[Rhythm, AfterValidator(_whole_seconds)] = timedelta(seconds=60)
    resolvers: tuple[Resolver, ...] = Field(
        default=(), description="Who must agree; the system's own if none is given."
    )
    takes: Rhythm = timedelta(seconds=65)  # the usual time to live, and what the name servers need

    @property
    def zone(self) -> str:
        return self.dns.rsplit("/", 1)[1]

    def proofs(self, name: str, by: Verification) -> Mapping[str, Check]:
        return {
            f"resolves {record}": ResolvesCheck(
                resolves=self.zone if record == "@" else f"{record}.{self.zone}",
                to=wanted.values,
                resolvers=self.resolvers,
            )
            for record, wanted in self.records.items()
        }


class AppConfigurationRoad(RoadBase):
    """The percentage of a feature flag; 0 % also disables it, so that no targeted user is left on it."""

    app_configuration: Origin = Field(description="Endpoint of the store.")
    flag: str = Field(pattern=r"^[^%:\s/][^%:\s]*$", max_length=120)
    share: Share = 0.0
    label: str = ""


class HookRoad(RoadBase):
    """Anything else: an idempotent, signed call, and an address that tells whether its state holds."""

    hook: Url
    read_back: Url
    expect: dict[DottedPath, Json] = Field(min_length=1, description="Values of the read-back's JSON when it holds.")
    secret: str = Field(min_length=16, description="Key of the signature (HMAC-SHA256); write it as %SETTING%.")


class DataSyncRoad(RoadBase):
    """The source of a database holds every row of its target, and it is proved. Taken before whatever serves people."""

    data_sync: Name = Field(description="Of `databases`.")
    takes: Rhythm = timedelta(minutes=2)
    # Traffic waits for it, and writers do: what is left of five minutes takes traffic back without it.
    give_up_after: Rhythm = timedelta(minutes=4)


def _somewhere_to_go[R: RoadBase](road: R, parts: Mapping[str, Part]) -> R:
    if len({name.casefold() for name in parts}) != len(parts):
        raise ValueError("two names differ in case alone, which Azure does not look at; expected each once")
    if all(part == "disabled" for part in parts.values()):
        raise ValueError("all of these would be disabled and nobody served; expected a weight for at least one")
    return road


DATA_SYNC = "data_sync"
ROAD_KINDS: dict[str, type[RoadBase]] = {
    "slot_swap": SlotSwapRoad,
    "slot_traffic": SlotTrafficRoad,
    "traffic_manager": TrafficManagerRoad,
    "front_door": FrontDoorRoad,
    "dns": DnsRoad,
    "app_configuration": AppConfigurationRoad,
    "hook": HookRoad,
    DATA_SYNC: DataSyncRoad,
}
Road = Annotated[
    Annotated[SlotSwapRoad, Tag("slot_swap")]
    | Annotated[SlotTrafficRoad, Tag("slot_traffic")]
    | Annotated[TrafficManagerRoad, Tag("traffic_manager")]
    | Annotated[FrontDoorRoad, Tag("front_door")]
    | Annotated[DnsRoad, Tag("dns")]
    | Annotated[AppConfigurationRoad, Tag("app_configuration")]
    | Annotated[HookRoad, Tag("hook")]
    | Annotated[DataSyncRoad, Tag("data_sync")],
    named_by_key("a road is of exactly one kind", ROAD_KINDS),
]
_KIND_OF_MODEL: dict[type[Any], str] = {model: kind for kind, model in ROAD_KINDS.items()}


def kind_of(road: RoadBase) -> str:
    """Return the key that names the road's kind."""
    return _KIND_OF_MODEL[type(road)]
