"""App settings in Bicep are the ones that somebody reads, and hold no secret."""

from typing import Any

from tests.infra.bicep_files import INFRA, MAIN, resources, tree
from tests.infra.known_settings import (
    READ_BY_THE_HOST,
    READ_BY_THE_HOST_ON_PREMIUM,
    READ_BY_THE_PRODUCT,
    named_by_policies,
)

# On Flex Consumption these are part of functionAppConfig; as settings they make the deployment fail
# (Microsoft Learn, "App settings reference", "Flex Consumption plan deprecations").
NOT_ON_FLEX = READ_BY_THE_HOST_ON_PREMIUM | {
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
    "ENABLE_ORYX_BUILD",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
}


def name_value_pairs(concatenation: Any) -> dict[str, Any]:
    """The settings in the literal arrays of a `concat` call."""
    parts = concatenation["function"]["parameters"].values()
    return {entry["name"]: entry["value"] for part in parts if isinstance(part, list) for entry in part}


SETTINGS = name_value_pairs(tree(MAIN)["variables"]["settings"]["value"])


def test_every_setting_that_is_given_is_read() -> None:
    assert set(SETTINGS) <= READ_BY_THE_HOST | READ_BY_THE_PRODUCT | named_by_policies()


def test_what_differs_by_deployment_is_given() -> None:
    schedules = {"WATCH_SCHEDULE", "EVALUATE_SCHEDULE", "POISON_SCHEDULE", "READINESS_SCHEDULE", "ROLL_UP_SCHEDULE"}
    wanted = schedules | {"AZURE_CLIENT_ID", "ARM_ENDPOINT", "CHANNEL_WEBHOOK_OPS"}
    demo = {name for name in named_by_policies() if name.startswith("GUARDED_")}
    assert len(demo) == 5
    assert wanted | demo | READ_BY_THE_HOST <= set(SETTINGS)


def test_storage_is_reached_by_identity() -> None:
    assert "AzureWebJobsStorage" not in SETTINGS
    assert SETTINGS["AzureWebJobsStorage__credential"] == "managedidentity"


def test_endpoints_and_folder_have_the_form_that_the_product_reads() -> None:
    assert SETTINGS["METRICS_ENDPOINT"] == "https://{region}.metrics.monitor.azure.com"
    assert SETTINGS["LOGS_ENDPOINT"] == "https://api.loganalytics.io"
    parameters = tree(MAIN)["parameters"]
    assert parameters["watchSchedule"]["default"] == "*/10 * * * * *"
    assert parameters["evaluateSchedule"]["default"] == "5/30 * * * * *"
    assert parameters["policyFolder"]["default"] == "policies"


def test_the_channel_is_a_key_vault_reference() -> None:
    reference = tree(INFRA / "modules" / "key-vault.bicep")["outputs"]["opsWebhookReference"]["value"]
    assert reference == "@Microsoft.KeyVault(VaultName=${vault.name};SecretName=${opsWebhook.name})"
    assert "keyVault" in str(SETTINGS["CHANNEL_WEBHOOK_OPS"])


def test_flex_gets_no_setting_that_it_refuses() -> None:
    (flex,) = (app for app in resources("Microsoft.Web/sites") if app.file == "function-app-flex.bicep")
    assert flex.properties["siteConfig"]["appSettings"] == "settings"
    assert NOT_ON_FLEX.isdisjoint(SETTINGS)


def test_premium_adds_what_its_host_needs() -> None:
    (premium,) = (app for app in resources("Microsoft.Web/sites") if app.file == "function-app-premium.bicep")
    assert set(name_value_pairs(premium.properties["siteConfig"]["appSettings"])) == READ_BY_THE_HOST_ON_PREMIUM


def test_python_is_3_13_on_both_plans() -> None:
    flex, premium = sorted(resources("Microsoft.Web/sites"), key=lambda app: app.file)
    assert flex.properties["functionAppConfig"]["runtime"] == {"name": "python", "version": "3.13"}
    assert premium.properties["siteConfig"]["linuxFxVersion"] == "Python|3.13"


def test_timers_and_http_stay_warm_and_the_scale_is_bounded() -> None:
    parameters = tree(MAIN)["parameters"]
    warm = {entry["name"]: entry["instanceCount"] for entry in parameters["alwaysReady"]["default"]}
    assert warm == {"http": 1, "function:watch": 1, "function:evaluate": 1, "function:rollback_level_1": 1}
    assert {"type": "max_value", "argument": 1000} in parameters["maximumInstances"]["decorators"]
