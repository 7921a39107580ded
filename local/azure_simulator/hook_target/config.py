"""The traffic switch as it is configured."""

from typing import Any

from pydantic import Field

from local.azure_simulator.strict_model import StrictModel


class HookTargetConfig(StrictModel):
    """`state` is what the read-back tells at the start; `secret` is the key of the signatures that it takes."""

    secret: str = Field(default="the secret of the demo hook", min_length=16)
    state: dict[str, Any] = Field(default={"traffic": {"target": "bad"}})
