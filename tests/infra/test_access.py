"""Who may do what: no keys, and exactly the roles that infra/README.md gives a reason for."""

import re

import pytest

from tests.infra.bicep_files import BICEP, INFRA, MAIN, resources, strings, tree

ROLES_BY_FILE = {
    "storage.bicep": {
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",  # Storage Blob Data Owner
        "974c5e8b-45b9-4653-ba55-5f855dd0fb88",  # Storage Queue Data Contributor
        "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",  # Storage Table Data Contributor
    },
    "monitoring.bicep": {
        "3913510d-42f4-4e42-8a64-420c390055eb",  # Monitoring Metrics Publisher
        "3b03c2da-16b3-4a49-8834-0f8130efdd3b",  # Log Analytics Data Reader
    },
    "key-vault.bicep": {"4633458b-17de-408a-b874-0445c86b69e6"},  # Key Vault Secrets User
    "metrics-access.bicep": {"43d0d8ad-25c7-4714-9337-8ba259a9fe05"},  # Monitoring Reader
}
SWAP_ACTIONS = [
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Web/sites/read",
    "Microsoft.Web/sites/slots/read",
    "Microsoft.Web/sites/config/list/action",
    "Microsoft.Web/sites/slots/config/list/action",
    "Microsoft.Web/sites/slots/slotsswap/action",
    "Microsoft.Web/sites/resetSlotConfig/action",
    "Microsoft.Web/sites/operationresults/read",
    "Microsoft.Web/sites/slots/operationresults/read",
    "Microsoft.Web/sites/config/read",
    "Microsoft.Authorization/permissions/read",
]
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_the_storage_account_has_no_keys_no_public_blobs_and_new_tls() -> None:
    (account,) = resources("Microsoft.Storage/storageAccounts")
    wanted = {"allowSharedKeyAccess": False, "allowBlobPublicAccess": False, "minimumTlsVersion": "TLS1_2"}
    assert {name: account.properties[name] for name in wanted} == wanted


def test_deleted_blobs_can_be_had_back() -> None:
    (service,) = resources("Microsoft.Storage/storageAccounts/blobServices")
    assert service.properties["deleteRetentionPolicy"]["enabled"] is True


@pytest.mark.parametrize("word", ["listKeys", "AccountKey=", "SharedAccessKey", "listAccountSas", "?sig="])
def test_no_file_asks_for_a_key(word: str) -> None:
    assert [path.name for path in BICEP if word.lower() in path.read_text().lower()] == []


def test_telemetry_and_logs_refuse_keys() -> None:
    (insights,) = resources("Microsoft.Insights/components")
    (workspace,) = resources("Microsoft.OperationalInsights/workspaces")
    assert insights.properties["DisableLocalAuth"] is True
    assert workspace.properties["features"]["disableLocalAuth"] is True


def test_the_vault_opens_by_role_only() -> None:
    (vault,) = resources("Microsoft.KeyVault/vaults")
    assert vault.properties["enableRbacAuthorization"] is True
    assert vault.properties["enablePurgeProtection"] is True
    assert "accessPolicies" not in vault.properties


def test_publishing_passwords_are_off() -> None:
    policies = list(resources("Microsoft.Web/sites/basicPublishingCredentialsPolicies"))
    assert {policy.body["name"]: policy.properties["allow"] for policy in policies} == {"ftp": False, "scm": False}


def test_both_plans_run_https_only_with_the_one_identity() -> None:
    apps = list(resources("Microsoft.Web/sites"))
    assert len(apps) == 2
    for app in apps:
        assert app.properties["httpsOnly"] is True
        assert app.properties["siteConfig"]["ftpsState"] == "Disabled"
        assert app.body["identity"]["type"] == "UserAssigned"
        assert app.properties["keyVaultReferenceIdentity"] == "identityId"


def test_built_in_roles_are_exactly_these() -> None:
    found = {path.name: set(GUID.findall(path.read_text())) for path in BICEP}
    assert {name: guids for name, guids in found.items() if guids} == ROLES_BY_FILE


def test_every_role_that_is_named_is_assigned_once_to_the_identity() -> None:
    assignments = list(resources("Microsoft.Authorization/roleAssignments"))
    assert len(assignments) == sum(len(guids) for guids in ROLES_BY_FILE.values()) + 1
    assert {assignment.properties["principalId"] for assignment in assignments} == {"principalId"}
    given = [(assignment.file, str(assignment.properties["roleDefinitionId"])) for assignment in assignments]
    assert len(set(given)) == len(given)


def test_built_in_roles_are_on_one_resource_each_but_for_metrics() -> None:
    assignments = resources("Microsoft.Authorization/roleAssignments")
    unscoped = {assignment.file for assignment in assignments if "scope" not in assignment.body}
    assert unscoped == {"metrics-access.bicep", "guarded-site.bicep"}


def test_the_custom_role_is_exactly_what_the_swap_needs() -> None:
    (role,) = resources("Microsoft.Authorization/roleDefinitions")
    (permission,) = role.properties["permissions"]
    assert permission == {"actions": SWAP_ACTIONS, "notActions": []}


@pytest.mark.parametrize("name", ["alertsFunctionKey", "opsWebhookUrl"])
def test_secrets_are_secure_parameters_without_default(name: str) -> None:
    for path in BICEP:
        parameter = tree(path).get("parameters", {}).get(name)
        if parameter is not None:
            assert {"type": "secure"} in parameter["decorators"], path.name
            assert parameter["default"] is None


def test_no_secret_leaves_as_an_output() -> None:
    secrets = {"alertsFunctionKey", "opsWebhookUrl"}
    assert [path.name for path in BICEP if secrets & set(strings(tree(path).get("outputs", {})))] == []


def test_the_readme_gives_every_role_and_action_its_reason() -> None:
    readme = (INFRA / "README.md").read_text()
    wanted = [*SWAP_ACTIONS, *(guid for guids in ROLES_BY_FILE.values() for guid in guids)]
    assert [name for name in wanted if f"`{name}`" not in readme] == []


def test_the_subscription_is_touched_by_the_metrics_role_alone() -> None:
    scopes = {path.name for path in BICEP if tree(path)["globals"]["scope"]["value"] == "subscription"}
    assert scopes == {"metrics-access.bicep"}
    assert tree(MAIN)["globals"]["scope"]["value"] == "resourceGroup"
