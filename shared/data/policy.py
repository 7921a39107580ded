"""Reads the databases of a policy file, and nothing else of it: at night a person has two settings, and not the others.

What does not concern databases is blanked out before the file is read, so that lines keep their numbers and the rules
are those by which the app reads it.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import yaml
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from shared.adapters.databases import database_token
from shared.errors import InvalidInput, PolicyError
from shared.model.policy_data import Database
from shared.model.policy_text import read_policy
from shared.settings import Settings

# What a policy must have besides; nobody looks at it here.
_REST = """
workload: any
site:
  resource: /subscriptions/0/resourceGroups/0/providers/Microsoft.Web/sites/0
  url: https://any.example
  good_slot: any
signals: {any: {pushed: any}}
triggers: {critical: [{name: any, when: any > 1}]}
"""


def read_databases(file: Path, environment: Mapping[str, str]) -> dict[str, Database]:
    """Return the databases of a policy file by name.

    Raises:
        InvalidInput: it cannot be read, it names none, or a setting of theirs is not there.
    """
    called = str(file)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"cannot be read: {type(error).__name__}", where=called) from None
    found = read_policy(_only_databases(text, called), file=called, settings=environment).databases
    for name, database in found.items():
        for called_side, conninfo in (("source", database.source), ("target", database.target)):
            _demand_conninfo(conninfo, f"{called}: databases.{name}.{called_side}")
    return found


def choose(databases: Mapping[str, Database], name: str, file: Path) -> tuple[str, Database]:
    """Return the database of a name; the only one needs none.

    Raises:
        InvalidInput: there is none of that name, or there are several.
    """
    chosen = name or (next(iter(databases)) if len(databases) == 1 else "")
    if chosen not in databases:
        raise InvalidInput(f"expected --database to be one of the policy's: {', '.join(databases)}", where=str(file))
    return chosen, databases[chosen]


def token_of(environment: Mapping[str, str]) -> Callable[[], str]:
    """Return what gives a token of the identity at hand, by the settings that the app goes by.

    Its call raises TransientError or PermanentError: there is no identity, or it gets no token.
    """
    audience: str = environment.get("DATABASES_AUDIENCE") or Settings.model_fields["databases_audience"].default
    return partial(database_token, audience.rstrip("/"), environment.get("AZURE_CLIENT_ID") or None)


def _only_databases(text: str, called: str) -> str:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return text  # whoever reads it next says what is wrong, and where
    entries = root.value if isinstance(root, yaml.MappingNode) else []
    blocks = [(key.start_mark, value.end_mark) for key, value in entries if key.value == "databases"]
    if not blocks:
        raise InvalidInput("it names no databases", where=called)
    begins, ends = blocks[0][0], blocks[-1][1]
    return f"{'\n' * begins.line}{text[begins.index : ends.index]}{_REST}"


def _demand_conninfo(conninfo: str, where: str) -> None:
    try:
        conninfo_to_dict(conninfo)
    except ProgrammingError:  # it would quote what it could not read: a password, as likely as not
        raise InvalidInput("what the setting holds is no connection string", where=where) from None
