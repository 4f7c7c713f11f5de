"""Whatever builds it, the Containerfile gives the same files, and the same builder gives the same layers twice."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest
from conftest import ENGINE, GATE, ROOT, engine, files, manifest, members

TAG = "mallku-db:built"


def run(*command: str, **environment: str) -> bytes:
    result = subprocess.run(command, cwd=ROOT, capture_output=True, env={**os.environ, **environment})
    assert result.returncode == 0, f"{' '.join(command)}: {result.stderr.decode()}"
    return result.stdout


def containerfile(*options: str) -> list[str]:
    return ["--no-cache", "-f", "Containerfile", "--target", "gate", *options, "-t", TAG, "."]


def docker(client: str, buildkit: str) -> tuple[list[str], set[str]]:
    """Builds with docker: the layers, and the files that the image holds."""
    run(client, "build", "-q", *containerfile(), DOCKER_BUILDKIT=buildkit)
    layers = json.loads(run(client, "image", "inspect", TAG))[0]["RootFS"]["Layers"]
    found = {name for name, member in files(TAG).items() if not member.isdir()}
    engine("image", "rm", TAG)
    return layers, found


def podman(folder) -> tuple[list[str], set[str]]:
    # vfs and chroot work inside of another container as well; `docker` is the format that keeps a health check.
    command = ["podman", "--storage-driver=vfs", f"--root={folder}/storage", f"--runroot={folder}/run"]
    run(*command, "build", "--isolation=chroot", "--format=docker", "--timestamp=0", *containerfile())
    image = json.loads(run(*command, "image", "inspect", TAG))[0]
    assert image["Healthcheck"]["Test"] == ["CMD", "/mallku-db", "health"]
    return image["RootFS"]["Layers"], held(command, folder)


def buildah(folder) -> tuple[list[str], set[str]]:
    storage = ["--storage-driver=vfs", f"--root={folder}/storage", f"--runroot={folder}/run"]
    run("buildah", *storage, "build", "--isolation=chroot", "--format=docker", "--timestamp=0", *containerfile())
    image = json.loads(run("buildah", *storage, "inspect", "--type=image", TAG))["Docker"]
    assert image["config"]["Healthcheck"]["Test"] == ["CMD", "/mallku-db", "health"]
    return image["rootfs"]["diff_ids"], held(["podman", *storage], folder)


def held(podman: list[str], folder) -> set[str]:
    """The files of the image, from the layers that `save` writes."""
    run(*podman, "save", "--format=docker-dir", "-o", str(folder / "image"), TAG)
    layers = [layer["digest"].split(":")[1] for layer in json.loads((folder / "image" / "manifest.json").read_text())["layers"]]
    found: set[str] = set()
    for layer in layers:
        found |= {name for name, member in members((folder / "image" / layer).read_bytes()).items() if not member.isdir()}
    shutil.rmtree(folder / "image")
    return found


def buildkit_client() -> str | None:
    """Clients from 23.0 on want a plug-in for it, older ones bring it along."""
    for client in ["docker", "/usr/bin/docker"]:
        probe = [client, "build", "-q", "--target", "gate", "-f", "Containerfile", "."]
        environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
        if subprocess.run(probe, cwd=ROOT, capture_output=True, env=environment).returncode == 0:
            return client
    return None


def twice(build):
    first, found = build()
    assert found == manifest(GATE)
    second, _ = build()
    assert first == second, "the same builder gives the same layers"


@pytest.mark.skipif(ENGINE != "docker", reason="docker is not the engine here")
def test_the_classic_builder():
    twice(lambda: docker("docker", "0"))


@pytest.mark.skipif(ENGINE != "docker", reason="docker is not the engine here")
def test_buildkit():
    client = buildkit_client()
    if client is None:
        pytest.skip("no docker client here brings BuildKit")
    twice(lambda: docker(client, "1"))


@pytest.mark.parametrize("builder", [podman, buildah])
def test_builders_without_a_daemon(builder):
    if shutil.which(builder.__name__) is None or shutil.which("podman") is None:
        pytest.skip(f"{builder.__name__} is not installed")
    # Podman takes no path of more than 50 characters here, and pytest's own are longer.
    with tempfile.TemporaryDirectory(prefix="mallku") as folder:
        twice(lambda: builder(pathlib.Path(folder)))
