"""The seed's tool chain: docker-mcp and mcp-server-docker create, list and show the logs of our container."""

import json
import os
import pathlib
import subprocess
import textwrap
import uuid

import pytest
from conftest import EVAL, Container, engine

HERE = pathlib.Path(__file__).parent
PYTHON = os.environ.get("MALLKU_MCP_PYTHON")

pytestmark = pytest.mark.skipif(not PYTHON, reason="docker-mcp needs Python 3.12 or later; none is on this machine")


def call(server: str, *calls: tuple[str, dict], **environment: str) -> list[str]:
    binary = str(pathlib.Path(PYTHON).parent / server)
    result = subprocess.run(
        [PYTHON, str(HERE / "mcp_client.py"), binary],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def name():
    name = f"mallku-mcp-{uuid.uuid4().hex[:8]}"
    yield name
    engine("rm", "-f", "-v", name, check=False)


def test_docker_mcp_creates_lists_and_shows_logs(name):
    # docker-mcp can pass neither volumes nor secrets, so the password is generated inside.
    (created,) = call(
        "docker-mcp",
        ("create-container", {"image": EVAL, "name": name, "environment": {"ARANGO_RANDOM_ROOT_PASSWORD": "1"}}),
    )
    assert name in created
    Container(name).healthy()
    listed, logs = call("docker-mcp", ("list-containers", {}), ("get-logs", {"container_name": name}))
    assert name in listed
    assert "mallku-db" in logs


def test_mcp_server_docker_creates_lists_and_shows_logs(name):
    (created,) = call(
        "mcp-server-docker",
        ("run_container", {"image": EVAL, "name": name, "environment": {"ARANGO_RANDOM_ROOT_PASSWORD": "1"}, "detach": True}),
    )
    assert name in created
    Container(name).healthy()
    listed, logs = call(
        "mcp-server-docker",
        ("list_containers", {}),
        ("fetch_container_logs", {"container_id": name, "tail": 100}),
    )
    assert name in listed
    assert "mallku-db" in logs


def test_an_external_volume_survives_the_redeploy_of_docker_mcp(tmp_path, name):
    """`deploy-compose` calls `down --volumes` before `up`: the operations guide says to make the volume external."""
    volume = f"{name}-data"
    engine("volume", "create", volume)
    compose = textwrap.dedent(f"""
        services:
          db:
            image: {EVAL}
            container_name: {name}
            environment: {{ARANGO_RANDOM_ROOT_PASSWORD: "1"}}
            volumes: ["data:/var/lib/arangodb3"]
        volumes:
          data:
            external: true
            name: {volume}
    """)
    deploy = ("deploy-compose", {"compose_yaml": compose, "project_name": name})
    try:
        call("docker-mcp", deploy, DOCKER_CONFIG=str(compose_plugin(tmp_path)))
        Container(name).healthy()
        first = marker(volume)
        assert first
        call("docker-mcp", deploy, DOCKER_CONFIG=str(compose_plugin(tmp_path)))
        Container(name).healthy()
        assert marker(volume) == first, "the volume was made anew"
    finally:
        engine("rm", "-f", name, check=False)
        engine("volume", "rm", "-f", volume, check=False)
        engine("network", "rm", f"{name}_default", check=False)


def marker(volume: str) -> str:
    """The server's identity, which a database makes once for a data directory."""
    folder = json.loads(engine("volume", "inspect", volume).stdout)[0]["Mountpoint"]
    return (pathlib.Path(folder) / "SERVER").read_text()


def compose_plugin(folder: pathlib.Path) -> pathlib.Path:
    """Debian has Compose 1 as a command of its own; docker-mcp calls `docker compose`, the plug-in of version 2."""
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0:
        return pathlib.Path(os.environ.get("DOCKER_CONFIG", pathlib.Path.home() / ".docker"))
    plugins = folder / "docker" / "cli-plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    plugin = plugins / "docker-compose"
    plugin.write_text(
        textwrap.dedent("""\
            #!/bin/sh
            if [ "$1" = docker-cli-plugin-metadata ]; then
                echo '{"SchemaVersion": "0.1.0", "Vendor": "test", "Version": "1"}'
            else
                shift
                exec docker-compose "$@"
            fi
            """)
    )
    plugin.chmod(0o755)
    return folder / "docker"
