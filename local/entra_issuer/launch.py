"""Starts the issuer as a process of its own, for tests, scenarios and demos written in plain sync Python."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from local.entra_issuer.outages import Mode
from local.processes import Child

_CONTROL_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class RunningIssuer:
    authority: str
    tenant_id: str
    audiences: tuple[str, ...]
    keys_url: str
    control_url: str

    @property
    def app_settings(self) -> dict[str, str]:
        """The settings of an app that trusts this tenant."""
        return {
            "ENTRA_TENANT_ID": self.tenant_id,
            "ENTRA_AUDIENCES": ",".join(self.audiences),
            "ENTRA_AUTHORITY": self.authority,
        }

    def token(self, who: str = "vera", **asked: Any) -> str:
        """Return a token; `asked` are the other fields of `TokenRequest`."""
        return str(self.control("POST", "/token", {"who": who, **asked})["token"])

    def answer_keys(self, mode: Mode, *, delay_s: float = 0.0) -> None:
        """Say how the keys are answered from now on."""
        self.control("PUT", "/keys", {"mode": mode, "delay_s": delay_s})

    def rotate(self) -> None:
        """Sign with the next key, and withdraw the present one."""
        self.control("POST", "/rotate")

    def state(self) -> dict[str, Any]:
        """Return `fetches`, `asked` by path, `keys` by name, and how keys are answered."""
        state: dict[str, Any] = self.control("GET", "/state")
        return state

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """`control("PUT", "/keys", {"mode": "hang"})`; answers the JSON that came back.

        Raises:
            ValueError: it was refused; the message says why.
        """
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.control_url + path, method=method, data=data)  # noqa: S310  # the issuer's own loopback URL
        try:
            with urlopen(request, timeout=_CONTROL_TIMEOUT_S) as answer:  # noqa: S310  # as above
                return json.load(answer)
        except HTTPError as refused:
            with refused:
                raise ValueError(refused.read().decode()) from refused


@contextmanager
def launch_issuer(*, logs: Path | None = None, port: str = "0") -> Iterator[RunningIssuer]:
    """Run it for as long as the `with` statement lasts.

    Args:
        logs: Folder for its log; a temporary one by default.
        port: Where it listens; "0" is a free one.

    Raises:
        RuntimeError: it did not start; the end of its log is in the message.
    """
    with ExitStack() as stack:
        folder = logs or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="issuer-")))
        child = stack.enter_context(Child("local.entra_issuer", ["--port", port], folder / "issuer.log"))
        yield RunningIssuer(
            authority=child.ready["authority"],
            tenant_id=child.ready["tenant"],
            audiences=tuple(child.ready["audiences"]),
            keys_url=child.ready["keys"],
            control_url=child.ready["control"],
        )
