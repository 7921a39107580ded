"""A real Prometheus that scrapes one site: Debian's package, in a temporary folder and on a free port."""

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

JOB = "site"
SCRAPED_EVERY_S = 0.2
_READY_WITHIN_S = 60.0
# The pipe closes when the parent dies, however it dies.
_END_WITH_PARENT = '"$@" & server=$!; cat >/dev/null; kill -TERM "$server"; wait "$server"'
_CONFIGURATION = """\
global: {{scrape_interval: {every_ms}ms, scrape_timeout: {every_ms}ms}}
scrape_configs: [{{job_name: {job}, static_configs: [{{targets: ["{target}"]}}]}}]
"""


def installed() -> str | None:
    """Return where Prometheus is, if it is here (Debian: apt-get install prometheus)."""
    return shutil.which("prometheus")


class Prometheus:
    """Scrapes `/metrics` of a site, five times a second, while it is entered."""

    def __init__(self, target: str) -> None:
        """`target` is host and port of the site."""
        self._target = target

    def __enter__(self) -> Self:
        binary = installed()
        if binary is None:
            raise FileNotFoundError("there is no Prometheus here (Debian: apt-get install prometheus)")
        self._home = Path(tempfile.mkdtemp(prefix="prometheus-"))
        self.url = f"http://127.0.0.1:{_free_port()}"
        try:
            self._start(binary)
        except BaseException:
            self._end()
            raise
        return self

    def _start(self, binary: str) -> None:
        configuration = self._home / "prometheus.yml"
        every_ms = int(SCRAPED_EVERY_S * 1000)
        configuration.write_text(_CONFIGURATION.format(every_ms=every_ms, job=JOB, target=self._target))
        command = [
            binary,
            f"--config.file={configuration}",
            f"--storage.tsdb.path={self._home / 'data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
            "--log.level=error",
        ]
        with (self._home / "log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # every word of it is written here
                ["sh", "-c", _END_WITH_PARENT, "sh", *command],  # noqa: S607  # found on PATH, like npm
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + _READY_WITHIN_S
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"Prometheus did not start: {(self._home / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready", timeout=2).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        process = getattr(self, "_process", None)
        if process is not None:
            assert process.stdin is not None  # noqa: S101  # a pipe was asked for
            process.stdin.close()
            process.wait()
        shutil.rmtree(self._home, ignore_errors=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
