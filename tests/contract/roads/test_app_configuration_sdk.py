"""The simulated store against the SDK as anybody uses it: add, change, list, lock, conditions, delete."""

from collections.abc import Iterator
from typing import Any

import pytest
from azure.appconfiguration import AzureAppConfigurationClient, ConfigurationSetting, ResourceReadOnlyError
from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

from shared.adapters.app_configuration import API_VERSION
from shared.adapters.azure_clients import credential, policies_for
from tests.contract.roads.app_configuration_world import CONTENT_TYPE, KEY, app_configuration_world
from tests.contract.roads.conftest import Launch
from tests.contract.roads.world import RoadWorld


@pytest.fixture(scope="module")
def launch() -> Launch:
    return app_configuration_world


@pytest.fixture
def client(world: RoadWorld) -> Iterator[AzureAppConfigurationClient]:
    url = world.simulator.url
    options: dict[str, Any] = {"per_retry_policies": policies_for(url), "retry_total": 0}
    with AzureAppConfigurationClient(url, credential(None), **options) as running:
        yield running


def test_it_is_a_store(client: AzureAppConfigurationClient) -> None:
    assert client._impl._config.api_version == API_VERSION
    added = client.add_configuration_setting(ConfigurationSetting(key="colour/é", label="x", value="red"))
    with pytest.raises(ResourceExistsError):
        client.add_configuration_setting(added)
    added.value = "blue"
    changed = client.set_configuration_setting(added, MatchConditions.IfNotModified)
    with pytest.raises(ResourceModifiedError):
        client.set_configuration_setting(added, MatchConditions.IfNotModified, etag=added.etag)
    assert client.get_configuration_setting("colour/é", "x", changed.etag, MatchConditions.IfModified) is None
    found = list(client.list_configuration_settings(key_filter="colour/*", label_filter="x"))
    assert [(each.value, each.read_only) for each in found] == [("blue", False)]
    assert len(list(client.list_configuration_settings(label_filter="\0", key_filter=f"{KEY},z"))) == 1
    client.set_read_only(found[0])
    with pytest.raises(ResourceReadOnlyError):
        client.set_configuration_setting(ConfigurationSetting(key="colour/é", label="x", value="green"))
    client.set_read_only(found[0], read_only=False)
    assert client.delete_configuration_setting("colour/é", "x") is not None
    assert client.delete_configuration_setting("colour/é", "x") is None
    with pytest.raises(ResourceNotFoundError):
        client.get_configuration_setting("colour/é", "x")
    flag = client.get_configuration_setting(KEY)
    assert flag is not None
    assert flag.content_type == CONTENT_TYPE
