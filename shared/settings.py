"""The app's settings: one frozen class, every field documented, read from the environment on first use.

Azure Functions hands app settings to the app as environment variables. Addresses of channels and the values that
policies name with `%NAME%` are app settings too; they are looked up by name where they are needed.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from shared.errors import SettingsError
from shared.model.budget import Budget, WrittenBudget

APP_FOLDER = Path(__file__).resolve().parent.parent


class Settings(BaseModel):
    """What the app reads from its settings; the alias is the setting's name."""

    model_config = ConfigDict(frozen=True)

    watch_schedule: str = Field(
        default="*/10 * * * * *",
        alias="WATCH_SCHEDULE",
        description="NCRONTAB of the watch timer. Read by the host: it must be set.",
    )
    evaluate_schedule: str = Field(
        default="5/30 * * * * *",
        alias="EVALUATE_SCHEDULE",
        description="NCRONTAB of the second timer. Read by the host: it must be set.",
    )
    poison_schedule: str = Field(
        default="20 * * * * *",
        alias="POISON_SCHEDULE",
        description="NCRONTAB of the timer that sweeps the poison queues. Read by the host: it must be set.",
    )
    readiness_schedule: str = Field(
        default="40 * * * * *",
        alias="READINESS_SCHEDULE",
        description="NCRONTAB of the timer that checks readiness. Read by the host: it must be set.",
    )
    roll_up_schedule: str = Field(
        default="50 */5 * * * *",
        alias="ROLL_UP_SCHEDULE",
        description="NCRONTAB of the timer that rolls up what was measured, at most 10 minutes apart. "
        "Read by the host: it must be set.",
    )
    keep_hours_days: int = Field(
        default=14, alias="KEEP_HOURS_DAYS", ge=2, le=60, description="For how many days roll-ups by the hour are kept."
    )
    keep_days_days: int = Field(
        default=90, alias="KEEP_DAYS_DAYS", ge=14, le=730, description="For how many days roll-ups by the day are kept."
    )
    policy_folder: Path = Field(
        default=Path("policies"),
        alias="POLICY_FOLDER",
        description="Folder of the policies, within the app or absolute.",
    )
    kql_folder: Path = Field(
        default=Path("infra/kql"),
        alias="KQL_FOLDER",
        description="Folder of the log queries, within the app or absolute.",
    )
    promql_folder: Path = Field(
        default=Path("infra/promql"),
        alias="PROMQL_FOLDER",
        description="Folder of the Prometheus queries, within the app or absolute.",
    )
    storage_connection: str | None = Field(
        default=None, alias="AzureWebJobsStorage", description="Connection string of the storage account (local work)."
    )
    storage_account: str | None = Field(
        default=None,
        alias="AzureWebJobsStorage__accountName",
        description="Storage account reached with the app's identity; this is how Azure should run it.",
    )
    storage_suffix: str = Field(
        default="core.windows.net",
        alias="STORAGE_SUFFIX",
        pattern=r"^[a-z0-9.-]+$",
        description="How the hosts of storage end; differs in sovereign clouds.",
    )
    client_id: str | None = Field(
        default=None, alias="AZURE_CLIENT_ID", description="Client id of the user-assigned identity; else the system's."
    )
    arm_endpoint: str = Field(
        default="https://management.azure.com",
        alias="ARM_ENDPOINT",
        description="Azure Resource Manager; differs in sovereign clouds.",
    )
    arm_audience: str = Field(
        default="https://management.azure.com", alias="ARM_AUDIENCE", description="Whom tokens for it are issued to."
    )
    metrics_endpoint: str = Field(
        default="https://{region}.metrics.monitor.azure.com",
        alias="METRICS_ENDPOINT",
        description="Azure Monitor metrics data plane; {region} is the site's.",
    )
    metrics_audience: str = Field(
        default="https://metrics.monitor.azure.com",
        alias="METRICS_AUDIENCE",
        description="Whom tokens for it are issued to; differs in sovereign clouds.",
    )
    databases_audience: str = Field(
        default="https://ossrdbms-aad.database.windows.net",
        alias="DATABASES_AUDIENCE",
        description="Whom tokens are issued to that stand for a database's password; differs in sovereign clouds.",
    )
    prometheus_audience: str = Field(
        default="https://prometheus.monitor.azure.com",
        alias="PROMETHEUS_AUDIENCE",
        description="Whom tokens for Azure Monitor workspaces are issued to; differs in sovereign clouds.",
    )
    sql_audience: str = Field(
        default="https://database.windows.net",
        alias="SQL_AUDIENCE",
        description="Whom tokens for Azure SQL are issued to; differs in sovereign clouds.",
    )
    logs_endpoint: str = Field(
        default="https://api.loganalytics.io", alias="LOGS_ENDPOINT", description="Log Analytics query API."
    )
    table: str = Field(
        default="workloads",
        alias="WORKLOADS_TABLE",
        pattern=r"^[A-Za-z][A-Za-z0-9]{2,62}$",
        description="Table that holds everything; one partition per workload.",
    )
    workers: int = Field(
        default=32, alias="WATCH_WORKERS", ge=2, le=128, description="Threads that collect and evaluate in parallel."
    )
    watch_stale_after_s: float = Field(
        default=60,
        alias="WATCH_STALE_AFTER_S",
        gt=0,
        description="The app is not ready when no cycle ended for this long.",
    )

    receipt_key: SecretStr | None = Field(
        default=None,
        alias="RECEIPT_KEY",
        description="Private key that signs receipts, from `python -m shared.receipt new-key`; a Key Vault reference.",
    )
    link_key: SecretStr | None = Field(
        default=None,
        alias="LINK_KEY",
        description="Signs the links by which people answer: base64 of at least 32 bytes; a Key Vault reference.",
    )
    link_address: str | None = Field(
        default=None,
        alias="LINK_ADDRESS",
        description="Where these links lead, such as https://controller.example/api/answers; no links without it.",
    )
    fleet_budget: WrittenBudget = Field(
        default=Budget(10, timedelta(hours=1)),
        alias="FLEET_BUDGET",
        description="How many automatic rollbacks all workloads together may start in any such interval.",
    )
    # Read as texts, whatever they say: one that is wrong must not keep the timers from running (identities.py).
    entra_tenant_id: str = Field(
        default="",
        alias="ENTRA_TENANT_ID",
        description="Entra ID tenant whose tokens callers must bring. Not set: a function key alone is enough.",
    )
    entra_audiences: str = Field(
        default="",
        alias="ENTRA_AUDIENCES",
        description="Whom tokens must be meant for: client id and `api://` address of this app, with a comma between.",
    )
    entra_authority: str = Field(
        default="https://login.microsoftonline.com",
        alias="ENTRA_AUTHORITY",
        description="Where the tenant signs people in; differs in sovereign clouds.",
    )
    entra_action_group_app_id: str = Field(
        default="461e8683-5575-4561-ac7f-899cc907d62a",
        alias="ENTRA_ACTION_GROUP_APP_ID",
        description="App that sends the alerts of secure webhooks; the same in every tenant of the public cloud.",
    )
    easy_auth: str = Field(
        default="false",
        alias="EASY_AUTH",
        description="`true`: App Service itself signs people in, so that its header `X-MS-CLIENT-PRINCIPAL` counts.",
    )

    @field_validator(
        "arm_endpoint",
        "arm_audience",
        "metrics_endpoint",
        "metrics_audience",
        "logs_endpoint",
        "databases_audience",
        "prometheus_audience",
        "sql_audience",
    )
    @classmethod
    def _without_last_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @property
    def watch_stale_after(self) -> timedelta:
        return timedelta(seconds=self.watch_stale_after_s)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read settings from a mapping of names to texts; an empty text counts as not set.

    Raises:
        SettingsError: naming every setting that cannot be used.
    """
    names = {field.alias for field in Settings.model_fields.values()}
    given = {name: value for name, value in environment.items() if name in names and value}
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors())
        raise SettingsError(f"app settings cannot be used: {'; '.join(problems)}") from None
    if not (settings.storage_connection or settings.storage_account):
        raise SettingsError("no storage is set; expected AzureWebJobsStorage or AzureWebJobsStorage__accountName")
    return settings


def settings_page() -> str:
    """Return docs/settings.md: every setting with its default and meaning."""
    rows = [
        f"| `{field.alias}` | {'' if field.default in (None, '') else f'`{field.default}`'} | {field.description} |"
        for field in Settings.model_fields.values()
    ]
    return "\n".join([*_PAGE_HEAD, *rows, *_PAGE_FOOT]) + "\n"


_PAGE_HEAD = (
    "# App settings",
    "",
    "Made from `shared/settings.py` by `make pages`. One of the two storage settings is required.",
    "",
    "| setting | default | meaning |",
    "|---|---|---|",
)
_PAGE_FOOT = (
    "| `CHANNEL_WEBHOOK_<NAME>` | | Address of the channel `webhook:<name>` that a policy notifies. |",
    "| whatever a policy names `%NAME%` | | The value that stands for it. |",
)
