"""Sets up what the project needs: a Python 3.13 environment with the locked packages, and Azurite.

Run by the Makefile with whatever `python3` there is, so it uses the standard library alone and no new syntax. A second
run finds the stamps and does nothing. What is missing is named in one sentence that says how to get it.
"""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WANTED = "3.13"
UV = "uv==0.13.8"
OLDEST_NODE = 20


def main() -> int:
    os.chdir(ROOT)
    wanted = sys.argv[1:] or ["app", "storage"]
    if "app" in wanted:
        environment(".venv", "requirements-dev.txt")
    if "infra" in wanted:
        environment(".venv-infra", "requirements-infra.txt")
    if "storage" in wanted:
        azurite()
    return 0


def environment(folder: str, lock: str) -> None:
    """Make a virtual environment hold exactly what a lock file lists."""
    python = os.path.join(folder, "bin", "python")
    stamp = os.path.join(folder, ".stamp")
    if os.path.exists(python) and read(stamp) == digest(lock):
        return
    say("setting up %s (%s) ..." % (folder, lock))
    shutil.rmtree(folder, ignore_errors=True)
    make_environment(folder)
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV], "pip could not install uv")
    # The system's certificates are trusted as pip trusts them: a company's own among them.
    options = ["--quiet", "--system-certs", "--require-hashes", "--compile-bytecode", "--python", python]
    run(
        [python, "-m", "uv", "pip", "install", *options, "-r", lock],
        "the packages of %s could not be installed" % lock,
    )
    write(stamp, digest(lock))


def make_environment(folder: str) -> None:
    python = find_python()
    if python is not None:
        missing = "this Python has no venv; install it (Debian: apt-get install python3-venv)"
        run([python, "-m", "venv", folder], missing)
        return
    say("no Python %s here: asking uv to fetch one ..." % WANTED)
    helper = ".venv-uv"
    run(
        [sys.executable, "-m", "venv", helper], "python3 has no venv; install it (Debian: apt-get install python3-venv)"
    )
    run([os.path.join(helper, "bin", "pip"), "install", "--quiet", UV], "pip could not install uv")
    no_python = "no Python %s was found and none could be fetched; install it from https://www.python.org/downloads/"
    run(
        [os.path.join(helper, "bin", "uv"), "venv", "--quiet", "--system-certs", "--seed", "--python", WANTED, folder],
        no_python % WANTED,
    )
    shutil.rmtree(helper, ignore_errors=True)


def find_python() -> str | None:
    """Return a Python 3.13 that runs: on PATH, or among pyenv's versions, whose shims stand on PATH but may refuse."""
    named = [found for found in (shutil.which("python" + WANTED), sys.executable) if found]
    beside_shims = [
        os.path.join(os.path.dirname(entry.rstrip("/")), "versions", WANTED + "*", "bin", "python")
        for entry in os.environ.get("PATH", "").split(os.pathsep)
        if entry.rstrip("/").endswith("shims")
    ]
    found = [path for pattern in beside_shims for path in sorted(glob.glob(pattern), reverse=True)]
    return next((path for path in named + found if is_wanted(path)), None)


def is_wanted(python: str) -> bool:
    asked = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        answer = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.decode().strip() == WANTED


def azurite() -> None:
    """Install Azurite as the lock says."""
    stamp = os.path.join("node_modules", ".stamp")
    if read(stamp) == digest("package-lock.json"):
        return
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            fail("%s is missing; install Node.js %d or later from https://nodejs.org" % (tool, OLDEST_NODE))
    version = subprocess.run(["node", "--version"], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        fail("node is %s; Azurite needs %d or later: install it from https://nodejs.org" % (version, OLDEST_NODE))
    say("setting up Azurite ...")
    run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], "npm could not install Azurite")
    write(stamp, digest("package-lock.json"))


def run(command: list[str], trouble: str) -> None:
    if subprocess.run(command).returncode != 0:
        fail(trouble)


def digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def fail(text: str) -> None:
    say(text)
    sys.exit(1)


if __name__ == "__main__":
    sys.exit(main())
