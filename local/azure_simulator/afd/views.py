"""Origin groups and origins as JSON, in the shapes of azure-mgmt-cdn's models (api-version 2026-10-01 and before)."""

import time
from typing import Any

from local.azure_simulator.afd.profiles import Origin, OriginGroup, Profile
from local.azure_simulator.simulation import Simulation

type Json = dict[str, Any]

GROUPS_TYPE = "Microsoft.Cdn/profiles/originGroups"


def group_id(simulation: Simulation, profile: Profile, group: OriginGroup) -> str:
    return f"{simulation.group_id}/providers/Microsoft.Cdn/profiles/{profile.name}/originGroups/{group.name}"


def group_view(simulation: Simulation, profile: Profile, group: OriginGroup) -> Json:
    return {
        "id": group_id(simulation, profile, group),
        "name": group.name,
        "type": GROUPS_TYPE,
        "properties": {
            "profileName": profile.name,
            "loadBalancingSettings": {
                "sampleSize": 4,
                "successfulSamplesRequired": 3,
                "additionalLatencyInMilliseconds": 50,
            },
            "healthProbeSettings": None,
            "sessionAffinityState": "Enabled" if group.session_affinity else "Disabled",
            "provisioningState": "Succeeded",
            "deploymentStatus": "NotStarted",
        },
    }


def origin_view(simulation: Simulation, profile: Profile, group: OriginGroup, origin: Origin) -> Json:
    return {
        "id": f"{group_id(simulation, profile, group)}/origins/{origin.name}",
        "name": origin.name,
        "type": f"{GROUPS_TYPE}/origins",
        "properties": origin.properties
        | {
            "originGroupName": group.name,
            "provisioningState": origin.provisioning,
            "deploymentStatus": deployment_status(profile, origin),
        },
    }


def deployment_status(profile: Profile, origin: Origin) -> str:
    if not profile.reports_deployment or origin.deployed_at_s is None:
        return "NotStarted"
    return "InProgress" if time.monotonic() < origin.deployed_at_s else "Succeeded"
