"""Names of app settings that somebody reads. A setting that nobody reads is a promise that nobody keeps."""

import re

import yaml

from shared.settings import Settings
from tests.infra.bicep_files import ROOT

READ_BY_THE_HOST = frozenset(
    {
        "AzureWebJobsStorage__accountName",
        "AzureWebJobsStorage__credential",
        "AzureWebJobsStorage__clientId",
        "PYTHON_THREADPOOL_THREAD_COUNT",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    }
)
READ_BY_THE_HOST_ON_PREMIUM = frozenset(
    {
        "FUNCTIONS_EXTENSION_VERSION",
        "FUNCTIONS_WORKER_RUNTIME",
        "WEBSITE_RUN_FROM_PACKAGE",
        "WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID",
    }
)
READ_BY_THE_PRODUCT = frozenset(str(field.alias) for field in Settings.model_fields.values())

_NAMED = re.compile(r"%([A-Z][A-Z0-9_]*)%")


def named_by_policies() -> frozenset[str]:
    """What the policies name with %NAME%, and the addresses of the channels that they tell."""
    texts = [path.read_text() for path in (ROOT / "policies").glob("*.yaml")]
    settings = {name for text in texts for name in _NAMED.findall(text)}
    channels = {channel for text in texts for channel in yaml.safe_load(text).get("notify", {}).get("to", ())}
    return frozenset(settings | {f"CHANNEL_{channel.replace(':', '_').upper()}" for channel in channels})
