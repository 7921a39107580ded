"""One Azurite process: Azure's blob, queue and table storage, in memory, on free ports.

Azurite picks the ports itself (port 0) and says which on its standard output, so no two instances
can race for one. Account name and key are the ones Azurite publishes for every installation.
"""

import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

SERVICES = ("Blob", "Queue", "Table")
LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at (http://\S+)")
OPTIONS = (
    "--inMemoryPersistence",
    "--silent",
    "--disableTelemetry",
    "--skipApiVersionCheck",  # today's SDKs speak newer versions than 3.35 knows by name
    *("--blobPort", "0"),
    *("--queuePort", "0"),
    *("--tablePort", "0"),
)
# The pipe closes when the parent dies, however it dies. A parent-death signal would not do: Linux
# sends it when the *thread* that started the child ends.
DIE_WITH_PARENT = (
    "process.stdin.resume(); process.stdin.on('end', () => process.exit(0));"
    "process.argv.splice(1, 0, 'azurite'); require(process.argv[2]);"
)


def _script() -> Path:
    script = Path(__file__).parents[1] / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
    if not script.exists():
        raise FileNotFoundError(f"Azurite is not installed at {script}: run `npm ci` first")
    return script


def _launch(directory: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - every word of it is written here
        ["node", "-e", DIE_WITH_PARENT, "--", str(_script()), *OPTIONS],  # noqa: S607 - found on PATH, like npm
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _endpoints(output: IO[str]) -> dict[str, str]:
    seen: list[str] = []
    endpoints: dict[str, str] = {}
    for line in output:
        seen.append(line)
        if match := LISTENING.search(line):
            endpoints[match[1]] = match[2]
        if len(endpoints) == len(SERVICES):
            return endpoints
    raise RuntimeError("Azurite ended before it listened:\n" + "".join(seen))


def _discard(lines: Iterator[str]) -> None:
    for _ in lines:
        pass


class Azurite:
    """Use as a context manager; `connection_string` is valid inside."""

    def __init__(self) -> None:
        self.connection_string = ""

    def __enter__(self) -> Self:
        self._directory = tempfile.TemporaryDirectory(prefix="azurite-")
        self._process = _launch(self._directory.name)
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe: tells the type checker
        endpoints = _endpoints(self._process.stdout)
        # An unread pipe fills up and then blocks Azurite in the middle of a request.
        self._reader = threading.Thread(target=_discard, args=(self._process.stdout,), daemon=True)
        self._reader.start()
        self.connection_string = ";".join(
            ["DefaultEndpointsProtocol=http", f"AccountName={ACCOUNT}", f"AccountKey={ACCOUNT_KEY}"]
            + [f"{service}Endpoint={endpoints[service]}/{ACCOUNT}" for service in SERVICES]
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Asked politely it would wait for idle connections; there is nothing in memory to save.
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None  # noqa: S101 - both are pipes: tells the type checker
            pipe.close()
        self._directory.cleanup()
