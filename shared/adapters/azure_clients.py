"""What the clients of all Azure services share: the app's identity, and plain HTTP for endpoints on this machine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy

from shared.adapters.one_per_key import OnePerKey

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.rest import HttpRequest, HttpResponse

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# For every call of a management SDK: its retries repeat what must not be repeated, and its time-outs are minutes.
NO_WAITING: Mapping[str, Any] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 10}


@cache
def credential(client_id: str | None) -> "TokenCredential":
    """Return the app's identity: managed identity in Azure, a developer's sign-in elsewhere."""
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(
        managed_identity_client_id=client_id,
        exclude_interactive_browser_credential=True,
        exclude_shared_token_cache_credential=True,
        retry_total=0,  # the engine knows when to try again; the SDK would hold a worker for minutes
        connection_timeout=5,
        read_timeout=10,
    )


class _PlainHttp(SansIOHTTPPolicy["HttpRequest", "HttpResponse"]):
    """Lets a token travel over plain HTTP; the SDKs refuse that unless a policy of the pipeline allows it."""

    def on_request(self, request: PipelineRequest["HttpRequest"]) -> None:
        request.context.options["enforce_https"] = False


def policies_for(endpoint: str) -> list[SansIOHTTPPolicy["HttpRequest", "HttpResponse"]]:
    """Return the extra pipeline policies for an endpoint: plain HTTP is allowed to the loopback interface alone."""
    parts = urlsplit(endpoint)
    return [_PlainHttp()] if parts.scheme == "http" and parts.hostname in _LOOPBACK else []


@dataclass(frozen=True, slots=True)
class ArmAccess:
    """Where Resource Manager is reached, whom its tokens are for, and as whom."""

    endpoint: str
    audience: str
    client_id: str | None = None


class ArmClients[C]:
    """Clients of one management SDK, one for each subscription: building one takes up to 160 ms."""

    def __init__(self, arm: ArmAccess, load: Callable[[], Callable[..., C]]) -> None:
        """`load` imports the SDK and returns its client's class."""
        options: dict[str, Any] = {
            "base_url": arm.endpoint,
            "credential_scopes": [f"{arm.audience}/.default"],
            "per_call_policies": policies_for(arm.endpoint),
        }
        self._clients = OnePerKey(lambda subscription: load()(credential(arm.client_id), subscription, **options))

    def of(self, resource: str) -> C:
        """Return the client for a resource, named by its ARM id."""
        return self._clients[resource.split("/")[2]]
