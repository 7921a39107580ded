"""What the clients of all Azure services share: the app's identity, and plain HTTP for endpoints on this machine."""

from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.rest import HttpRequest, HttpResponse

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@cache
def credential(client_id: str | None) -> "TokenCredential":
    """Return the app's identity: managed identity in Azure, a developer's sign-in elsewhere."""
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(
        managed_identity_client_id=client_id,
        exclude_interactive_browser_credential=True,
        exclude_shared_token_cache_credential=True,
    )


class _PlainHttp(SansIOHTTPPolicy["HttpRequest", "HttpResponse"]):
    """Lets a token travel over plain HTTP; the SDKs refuse that unless a policy of the pipeline allows it."""

    def on_request(self, request: PipelineRequest["HttpRequest"]) -> None:
        request.context.options["enforce_https"] = False


def policies_for(endpoint: str) -> list[SansIOHTTPPolicy["HttpRequest", "HttpResponse"]]:
    """Return the extra pipeline policies for an endpoint: plain HTTP is allowed to the loopback interface alone."""
    parts = urlsplit(endpoint)
    return [_PlainHttp()] if parts.scheme == "http" and parts.hostname in _LOOPBACK else []
