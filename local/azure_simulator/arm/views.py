"""App Service resources as JSON, in the shapes of azure-mgmt-web's models (api-version 2025-05-01 and before)."""

from datetime import datetime
from typing import Any

from local.azure_simulator.operations import Operation
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.sites import Site, Slot

type Json = dict[str, Any]


def instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _resource(simulation: Simulation, site: Site, slot: Slot, child: str = "") -> Json:
    """`child` is the part of a name and a type behind the site or the slot."""
    is_site = slot is site.production
    resource_type = "Microsoft.Web/sites" if is_site else "Microsoft.Web/sites/slots"
    own_name = site.name if is_site else f"{site.name}/{slot.name}"
    return {
        "id": simulation.site_id(site, slot) + (f"/config/{child}" if child else ""),
        "name": child or own_name,
        "type": f"{resource_type}/config" if child else resource_type,
        "location": simulation.config.location,
    }


def site_view(simulation: Simulation, site: Site, slot: Slot) -> Json:
    host = site.host_name(slot.name)
    status, operation = site.swap_status, site.operation
    properties = {
        "name": site.name,
        "state": "Running" if slot.is_running else "Stopped",
        "hostNames": [host],
        "enabledHostNames": [host, host.replace(".azurewebsites", ".scm.azurewebsites")],
        "defaultHostName": host,
        "enabled": True,
        "usageState": "Normal",
        "availabilityState": "Normal",
        "serverFarmId": simulation.plan_id,
        "resourceGroup": simulation.config.resource_group,
        "httpsOnly": True,
        "clientAffinityEnabled": False,
        "reserved": True,
        "siteConfig": {"numberOfWorkers": 1, "alwaysOn": True, "linuxFxVersion": "PYTHON|3.13"},
        "targetSwapSlot": site.preview.target if site.preview and site.preview.source == slot.name else None,
        "inProgressOperationId": operation.id if operation else None,
        "slotSwapStatus": status
        and {
            "timestampUtc": instant(status.timestamp),
            "sourceSlotName": status.source,
            "destinationSlotName": status.destination,
        },
    }
    return _resource(simulation, site, slot) | {
        "kind": "app,linux",
        "tags": site.tags,
        "properties": properties,
    }


def web_config_view(simulation: Simulation, site: Site, slot: Slot) -> Json:
    rules = site.ramp_up_rules if slot is site.production else []
    experiments = {"rampUpRules": [rule.model_dump(exclude_none=True) for rule in rules]}
    properties = {"numberOfWorkers": 1, "alwaysOn": True} | slot.web_config | {"experiments": experiments}
    return _resource(simulation, site, slot, "web") | {"properties": properties}


def app_settings_view(simulation: Simulation, site: Site, slot: Slot) -> Json:
    return _resource(simulation, site, slot, "appsettings") | {"properties": dict(slot.settings)}


def slot_config_names_view(simulation: Simulation, site: Site) -> Json:
    properties = {
        "appSettingNames": list(site.sticky_settings),
        "connectionStringNames": None,
        "azureStorageConfigNames": None,
    }
    return _resource(simulation, site, site.production, "slotConfigNames") | {"properties": properties}


def operation_view(simulation: Simulation, operation: Operation) -> Json:
    config = simulation.config
    provider = f"/subscriptions/{config.subscription_id}/providers/Microsoft.Web"
    view: Json = {
        "id": f"{provider}/locations/{config.location}/operations/{operation.id}",
        "name": operation.id,
        "status": operation.status,
        "startTime": instant(operation.started_at),
    }
    if operation.ended_at:
        view["endTime"] = instant(operation.ended_at)
    if operation.error:
        view["error"] = {"code": operation.error.code, "message": operation.error.message}
    return view
