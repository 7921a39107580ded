"""Identity and what ARM refuses: tokens, permissions, throttling, and things that do not exist."""

import time
from collections.abc import Callable

import httpx
import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.identity import ManagedIdentityCredential
from azure.mgmt.web import WebSiteManagementClient
from azure.mgmt.web.operations import WebAppsOperations

from tests.functional.simulator.conftest import GROUP, SUBSCRIPTION, TO_PRODUCTION, Azure, http_response

SITE_PATH = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Web/sites/demo"
VERSION = {"api-version": "2024-04-01"}


def bearer(azure: Azure, scope: str = "https://management.azure.com/.default") -> dict[str, str]:
    return {"Authorization": f"Bearer {azure.credential.get_token(scope).token}"}


def test_arm_answers_401_without_a_token(azure: Azure) -> None:
    answer = httpx.get(azure.simulator.url + SITE_PATH, params=VERSION)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "AuthenticationFailed"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_a_token_for_something_else_is_refused(azure: Azure) -> None:
    wrong = bearer(azure, "https://vault.azure.net/.default")
    answer = httpx.get(azure.simulator.url + SITE_PATH, params=VERSION, headers=wrong)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "InvalidAuthenticationTokenAudience"


def test_tokens_expire(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    azure.control("PUT", "/timings", {"token_lifetime_s": 1})
    for name, value in azure.simulator.identity_environment.items():
        monkeypatch.setenv(name, value)
    with ManagedIdentityCredential() as credential:
        token = credential.get_token("https://management.azure.com/.default").token
    headers = {"Authorization": f"Bearer {token}"}
    url = azure.simulator.url + SITE_PATH
    assert httpx.get(url, params=VERSION, headers=headers).status_code == 200
    time.sleep(1.05)
    assert httpx.get(url, params=VERSION, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("header", "query", "status"),
    [
        ("wrong", {"api-version": "2019-08-01", "resource": "https://management.azure.com"}, 401),
        (None, {"api-version": "2017-09-01", "resource": "https://management.azure.com"}, 400),
        (None, {"api-version": "2019-08-01"}, 400),
    ],
)
def test_the_identity_endpoint_wants_its_header_version_and_resource(
    azure: Azure, header: str | None, query: dict[str, str], status: int
) -> None:
    headers = {"X-IDENTITY-HEADER": header or azure.simulator.identity_header}
    assert httpx.get(azure.simulator.identity_endpoint, params=query, headers=headers).status_code == status


def test_arm_wants_an_api_version(azure: Azure) -> None:
    answer = httpx.get(azure.simulator.url + SITE_PATH, headers=bearer(azure))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "MissingApiVersionParameter")


def test_a_permission_that_was_taken_away_is_named(azure: Azure) -> None:
    azure.control("PUT", "/permissions", {"denied": ["Microsoft.Web/sites/slots/slotsswap/*"]})
    apps = azure.apps
    with pytest.raises(HttpResponseError) as refused:
        apps.begin_swap_slot(GROUP, "demo", "last-good", TO_PRODUCTION)
    assert refused.value.status_code == 403
    assert refused.value.error is not None
    assert refused.value.error.code == "AuthorizationFailed"
    assert "perform action 'Microsoft.Web/sites/slots/slotsswap/action' over scope '/subscriptions/" in str(
        refused.value
    )
    assert apps.get(GROUP, "demo").state == "Running"


def exhaust_reads(apps: WebAppsOperations) -> None:
    for _ in range(10):
        apps.get(GROUP, "demo")


def test_reads_are_throttled_and_come_back(azure: Azure) -> None:
    azure.control("PUT", "/throttling", {"read_bucket": 3, "read_refill_per_s": 2.0})
    apps = azure.apps
    with pytest.raises(HttpResponseError) as refused:
        exhaust_reads(apps)
    headers = http_response(refused).headers
    assert refused.value.status_code == 429
    assert int(headers["Retry-After"]) >= 1
    assert headers["x-ms-ratelimit-remaining-subscription-reads"] == "0"
    time.sleep(1.0)
    apps.get(GROUP, "demo")
    apps.list_application_settings(GROUP, "demo")  # a POST: the bucket of writes


MISSING: list[Callable[[Azure], object]] = [
    lambda azure: azure.apps.get(GROUP, "nosuch"),
    lambda azure: azure.apps.get("no-group", "demo"),
    lambda azure: azure.apps.get_slot(GROUP, "demo", "nosuch"),
    lambda azure: azure.apps.get_slot(GROUP, "demo", "production"),
]


@pytest.mark.parametrize("read", MISSING)
def test_what_is_not_there_is_404(azure: Azure, read: Callable[[Azure], object]) -> None:
    with pytest.raises(ResourceNotFoundError):
        read(azure)


def test_a_client_needs_the_policy_to_send_a_token_over_http(azure: Azure) -> None:
    bare = WebSiteManagementClient(azure.credential, SUBSCRIPTION, base_url=azure.simulator.url, retry_total=0)
    with pytest.raises(ServiceRequestError, match="non-TLS"):
        bare.web_apps.get(GROUP, "demo")


def test_an_unknown_path_is_404_and_a_forged_token_401(azure: Azure) -> None:
    assert httpx.get(azure.simulator.url + "/subscriptions/x/nothing").status_code == 404
    forged = {"Authorization": "Bearer forged"}
    answer = httpx.get(azure.simulator.url + SITE_PATH, params=VERSION, headers=forged)
    assert answer.json()["error"]["code"] == "ExpiredAuthenticationToken"
    azure.set_fault("site_read", "status", status=401)
    with pytest.raises(ClientAuthenticationError):
        azure.apps.get(GROUP, "demo")
