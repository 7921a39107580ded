"""What the demo sees and does from outside: the app's API, the simulator's control endpoint, the people who are told.

The app is asked as its users ask it, the world (ARM's journal, the slots) is asked without the app.
"""

import re
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self

import httpx
from pydantic import BaseModel, Field

from local.azure_simulator.config import PRODUCTION, RampUpRule
from local.rig.rig import SITE, Rig

_APP_TIMEOUT_S = 5.0
_CONTROL_TIMEOUT_S = 30.0
# How the host's log ends the line of a message whose two runs have ended: `run_twice`.
_DELIVERED_TWICE = " was delivered twice\n"
_LINK = re.compile(r"https?://\S+/api/answers/\S+")
_PERSON = "ann"


class AppEvent(BaseModel):
    """One line of the app's history."""

    kind: str
    at: datetime
    sentence: str
    about: str = ""
    since: datetime | None = None


class LastRollback(BaseModel):
    """The last run that ended."""

    id: str
    status: str
    ended_at: datetime


class KnownGood(BaseModel):
    """The build to go back to."""

    build: str


class AppView(BaseModel):
    """What the app says of the workload; events are newest first, `quarantine` is by build."""

    verdict: str
    sentence: str
    production_build: str = ""
    known_good: KnownGood | None = None
    quarantine: Mapping[str, Any] = Field(default={})
    last_rollback: LastRollback | None = None
    events: tuple[AppEvent, ...] = ()


class SwapPost(BaseModel):
    """One POST to `slotsswap` that ARM saw; `status` is null when its reply was lost."""

    time: datetime
    status: int | None
    accepted: bool


class SiteView(BaseModel):
    """The site as ARM has it; a swap that was accepted and is not over is the operation in progress."""

    production_build: str
    swap_posts: tuple[SwapPost, ...]
    in_progress_operation_id: str | None = None
    routed: tuple[RampUpRule, ...] = Field(default=(), validation_alias="rampUpRules")


