"""What importing the app may pull in: a cold start pays for every module, and one that fails takes every function down.

`azure.functions` belongs to the trigger floor. SDKs, drivers and HTTP clients are imported on first use.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

APP_FOLDER = Path(__file__).parents[2]
HEAVY = (
    *(
        "azure.core",
        "azure.data",
        "azure.identity",
        "azure.mgmt",
        "azure.monitor",
        "azure.storage",
        "azure.appconfiguration",
    ),
    *("msal", "msrest", "cryptography", "requests", "urllib3", "httpx", "httpcore", "aiohttp", "anyio", "jwt"),
    *("psycopg", "mssql_python", "numpy", "scipy", "yaml", "dns", "jinja2", "ssl", "asyncio"),
)
_LONGEST_IMPORT_S = 60


def modules_after(statement: str) -> set[str]:
    """Return the names of all modules that are there after a statement in a fresh interpreter."""
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(  # noqa: S603  # our own interpreter
        command, cwd=APP_FOLDER, capture_output=True, text=True, timeout=_LONGEST_IMPORT_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def imports(source: Path) -> Iterator[str]:
    """Yield the names of the modules that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"{node.module}"


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules that the app brings beyond those of `azure.functions`, which the worker has loaded anyway."""
    return modules_after("import function_app") - modules_after("import azure.functions")


def test_nothing_heavy_is_imported_with_the_app(loaded: set[str]) -> None:
    assert (
        sorted(name for name in loaded if name.startswith(tuple(f"{heavy}." for heavy in HEAVY)) or name in HEAVY) == []
    )


def test_the_app_imports_what_it_registers(loaded: set[str]) -> None:
    assert {"function_app", "shared.functions.api", "shared.functions.queues", "shared.functions.timers"} <= loaded


def test_importing_needs_no_setting_and_opens_nothing() -> None:
    """An audit hook sees every file and socket that is opened; it cannot be switched off."""
    watch = (
        "import azure.functions, sys\n"
        "def hook(event, args):\n"
        "    assert not event.startswith(('socket.', 'subprocess.')), event\n"
        "    assert not (event == 'open' and str(args[0]).endswith(('.yaml', '.json'))), args\n"
        "sys.addaudithook(hook)\n"
        "import os; os.environ.clear()\n"
        "import function_app"
    )
    assert "function_app" in modules_after(watch)


def test_only_the_trigger_floor_knows_azure_functions() -> None:
    knowing = {
        path.relative_to(APP_FOLDER).parts[1]
        for path in (APP_FOLDER / "shared").rglob("*.py")
        if any(name == "azure.functions" or name.startswith("azure.functions.") for name in imports(path))
    }
    assert knowing == {"functions"}
