"""App settings as Azure hands them to the host: the process's environment.

`%NAME%` in a binding's properties is replaced by the setting (DefaultNameResolver.cs); a `connection`
names a setting, with or without the prefix AzureWebJobs; a function is switched off by a setting.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from local.functions_host.errors import ConfigurationError

PLACEHOLDER = re.compile(r"%([^%]*)%")
DEFAULT_CONNECTION = "AzureWebJobsStorage"


@dataclass(frozen=True)
class AppSettings:
    environment: Mapping[str, str]

    def resolve(self, text: str) -> str:
        return PLACEHOLDER.sub(lambda match: self._required(match[1], f"'{match[0]}'"), text)

    def connection_string(self, connection: str) -> str:
        name = connection or DEFAULT_CONNECTION
        prefixed = self.environment.get(f"AzureWebJobs{name}")
        return prefixed or self._required(name, f"connection '{name}'")

    def is_disabled(self, function: str) -> bool:
        # Linux plans cannot have a dot in a setting's name, so Azure reads both spellings.
        names = (f"AzureWebJobs.{function}.Disabled", f"AzureWebJobs_{function}_Disabled")
        return any(self.environment.get(name, "").lower() in ("true", "1") for name in names)

    def _required(self, name: str, wanted_by: str) -> str:
        value = self.environment.get(name)
        if not value:
            raise ConfigurationError(f"{wanted_by} does not resolve: there is no app setting {name!r}")
        return value