class World:
    """A running rig, seen from outside."""

    def __init__(self, rig: Rig, site: str = SITE) -> None:
        """See one site of it, which has the name of its workload."""
        self.rig = rig
        self._site = site
        self._stack = ExitStack()
        self._app = self._stack.enter_context(httpx.Client(timeout=_APP_TIMEOUT_S))
        self._control = self._stack.enter_context(
            httpx.Client(
                base_url=rig.simulator.control_url,
                timeout=_CONTROL_TIMEOUT_S,
                event_hooks={"response": [_must_succeed]},
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._stack.close()

    def app(self) -> AppView | None:
        """What the app says now; `None` while it does not answer."""
        try:
            answer = self._app.get(self._workload_url(), headers=self._key())
        except httpx.TransportError:
            return None
        return AppView.model_validate_json(answer.content) if answer.is_success else None

    def announce(self, build: str, known_good: str, kind: str = "deployment") -> None:
        """Tell the app, as the pipeline does, that a change begins."""
        body = {"build": build, "known_good": known_good, "kind": kind}
        _must_succeed(self._app.post(f"{self._workload_url()}/changes", json=body, headers=self._key()))

    def ready(self) -> bool:
        """Whether the app says that it could take the workload back, if it had to."""
        answer = self._app.get(f"{self._workload_url()}/readiness", headers=self._key())
        return answer.is_success and bool(answer.json()["ok"])

    def has_checkpoint(self) -> bool:
        """Whether the rows of every database could go back to where the change began."""
        answer = self._app.get(f"{self._workload_url()}/databases", headers=self._key())
        found = answer.json()["databases"] if answer.is_success else []
        return bool(found) and all(one["status"] == "taken" for one in found)

    def promote(self, build: str) -> str:
        """Ask the app, as the pipeline does, to take a build forward.

        Returns:
            Why it will not; the empty text if it does.
        """
        body = {"build": build, "reason": "the pipeline built it"}
        answer = self._app.post(f"{self._workload_url()}/promotions", json=body, headers=self._key())
        if answer.status_code == HTTPStatus.CONFLICT:
            return str(answer.json()["detail"])
        _must_succeed(answer)
        return ""

    def pause_fleet(self, reason: str) -> None:
        """Let no automatic rollback start anywhere, as a person does before some work by hand."""
        _must_succeed(self._app.put(self._pause_url(), json={"reason": reason, "by": _PERSON}, headers=self._key()))

    def resume_fleet(self) -> None:
        """Let them start again."""
        _must_succeed(self._app.delete(self._pause_url(), params={"by": _PERSON}, headers=self._key()))

    def rollback_outcome(self, rollback_id: str) -> str:
        """The sentence that a run ended with."""
        answer = self._app.get(f"{self.rig.app_url}/api/rollbacks/{rollback_id}", headers=self._key())
        _must_succeed(answer)
        return str(answer.json()["outcome"])

    def _workload_url(self) -> str:
        return f"{self.rig.app_url}/api/workloads/{self._site}"

    def _pause_url(self) -> str:
        return f"{self.rig.app_url}/api/fleet/pause"

    def _key(self) -> Mapping[str, str]:
        return {"x-functions-key": self.rig.function_key}

    def site(self) -> SiteView:
        """The site as ARM has it now."""
        return SiteView.model_validate(self._control.get("/state").json()["sites"][self._site])

    def deploy(self, build: str, slot: str = PRODUCTION) -> None:
        """Put a build into a slot; into production, as a pipeline does that knows no slots, if none is given."""
        self._control.post(f"/sites/{self._site}/deploy", json={"slot": slot, "build": build, "setting": True})

    def route(self, slot: str, percent: float) -> None:
        """Let the platform send a share of the requests to a slot, as a person does in the portal."""
        rule = {"name": slot, "actionHostName": f"{self._site}-{slot}.azurewebsites.net", "reroutePercentage": percent}
        self._control.put(f"/sites/{self._site}/routing", json={"rules": [rule]})

    def lead(self, zone: str, name: str, host: str, ttl_s: int) -> None:
        """Let a name lead to a host; those who asked before the change have forgotten it."""
        self._control.put(f"/dns_zones/{zone}", json={"name": name, "cname": host, "ttl_s": ttl_s})
        self._control.delete("/resolvers/caches")

    def set_flag(self, key_value: Mapping[str, Any]) -> None:
        """Put a feature flag into the store of App Configuration."""
        self._control.put("/key_values", json=key_value)

    def page(self, path: str) -> Any:
        """The JSON with which the site answers anybody."""
        answer = self._app.get(f"{self.users_url}{path}")
        _must_succeed(answer)
        return answer.json()

    @property
    def users_url(self) -> str:
        """Where people reach the guarded site."""
        return self.rig.app_settings()["GUARDED_SITE_URL"]

    def break_build(self, build: str, fail_share: float, **more: Any) -> None:
        """Let a build fail this share of its requests; `more` says of which, as the control endpoint takes it."""
        self._control.put(f"/builds/{build}/faults", json={"fail_share": fail_share, **more})

    def kill_build(self, build: str) -> None:
        """End a build's process; it stays dead."""
        self._control.put(f"/builds/{build}/faults", json={"die": True})

    def heal_build(self, build: str) -> None:
        """Take its faults from a build."""
        self._control.delete(f"/builds/{build}/faults")

    def break_azure(self, **fault: Any) -> None:
        """Set a fault of the platform: `api`, `kind` and what else the control endpoint takes."""
        self._control.post("/faults", json=fault)

    def doubled(self) -> int:
        """How many messages the hosts ran twice, by their logs."""
        logs = (log.read_text(encoding="utf-8", errors="replace") for log in self.rig.logs.glob("host-*.log"))
        return sum(log.count(_DELIVERED_TWICE) for log in logs)

    def hook_state(self) -> Any:
        """What the target of hooks keeps."""
        return self._control.get("/state").json()["hook"]["state"]

    def told(self) -> list[str]:
        """The kinds of the notifications that people received, oldest first."""
        return [str(notification["kind"]) for notification in self.rig.inbox.received]

    def link(self) -> str | None:
        """The link by which people were asked last, out of the message that they received."""
        asked = [str(one["sentence"]) for one in self.rig.inbox.received if one["kind"] == "asked"]
        found = [link[0] for sentence in asked if (link := _LINK.search(sentence))]
        return found[-1] if found else None


def _must_succeed(answer: httpx.Response) -> None:
    if not answer.is_success:
        answer.read()
        raise RuntimeError(f"{answer.request.method} {answer.request.url} answered {answer.status_code}: {answer.text}")
