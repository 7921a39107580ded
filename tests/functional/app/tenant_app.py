"""An app of its own that asks for tokens, with the tenant that issues them. It watches nothing and guards no site.

A rollback of `orders` begins at once; for one of `vault` people are asked, by link or signed in, two of them.
Level 2 of `orders` is rehearsed on `staging`.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from local.azurite import Azurite
from local.entra_issuer.launch import RunningIssuer, launch_issuer
from local.processes import Child
from local.rig.inbox import Inbox
from local.rig.rig import APP_FOLDER
from tests.functional.app.guarded import ONCE_A_YEAR, policy
from tests.functional.app.http_client import Api

WORKLOAD = "orders"
ASKING = "vault"
TARGET = "staging"
LINKS = "https://controller.example/api/answers"
FUNCTION_KEY = "tenant-function-key"
_SITES = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites"
_NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody listens


@dataclass(frozen=True, slots=True)
class TenantApp:
    """A running app, the tenant whose tokens it asks for, and what its people are told."""

    api: Api
    issuer: RunningIssuer
    inbox: Inbox
    master_key: str = field(repr=False)

    def of(self, who: str, **asked: Any) -> Api:
        """The app's API for somebody who has signed in; `asked` is what else is to be in the token."""
        return replace(self.api, token=self.issuer.token(who, **asked))


@contextmanager
def tenant_app(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[TenantApp]:
    """Run it for as long as the `with` statement lasts.

    Args:
        folder: For logs and the policy.
        settings: App settings over its own.
    """
    with ExitStack() as stack:
        issuer = stack.enter_context(launch_issuer(logs=folder))
        storage = stack.enter_context(Azurite()).connection_string
        inbox = stack.enter_context(Inbox())
        given = {**_settings(folder, storage), "CHANNEL_WEBHOOK_OPS": inbox.url, **issuer.app_settings}
        given |= settings or {}
        arguments = ["--app-dir", str(APP_FOLDER), "--host-id", "tenant", "--drain-seconds", "1"]
        arguments += ["--function-key", FUNCTION_KEY]
        host = stack.enter_context(Child("local.functions_host", arguments, folder / "tenant-app.log", given))
        yield TenantApp(Api(str(host.ready["url"]), FUNCTION_KEY), issuer, inbox, str(host.ready["master_key"]))


def _settings(folder: Path, storage: str) -> dict[str, str]:
    policies = folder / "tenant-policies"
    policies.mkdir()
    signals = {"latency": {"pushed": "orders.latency", "unit": "s"}, "amount": {"pushed": "orders.amount"}}
    asking: dict[str, Any] = {"levels": {"1": {"approval": {"quorum": 2, "to": ["webhook:ops"]}}}}
    drilling: dict[str, Any] = {"levels": {"2": {"roads": ["slot_swap"], "drill": {"on": TARGET}}}}
    target: dict[str, Any] = {"levels": {"2": {"roads": ["slot_swap"]}}, "drill_target": True}
    for name, more in {WORKLOAD: drilling, ASKING: asking, TARGET: target}.items():
        (policies / f"{name}.yaml").write_text(json.dumps(policy(name, f"{_SITES}/{name}", _NOWHERE, signals) | more))
    schedules = dict.fromkeys(
        ("WATCH_SCHEDULE", "EVALUATE_SCHEDULE", "POISON_SCHEDULE", "READINESS_SCHEDULE", "ROLL_UP_SCHEDULE"),
        ONCE_A_YEAR,
    )
    return {
        "AzureWebJobsStorage": storage,
        "POLICY_FOLDER": str(policies),
        "LINK_KEY": b64encode(b"of these tests, and of no use elsewhere").decode(),
        "LINK_ADDRESS": LINKS,
        "ARM_ENDPOINT": _NOWHERE,
        "IDENTITY_ENDPOINT": f"{_NOWHERE}/token",
        "IDENTITY_HEADER": "nobody",
        **schedules,
    }
