"""What keeps a host from starting, and the one sentence it says then."""

from pathlib import Path
from types import SimpleNamespace

import azure.functions as func
import pytest

from local.functions_host.app_settings import AppSettings
from local.functions_host.bindings import FunctionDefinition, define_function
from local.functions_host.errors import ConfigurationError
from local.functions_host.host_json import read_host_json
from tests.functional.host.conftest import StartHost, write_app

SETTINGS = AppSettings({"WHEN": "0 0 3 * * *", "AzureWebJobs_nightly_Disabled": "true"})
TIMER = (
    "import azure.functions as func\n"
    "app = func.FunctionApp()\n"
    '@app.timer_trigger(arg_name="t", schedule="%WHEN%")\n'
    "def sometimes(t: func.TimerRequest) -> None: pass\n"
)


def define(app: func.FunctionApp, retry_options: object = None) -> FunctionDefinition:
    (function,) = app.get_functions()
    metadata = SimpleNamespace(
        name=function.get_function_name(),
        function_id="1",
        raw_bindings=function.get_raw_bindings(),
        retry_options=retry_options,
    )
    return define_function(metadata, SETTINGS)


def an_app() -> func.FunctionApp:
    return func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


def test_an_unknown_trigger_is_refused_by_name() -> None:
    app = an_app()

    @app.blob_trigger(arg_name="blob", path="c/{n}", connection="AzureWebJobsStorage")
    def on_blob(blob: func.InputStream) -> None: ...

    with pytest.raises(ConfigurationError) as refusal:
        define(app)
    sentence = "function on_blob: the binding 'blobTrigger' (direction in) is not supported by the local host"
    assert str(refusal.value) == sentence


def test_an_unknown_output_is_refused_by_name() -> None:
    app = an_app()

    @app.timer_trigger(arg_name="timer", schedule="%WHEN%")
    @app.table_output(arg_name="row", connection="AzureWebJobsStorage", table_name="t")
    def writes(timer: func.TimerRequest, row: func.Out[str]) -> None: ...

    with pytest.raises(ConfigurationError, match=r"^function writes: the binding 'table' \(direction out\)"):
        define(app)


def timer_app(schedule: str) -> func.FunctionApp:
    app = an_app()

    @app.timer_trigger(arg_name="timer", schedule=schedule)
    def nightly(timer: func.TimerRequest) -> None: ...

    return app


def test_a_retry_policy_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="function nightly: a retry policy is not supported"):
        define(timer_app("%WHEN%"), retry_options=object())


def test_a_missing_app_setting_is_named() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        define(timer_app("%NOPE%"))
    assert str(refusal.value) == ("function nightly: '%NOPE%' does not resolve: there is no app setting 'NOPE'")


def test_settings_are_resolved_and_can_disable() -> None:
    function = define(timer_app("%WHEN%"))
    assert function.disabled
    assert function.trigger.kind == "timer"
    assert getattr(function.trigger, "schedule", None) == "0 0 3 * * *"


@pytest.mark.parametrize(
    ("source", "settings", "sentence"),
    [
        (TIMER, {"WHEN": "0 0 25 * * *"}, "function sometimes: the schedule '0 0 25 * * *' is not usable"),
        ("raise KeyError('broken')", {}, "KeyError: 'broken'"),
        ("import no_such_module", {}, "Please check the requirements.txt"),
    ],
)
def test_the_host_says_once_why_it_does_not_start(
    start_host: StartHost, tmp_path: Path, source: str, settings: dict[str, str], sentence: str
) -> None:
    app_dir = write_app(tmp_path / "app", source)
    with pytest.raises(RuntimeError, match="exit code 1") as refusal:
        start_host(app_dir=app_dir, settings=settings)
    assert str(refusal.value).count(sentence) == 1


def test_a_folder_without_host_json(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"host\.json is missing"):
        read_host_json(tmp_path)
    (tmp_path / "host.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"host\.json is not JSON"):
        read_host_json(tmp_path)


def test_what_the_app_prints_does_not_disturb_the_ready_line(start_host: StartHost, tmp_path: Path) -> None:
    app_dir = write_app(tmp_path / "app", "print('loud')\n" + TIMER)
    host = start_host(app_dir=app_dir, settings={"WHEN": "0 0 3 * * *"})
    assert host.ready["functions"] == ["sometimes"]
    assert "loud" in host.log.read_text()
