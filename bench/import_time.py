"""What a cold start pays for our code: `import function_app` beside `import azure.functions`, which every app pays.

Fresh processes, the two in turn, with bytecode compiled before the first measured run, as a deployment package has it.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping

from bench.measuring import Figure, progress
from local.rig.rig import APP_FOLDER

RUNS = 30
_CODE = "from time import perf_counter as t; b = t(); import {}; print((t() - b) * 1000)"


def import_time() -> Iterator[Figure]:
    """Milliseconds of both imports, and their ratio pair by pair."""
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory(prefix="bytecode-") as cache:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
        _import_ms("function_app", environment)
        for _ in progress(range(RUNS), description="import time"):
            theirs.append(_import_ms("azure.functions", environment))
            ours.append(_import_ms("function_app", environment))
    yield Figure("import_function_app", "ms", ours, peer=Figure("import azure.functions", "ms", theirs))
    yield Figure("import_function_app_ratio", "x", [one / other for one, other in zip(ours, theirs, strict=True)])


def _import_ms(module: str, environment: Mapping[str, str]) -> float:
    command = [sys.executable, "-c", _CODE.format(module)]
    done = subprocess.run(  # noqa: S603  # our own interpreter
        command, cwd=APP_FOLDER, env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout)
