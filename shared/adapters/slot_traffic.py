"""Traffic that App Service routes to a slot besides production: ramp-up rules of the site.

A client that was sent to a slot keeps coming back by its cookie `x-ms-routing-name`. A rule that says 0 % sends nobody
new, yet keeps the slot open to whoever names it; only without a rule is there no way in. So a level wants no rule to
lead to the slot, and a promotion wants one, with just the share that it gives. That the cookie counts for nothing
without a rule is read from the documentation and not proven: a report says otherwise (MicrosoftDocs/azure-docs#58514).
Whether people have left the slot is seen from outside.
https://learn.microsoft.com/azure/app-service/deploy-staging-slots#route-production-traffic-manually

A write replaces the whole list, and there is no ETag: what somebody else changes between the read and the write, some
ten milliseconds apart, is lost. Nothing but `experiments` is sent, since other settings restart the site.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.adapters.app_service import build_in, group_and_name, web_client
from shared.adapters.azure_clients import NO_WAITING, ArmAccess, ArmClients
from shared.adapters.azure_errors import translated
from shared.adapters.evidence import cut, picture
from shared.errors import OutcomeUnknown
from shared.model.policy import Policy, Site
from shared.model.policy_roads import SlotTrafficRoad
from shared.ports import Aim, Fence, RoadPicture

if TYPE_CHECKING:
    from azure.mgmt.web.models import RampUpRule


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule as it was read, and as it goes back when it stays."""

    name: str
    host: str
    percent: float | None
    raw: "RampUpRule"

    def leads_to(self, slot: str, hosts: frozenset[str]) -> bool:
        """The platform goes by the host, and people by the name, which the portal and the CLI set to the slot's."""
        return self.name.lower() == slot.lower() or self.host.lower() in hosts

    @property
    def shown(self) -> Mapping[str, Any]:
        return {"name": self.name, "host": self.host, "percent": self.percent}


class SlotTrafficRouting:
    """Fulfils `ports.Routing[SlotTrafficRoad]`."""

    def __init__(self, arm: ArmAccess) -> None:
        self._clients = ArmClients(arm, web_client)

    def look(self, policy: Policy, road: SlotTrafficRoad, aim: Aim) -> RoadPicture:
        hosts = self._hosts(policy.site, road.slot_traffic)
        rules = self._rules(policy.site)
        live = self._production_build(policy.site)
        leading = [rule for rule in rules if rule.leads_to(road.slot_traffic, hosts)]
        return picture(
            established=_is_as_wanted(road, leading),
            why_not=_why_not(road, live, aim.known_good),
            shown={"production_build": live, "rules": [rule.shown for rule in rules]},
        )

    def establish(self, policy: Policy, road: SlotTrafficRoad, aim: Aim, fence: Fence) -> None:
        from azure.mgmt.web.models import Experiments, SiteConfig, SiteConfigResource

        hosts = self._hosts(policy.site, road.slot_traffic)
        group, name = group_and_name(policy.site)
        rules = self._rules(policy.site)
        leading = [rule for rule in rules if rule.leads_to(road.slot_traffic, hosts)]
        if _is_as_wanted(road, leading):
            return
        wanted = [rule.raw for rule in rules if rule not in leading] + _rule_of(road, hosts)
        config = SiteConfigResource(properties=SiteConfig(experiments=Experiments(ramp_up_rules=wanted)))
        fence()
        with translated(f"giving slot {road.slot_traffic} of site {name} {road.share:.0%} of production's traffic"):
            self._clients.of(policy.site.resource).web_apps.update_configuration(group, name, config, **NO_WAITING)

    def _rules(self, site: Site) -> list[_Rule]:
        group, name = group_and_name(site)
        with translated(f"reading the routing rules of site {name}"):
            config = self._clients.of(site.resource).web_apps.get_configuration(group, name, **NO_WAITING)
            # Azure tells them even when there are none; without them, nothing is known.
            if config.properties is None or config.properties.experiments is None:
                raise OutcomeUnknown(f"reading the routing rules of site {name}: the answer has no list of them")
            return [_read(rule) for rule in config.properties.experiments.ramp_up_rules or ()]

    def _production_build(self, site: Site) -> str:
        group, name = group_and_name(site)
        with translated(f"reading production of site {name}"):
            apps = self._clients.of(site.resource).web_apps
            return build_in(site, apps.list_application_settings(group, name, **NO_WAITING).properties)

    def _hosts(self, site: Site, slot: str) -> frozenset[str]:
        """Return the slot's host names in lower case; a rule may outlive its slot, then the usual one is looked for."""
        from azure.core.exceptions import ResourceNotFoundError

        group, name = group_and_name(site)
        with translated(f"reading slot {slot} of site {name}"):
            try:
                found = self._clients.of(site.resource).web_apps.get_slot(group, name, slot, **NO_WAITING)
                named = found.properties.host_names if found.properties else None
            except ResourceNotFoundError:
                named = None
            return frozenset(host.lower() for host in named or [f"{name}-{slot}.azurewebsites.net"])


def _is_as_wanted(road: SlotTrafficRoad, leading: "list[_Rule]") -> bool:
    return [rule.percent for rule in leading] == ([_percent(road)] if road.share else [])


def _rule_of(road: SlotTrafficRoad, hosts: frozenset[str]) -> "list[RampUpRule]":
    """Return the rule that the portal would write for the share; none for nothing."""
    from azure.mgmt.web.models import RampUpRule

    if not road.share:
        return []
    percent, name = _percent(road), road.slot_traffic
    return [RampUpRule(name=name, action_host_name=min(hosts), reroute_percentage=percent)]


def _percent(road: SlotTrafficRoad) -> float:
    return round(100 * road.share, 2)


def _read(rule: "RampUpRule") -> _Rule:
    return _Rule(rule.name or "", rule.action_host_name or "", rule.reroute_percentage, raw=rule)


def _why_not(road: SlotTrafficRoad, live: str, known_good: str) -> str | None:
    if live == known_good:
        return None
    runs = cut(live) or "a build without a name"
    return (
        f"production itself runs {runs}, not {known_good}: keeping people off slot {road.slot_traffic} would not help"
    )
