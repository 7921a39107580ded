"""Sites, slots, settings and configuration as azure-mgmt-web reads and writes them."""

import time

from azure.mgmt.web.models import (
    RampUpRule,
    SiteConfig,
    SiteConfigResource,
    SlotConfigNames,
    SlotConfigNamesResource,
    StringDictionary,
)

from tests.functional.simulator.conftest import GROUP, Azure


def test_a_site_reads_as_the_sdk_models_it(azure: Azure) -> None:
    site = azure.apps.get(GROUP, "demo")
    assert (site.name, site.type, site.state) == ("demo", "Microsoft.Web/sites", "Running")
    assert site.default_host_name == "demo.azurewebsites.net"
    assert site.host_names == ["demo.azurewebsites.net"]
    assert site.id == azure.state()["resource_id"]


def test_slots_are_listed_without_production(azure: Azure) -> None:
    slots = list(azure.apps.list_slots(GROUP, "demo"))
    assert [(slot.name, slot.default_host_name) for slot in slots] == [
        ("demo/last-good", "demo-last-good.azurewebsites.net")
    ]


def test_writing_settings_replaces_the_whole_set_and_restarts_the_slot(azure: Azure) -> None:
    apps = azure.apps
    process_before = azure.state()["slots"]["last-good"]["pid"]
    apps.update_application_settings_slot(GROUP, "demo", "last-good", StringDictionary(properties={"ONLY": "this"}))
    read = apps.list_application_settings_slot(GROUP, "demo", "last-good")
    assert read.properties == {"ONLY": "this"}
    while azure.state()["slots"]["last-good"]["cold"]:
        time.sleep(0.05)
    assert azure.state()["slots"]["last-good"]["pid"] != process_before


def test_sticky_names_can_be_read_and_written(azure: Azure) -> None:
    apps = azure.apps
    for names in (["SLOT_NAME", "OTHER"], ["SLOT_NAME"]):
        wanted = SlotConfigNamesResource(properties=SlotConfigNames(app_setting_names=names))
        apps.update_slot_configuration_names(GROUP, "demo", wanted)
        assert apps.list_slot_configuration_names(GROUP, "demo").app_setting_names == names


def test_ramp_up_rules_survive_an_update_of_something_else(azure: Azure) -> None:
    apps = azure.apps
    host = "demo-last-good.azurewebsites.net"
    azure.route(RampUpRule(name="last-good", action_host_name=host, reroute_percentage=25.0))
    apps.update_configuration(GROUP, "demo", SiteConfigResource(properties=SiteConfig(always_on=False)))
    config = apps.get_configuration(GROUP, "demo")
    assert config.always_on is False
    assert config.experiments is not None
    [rule] = config.experiments.ramp_up_rules or []
    assert (rule.name, rule.action_host_name, rule.reroute_percentage) == ("last-good", host, 25.0)
