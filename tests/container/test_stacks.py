"""compose.yaml as a user starts it, and the other stacks as far as they can be checked without their engines."""

import configparser
import os
import subprocess
import urllib.request
import uuid

import pytest
import yaml
from conftest import EVAL, ROOT, Container, engine, free_port, inspect, until

PORT = free_port()


def compose(*arguments: str, project: str, environment: dict[str, str], file="compose.yaml", check=True):
    return subprocess.run(
        ["docker-compose", "-p", project, "-f", str(ROOT / file), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=check,
    )


@pytest.fixture
def stack(secret_dir):
    project = f"mallku{uuid.uuid4().hex[:8]}"
    environment = {
        "MALLKU_IMAGE": EVAL,
        "MALLKU_CONTAINER": project,
        "MALLKU_SECRETS": str(secret_dir),
        "MALLKU_PORT": PORT,
    }
    compose("up", "-d", project=project, environment=environment)
    yield Container(project)
    compose("down", "--volumes", project=project, environment=environment, check=False)


def test_the_compose_file_starts_a_hardened_gate_on_the_loopback(stack):
    stack.healthy()
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health") as answer:
        assert answer.status == 200 and b'"healthy"' in answer.read()
    host = inspect("container", stack.name)["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["PidsLimit"] == 1024 and host["Memory"] == 2 * 1024**3
    assert host["PortBindings"] == {"7474/tcp": [{"HostIp": "127.0.0.1", "HostPort": PORT}]}
    until(lambda: stack.state["Health"]["Status"] == "healthy", "docker's own health check", 60)
    engine("stop", stack.name)
    assert stack.state["ExitCode"] == 0


@pytest.mark.parametrize("file", ["deploy/embedded/compose.yaml", "deploy/cluster/compose.yaml"])
def test_the_other_compose_files_are_valid(file, tmp_path):
    compose("config", "-q", project="check", environment={}, file=file)


def test_the_kubernetes_pod_is_restricted():
    documents = list(yaml.safe_load_all((ROOT / "deploy/kubernetes/mallku-db.yaml").read_text()))
    pod = next(d for d in documents if d["kind"] == "StatefulSet")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    security = container["securityContext"]
    assert security["capabilities"] == {"drop": ["ALL"]} and security["readOnlyRootFilesystem"]
    assert security["allowPrivilegeEscalation"] is False
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    declared = {volume["name"] for volume in pod["volumes"]} | {"data"}
    assert mounted == declared
    paths = {container[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"/livez", "/readyz"}


def test_the_quadlet_says_the_same_as_compose():
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    unit.optionxform = str
    unit.read(ROOT / "deploy/quadlet/mallku-db.container")
    container = unit["Container"]
    assert container["ReadOnly"] == "true" and container["DropCapability"] == "all"
    assert container["NoNewPrivileges"] == "true" and container["User"] == "65532" and container["Group"] == "0"
    assert container["PublishPort"].startswith("127.0.0.1:") and container["HealthCmd"] == '["/mallku-db","health"]'
