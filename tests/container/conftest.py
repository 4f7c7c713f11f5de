"""Containers for the tests: started from the images that `make image-gate` and `make image-eval` build."""

import io
import json
import os
import pathlib
import re
import secrets
import socket
import subprocess
import tarfile
import time
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ENGINE = os.environ.get("MALLKU_ENGINE", "docker")
EVAL = "mallku-db:eval"
GATE = "mallku-db:gate"

# Docker adds these to every container's file system.
RUNTIME = re.compile(r"^(\.dockerenv|dev(/.*)?|proc|sys|etc/(hostname|hosts|resolv\.conf|mtab))$")

# What compose.yaml says, as options of `run`.
HARDENED = [
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--tmpfs=/run/mallku:rw,noexec,nosuid,nodev,size=16m,mode=0770,uid=65532,gid=0",
    "--tmpfs=/tmp:rw,noexec,nosuid,nodev,size=64m,mode=1777",
    "--memory=1g",
    "--pids-limit=512",
]


def engine(*arguments: str, check: bool = True, **options) -> subprocess.CompletedProcess:
    result = subprocess.run([ENGINE, *arguments], capture_output=True, text=True, **options)
    if check and result.returncode != 0:
        raise AssertionError(f"{ENGINE} {' '.join(arguments)}: {result.stderr.strip()}")
    return result


def files(image: str) -> dict[str, tarfile.TarInfo]:
    """What an image holds, without what the engine adds to every container."""
    name = engine("create", image).stdout.strip()
    try:
        data = subprocess.run([ENGINE, "export", name], capture_output=True, check=True).stdout
    finally:
        engine("rm", "-v", name)
    return members(data)


def members(archive: bytes) -> dict[str, tarfile.TarInfo]:
    found = tarfile.open(fileobj=io.BytesIO(archive)).getmembers()
    return {member.name: member for member in found if not RUNTIME.match(member.name)}


def manifest(image: str) -> set[str]:
    """The files that an image holds and no others; the schemas stand for themselves."""
    lines = (ROOT / "tests" / "container" / f"manifest-{image.split(':')[1]}.txt").read_text().splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    schemas = {
        "opt/mallku/" + str(path.relative_to(ROOT)) for path in (ROOT / "schemas").rglob("*") if path.is_file()
    }
    return listed | schemas


def inspect(kind: str, name: str) -> dict:
    return json.loads(engine(kind, "inspect", name).stdout)[0]


def until(condition, what: str, seconds: float = 60):
    """Waits for a condition, not for a time: the limit is only there to end a test that fails."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s for: {what}")


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


class Container:
    def __init__(self, name: str):
        self.name = name

    @property
    def state(self) -> dict:
        return inspect("container", self.name)["State"]

    @property
    def address(self) -> str:
        networks = inspect("container", self.name)["NetworkSettings"]["Networks"]
        return next(iter(networks.values()))["IPAddress"]

    def logs(self) -> str:
        result = engine("logs", self.name)
        return result.stdout + result.stderr

    def exec(self, *command: str, user: str | None = None) -> subprocess.CompletedProcess:
        options = ["--user", user] if user else []
        return engine("exec", *options, self.name, *command, check=False)

    def healthy(self) -> "Container":
        def condition():
            if not self.state["Running"]:
                raise AssertionError(f"ended with {self.state['ExitCode']} before it was healthy:\n{self.logs()}")
            return self.exec("/mallku-db", "health").returncode == 0

        until(condition, f"{self.name} healthy; log:\n{self.logs()}")
        return self

    def ended(self, seconds: float = 30) -> int:
        until(lambda: not self.state["Running"], f"{self.name} to end; log:\n{self.logs()}", seconds)
        return self.state["ExitCode"]


@pytest.fixture
def containers():
    """Starts containers, and removes them with their volumes however the test ends."""
    started: list[str] = []

    def run(*options: str, image: str = EVAL, command: tuple[str, ...] = ()) -> Container:
        name = f"mallku-test-{uuid.uuid4().hex[:8]}"
        started.append(name)
        engine("run", "-d", "--name", name, *options, image, *command)
        return Container(name)

    yield run
    for name in started:
        engine("rm", "-f", "-v", name, check=False)


@pytest.fixture
def networks():
    made: list[str] = []

    def create(*options: str) -> str:
        name = f"mallku-test-{uuid.uuid4().hex[:8]}"
        engine("network", "create", *options, name)
        made.append(name)
        return name

    yield create
    for name in made:
        engine("network", "rm", name, check=False)


@pytest.fixture
def secret_dir(tmp_path):
    """A folder of secrets as compose.yaml wants them: group 0, not readable for the world."""
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o755)
    for name in ["arangodb_root_password", *users()]:
        path = folder / name
        path.write_text(secrets.token_hex(16) + "\n")
        os.chown(path, 0, 0)
        path.chmod(0o440)
    tmp_path.chmod(0o755)
    # pytest's base folder is private to its user; the container's user must be able to walk through.
    for parent in list(tmp_path.parents)[:2]:
        parent.chmod(0o755)
    return folder


def users() -> list[str]:
    """The application users that the example schemas create, by the names of their password files."""
    policy = json.loads((ROOT / "schemas" / "policy.json").read_text())
    return [pathlib.Path(user["passwordFile"]).name for user in policy.get("users", {}).values()]


@pytest.fixture
def with_secrets(secret_dir) -> list[str]:
    return [
        f"--volume={secret_dir}:/run/secrets:ro",
        "--env=ARANGODB_ROOT_PASSWORD_FILE=/run/secrets/arangodb_root_password",
    ]


@pytest.fixture
def running(containers, with_secrets) -> Container:
    return containers(*HARDENED, *with_secrets).healthy()
