"""Profiles and endpoints as JSON, in the shapes of azure-mgmt-trafficmanager's models (api-version 2026-09-01)."""

import time
from typing import Any

from local.azure_simulator.simulation import Simulation
from local.azure_simulator.traffic_manager.config import Switch
from local.azure_simulator.traffic_manager.profiles import CHECKING, Endpoint, Profile

type Json = dict[str, Any]

RESOURCE_TYPE = "Microsoft.Network/trafficManagerProfiles"


def profile_id(simulation: Simulation, profile: Profile) -> str:
    return f"{simulation.group_id}/providers/{RESOURCE_TYPE}/{profile.name}"


def profile_view(simulation: Simulation, profile: Profile) -> Json:
    return {
        "id": profile_id(simulation, profile),
        "name": profile.name,
        "type": RESOURCE_TYPE,
        "location": "global",
        "tags": profile.tags,
        "properties": {
            "profileStatus": profile.status,
            "trafficRoutingMethod": profile.routing,
            "dnsConfig": {"relativeName": profile.name, "fqdn": profile.fqdn, "ttl": profile.ttl_s},
            "monitorConfig": {
                "profileMonitorStatus": _profile_monitor_status(simulation, profile),
                "protocol": "HTTPS",
                "port": 443,
                "path": "/",
                "intervalInSeconds": 10,
                "timeoutInSeconds": 5,
                "toleratedNumberOfFailures": 2,
            },
            "endpoints": [endpoint_view(simulation, profile, endpoint) for endpoint in profile.endpoints],
            "trafficViewEnrollmentStatus": "Disabled",
            "maxReturn": None,
        },
    }


def endpoint_view(simulation: Simulation, profile: Profile, endpoint: Endpoint) -> Json:
    return {
        "id": f"{profile_id(simulation, profile)}/{endpoint.type}/{endpoint.name}",
        "name": endpoint.name,
        "type": f"{RESOURCE_TYPE}/{endpoint.type}",
        "properties": endpoint.more
        | {
            "target": endpoint.target,
            "endpointStatus": endpoint.status,
            "weight": endpoint.weight,
            "priority": endpoint.priority,
            "endpointMonitorStatus": monitor_status(simulation, profile, endpoint),
        },
    }


def monitor_status(simulation: Simulation, profile: Profile, endpoint: Endpoint) -> str:
    """A profile that is switched off probes nothing."""
    status = endpoint.monitor_status(time.time(), simulation.timings.first_probe_s)
    return "Inactive" if profile.status is Switch.DISABLED and status != Switch.DISABLED else status


def _profile_monitor_status(simulation: Simulation, profile: Profile) -> str:
    if profile.status is Switch.DISABLED:
        return "Disabled"
    seen = {monitor_status(simulation, profile, each) for each in profile.endpoints} - {Switch.DISABLED.value}
    if not seen:
        return "Inactive"
    if seen == {"Online"}:
        return "Online"
    return "CheckingEndpoints" if seen <= {CHECKING, "Online"} else "Degraded"
