"""Single requests to Azure Resource Manager for what none of its SDKs here covers; none is repeated, none waits."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_clients import ArmAccess, credential, policies_for
from shared.adapters.one_per_key import OnePerKey

if TYPE_CHECKING:
    from azure.core import PipelineClient
    from azure.core.rest import HttpRequest, HttpResponse

    type Client = PipelineClient[HttpRequest, HttpResponse]

_NO_CONTENT = 204


class ArmRequests:
    """A client of its own, built on first use in milliseconds, where that of an SDK takes a tenth of a second."""

    def __init__(self, arm: ArmAccess) -> None:
        self._arm = arm
        self._clients = OnePerKey(self._new_client)

    def send(
        self, method: str, path: str, version: str, timeout: timedelta, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """Send a request and return the JSON object of its answer; `None` when there is no content.

        Raises:
            AzureError, ValueError: as the SDKs do; for `azure_errors.translated`.
        """
        from azure.core.rest import HttpRequest

        request = HttpRequest(method, f"{self._arm.endpoint}{path}", params={"api-version": version}, json=body)
        limit_s = timeout.total_seconds()
        answer = self._clients["arm"].send_request(request, connection_timeout=min(5, limit_s), read_timeout=limit_s)
        answer.raise_for_status()
        return None if answer.status_code == _NO_CONTENT else _object(answer.json())

    def _new_client(self, _: str) -> "Client":
        from azure.core import PipelineClient
        from azure.core.pipeline.policies import BearerTokenCredentialPolicy, UserAgentPolicy

        scope = f"{self._arm.audience}/.default"
        signed = BearerTokenCredentialPolicy[Any, Any](credential(self._arm.client_id), scope)
        policies = [UserAgentPolicy("rollback-controller"), *policies_for(self._arm.endpoint), signed]
        return PipelineClient(self._arm.endpoint, policies=policies)


def _object(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise ValueError("the answer is no JSON object")  # noqa: TRY004 - what is wrong is what came, not its caller
    return document
