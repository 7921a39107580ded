"""Which settings recognise callers how; a wrong one recognises nobody, is named, and stops nothing else."""

from datetime import UTC, datetime

import pytest

from shared.adapters.entra import EntraIdentities, KeyIdentities
from shared.errors import SettingsError
from shared.identities import identities
from shared.ports.people import Presented
from shared.settings import Settings, read_settings

STORAGE = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}
TENANT = {"ENTRA_TENANT_ID": "3f1c5a70-4d0e-4b8e-9a55-0c9d5e7a1b20", "ENTRA_AUDIENCES": "an-app, api://an-app"}


def settings(**given: str) -> Settings:
    return read_settings(STORAGE | given)


@pytest.mark.parametrize(
    "given", [{}, {"ENTRA_TENANT_ID": ""}, {"EASY_AUTH": "false"}, {"ENTRA_AUTHORITY": "https://login.example"}]
)
def test_without_a_tenant_the_key_is_enough(given: dict[str, str]) -> None:
    found, problems = identities(settings(**given))
    assert isinstance(found, KeyIdentities)
    assert problems == ()


@pytest.mark.parametrize("given", [{}, {"EASY_AUTH": "true"}, {"EASY_AUTH": "False"}, {"ENTRA_AUDIENCES": "one"}])
def test_with_a_tenant_tokens_are_asked_for(given: dict[str, str]) -> None:
    found, problems = identities(settings(**TENANT | given))
    assert isinstance(found, EntraIdentities)
    assert problems == ()


WRONG = (
    ("ENTRA_TENANT_ID", {"ENTRA_TENANT_ID": " "}),
    ("ENTRA_TENANT_ID", {"ENTRA_TENANT_ID": "contoso.example"}),
    ("ENTRA_TENANT_ID", {"ENTRA_TENANT_ID": "common"}),
    ("ENTRA_TENANT_ID", {"ENTRA_TENANT_ID": "@Microsoft.KeyVault(SecretUri=https://v.example/secrets/t)"}),
    ("ENTRA_TENANT_ID", {"ENTRA_TENANT_ID": ""}),
    ("ENTRA_TENANT_ID", {"ENTRA_TENANT_ID": "", "ENTRA_AUDIENCES": "", "EASY_AUTH": "true"}),
    ("ENTRA_AUDIENCES", {"ENTRA_AUDIENCES": ""}),
    ("ENTRA_AUDIENCES", {"ENTRA_AUDIENCES": " , ,"}),
    ("ENTRA_AUTHORITY", {"ENTRA_AUTHORITY": "http://login.example"}),
    ("ENTRA_AUTHORITY", {"ENTRA_AUTHORITY": "login.example"}),
    ("ENTRA_ACTION_GROUP_APP_ID", {"ENTRA_ACTION_GROUP_APP_ID": "AzNS"}),
    ("EASY_AUTH", {"EASY_AUTH": "maybe"}),
    ("EASY_AUTH", {"EASY_AUTH": "maybe", "ENTRA_TENANT_ID": "", "ENTRA_AUDIENCES": ""}),
)


@pytest.mark.parametrize(("setting", "given"), WRONG)
def test_a_wrong_value_recognises_nobody_and_is_named(setting: str, given: dict[str, str]) -> None:
    found, (problem,) = identities(settings(**TENANT | given))
    assert problem.startswith(f"{setting}: ")
    with pytest.raises(SettingsError) as caught:
        found.of(Presented(), datetime.now(UTC))
    assert str(caught.value) == problem
