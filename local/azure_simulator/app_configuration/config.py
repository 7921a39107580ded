"""What a store of App Configuration holds at the start, and what a test puts there behind everybody's back."""

from pydantic import Field

from local.azure_simulator.strict_model import StrictModel


class KeyValueConfig(StrictModel):
    """A key-value; the empty label is none."""

    key: str = Field(min_length=1)
    label: str = ""
    value: str | None = None
    content_type: str | None = None
    tags: dict[str, str] = Field(default={})
    description: str | None = None
    locked: bool = False
