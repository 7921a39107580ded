"""`python -m shared.policy check FILE...` reads policies; `python -m shared.policy schema` prints their JSON Schema.

For editors and pipelines. `%NAME%` is taken from the environment; with `--any-settings`, every setting counts as set.
"""

import argparse
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from pydantic.json_schema import GenerateJsonSchema

from shared.adapters.kql_files import query_problems
from shared.adapters.policy_files import clash, read_policy_file, unwilling_targets
from shared.errors import PolicyError
from shared.model.policy import Policy
from shared.model.quantity import say_duration
from shared.settings import APP_FOLDER

_SETTING = "%[A-Za-z_][A-Za-z0-9_]*%"
_HOLDS = re.compile(r"what the app setting ([A-Za-z_][A-Za-z0-9_]*) holds")


class AnySettings(Mapping[str, str]):
    """Has a value for every name, and other resources for other names; one that does not fit gives way to the next."""

    _GROUP = "/subscriptions/0/resourceGroups/any/providers"
    _FORMS = (
        "any-text-of-{name}-long-enough",
        "https://any.example",
        f"{_GROUP}/Microsoft.Web/sites/{{name}}",
        f"{_GROUP}/Microsoft.Network/trafficManagerProfiles/{{name}}",
        f"{_GROUP}/Microsoft.Network/dnsZones/{{name}}.example",
        f"{_GROUP}/Microsoft.Cdn/profiles/{{name}}/originGroups/any",
        "/subscriptions/0/resourceGroups/{name}",
        "any.example",
        "10.0.0.1",
    )

    def __init__(self) -> None:
        self._form: Counter[str] = Counter()

    def __getitem__(self, name: str) -> str:
        return self._FORMS[self._form[name]].format(name=name.lower().replace("_", "-"))

    def fit_another(self, refusal: str) -> bool:
        """Take the next form for every setting that a refusal names; tells whether there is one for all of them."""
        names = set(_HOLDS.findall(refusal))
        self._form.update(names)
        return bool(names) and all(self._form[name] < len(self._FORMS) for name in names)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _AsWritten(GenerateJsonSchema):
    """Writes default durations as a policy does: `5m`, not ISO 8601."""

    def encode_default(self, dft: object) -> object:
        return say_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def schema() -> str:
    """Return the JSON Schema of a policy file."""
    document = Policy.model_json_schema(by_alias=True, mode="validation", schema_generator=_AsWritten)
    _allow_settings(document)
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **document}, indent=2) + "\n"


def _allow_settings(node: object) -> None:
    """Let `%NAME%` stand wherever a text of some form is expected: an editor sees the file before it is filled in."""
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            node["pattern"] = f"({node['pattern']})|{_SETTING}"
        for inner in node.values():
            _allow_settings(inner)
    elif isinstance(node, list):
        for inner in node:
            _allow_settings(inner)


def check(files: list[Path], settings: Mapping[str, str]) -> int:
    """Read policies and say what is wrong with each and between them; returns how many problems there are."""
    refused = 0
    seen: dict[str, Policy] = {}
    for file in files:
        try:
            policy = read_for(file, settings)
        except PolicyError as error:
            refused += 1
            print(error)
            continue
        clashing = clash(policy, seen.values())
        problems = [clashing] if clashing else query_problems(APP_FOLDER / "infra" / "kql", policy)
        if problems:
            refused += 1
            print(*(f"{file}: {problem}" for problem in problems), sep="\n")
            continue
        seen[policy.workload] = policy
        counts = {"signal": len(policy.signals), "trigger": len(policy.rules), "road": len(policy.all_roads)}
        said = ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for what, count in counts.items())
        print(f"{file}: {policy.workload}: {said}")
    unwilling = [problem for policy in seen.values() for problem in unwilling_targets(policy, seen)]
    for problem in unwilling:
        print(problem)
    return refused + len(unwilling)


def read_for(file: Path, settings: Mapping[str, str]) -> Policy:
    """Read a policy; where any setting will do, the forms are tried that settings have.

    Raises:
        PolicyError: it is wrong.
    """
    while True:
        try:
            return read_policy_file(file, settings, called=str(file))
        except PolicyError as error:
            if not isinstance(settings, AnySettings) or not settings.fit_another(str(error)):
                raise


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m shared.policy", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="read policies and name what is wrong with them")
    checking.add_argument("files", nargs="+", type=Path)
    checking.add_argument("--any-settings", action="store_true", help="do not ask for the settings they name")
    commands.add_parser("schema", help="print the JSON Schema")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    if arguments.command == "check":
        return 1 if check(arguments.files, AnySettings() if arguments.any_settings else os.environ) else 0
    print(schema(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
