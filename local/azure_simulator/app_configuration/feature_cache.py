"""The feature flags as the sites have them: a site asks its store every so often and serves by what it heard last.

Here one file stands for the caches of all sites. It follows a change after the refresh interval of the configuration
providers, 30 s unless a site says otherwise; the sites read it for every request and evaluate the flags themselves.
https://learn.microsoft.com/azure/azure-app-configuration/enable-dynamic-configuration-aspnet-core
"""

import asyncio
import json
import os
import tempfile
from pathlib import Path
from typing import Self

from local.azure_simulator.app_configuration.store import Store
from local.demo_site.features import FEATURES_VARIABLE, Flags

PREFIX = ".appconfig.featureflag/"


class FeatureCache:
    """Known to every build that is started while it is entered."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = tempfile.TemporaryDirectory(prefix="features-", delete=False)
        self.flags: Flags = {}

    def __enter__(self) -> Self:
        self.refresh()
        # Builds inherit the environment of the simulator, which has a process of its own.
        os.environ[FEATURES_VARIABLE] = str(self._file)
        return self

    def __exit__(self, *_: object) -> None:
        del os.environ[FEATURES_VARIABLE]
        self._folder.cleanup()

    @property
    def _file(self) -> Path:
        return Path(self._folder.name) / "features.json"

    async def refresh_after(self, interval_s: float) -> None:
        await asyncio.sleep(interval_s)
        self.refresh()

    def refresh(self) -> None:
        """A reader finds the flags of before or those of now, whole."""
        self.flags = dict(self._read())
        written = self._file.with_suffix(".new")
        written.write_text(json.dumps(self.flags), encoding="utf-8")
        written.replace(self._file)

    def _read(self) -> list[tuple[str, object]]:
        """Flags without a label, as the providers select them by default; what is no JSON is skipped."""
        found = []
        for held in self._store.all_latest():
            if held.content.key.startswith(PREFIX) and not held.content.label:
                try:
                    found.append((held.content.key.removeprefix(PREFIX), json.loads(held.content.value or "")))
                except ValueError:
                    continue
        return found
