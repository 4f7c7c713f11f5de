"""What is in the images: exactly the files of the manifests, and a configuration that scanners find nothing in."""

import json
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ENGINE, EVAL, GATE, ROOT, engine, files, inspect, manifest

@pytest.mark.parametrize("image", [GATE, EVAL])
def test_holds_the_files_of_its_manifest_and_no_others(image):
    found = {name for name, member in files(image).items() if not member.isdir()}
    assert found == manifest(image)


@pytest.mark.parametrize("image", [GATE, EVAL])
def test_holds_no_shell_no_interpreter_and_nothing_set_uid(image):
    for name, member in files(image).items():
        assert not member.mode & 0o6000, f"{name} is set-uid or set-gid"
        last = name.rsplit("/", 1)[-1]
        assert last not in {"sh", "bash", "ash", "busybox", "python3", "perl", "arangosh", "curl", "apt", "apk"}, name


@pytest.mark.parametrize("image", [GATE, EVAL])
def test_only_the_state_folders_are_writable_for_its_user(image):
    for name, member in files(image).items():
        if name in {"run/mallku", "var/lib/arangodb3", "tmp", "run", "var", "var/lib"}:
            continue
        assert member.uid == 0, f"{name} belongs to {member.uid}"
        assert not member.mode & 0o022, f"{name} is writable for others"


def test_the_gate_image_fits_its_budget():
    assert inspect("image", GATE)["Size"] < 8 * 1024 * 1024


@pytest.mark.parametrize("image", [GATE, EVAL])
def test_configuration(image):
    config = inspect("image", image)["Config"]
    assert re.fullmatch(r"[1-9][0-9]*:0", config["User"]), "a numeric user of group 0"
    assert config["Entrypoint"] == ["/mallku-db"]
    assert config["StopSignal"] == "SIGTERM"
    assert list(config["ExposedPorts"]) == ["7474/tcp"]
    assert config["Healthcheck"]["Test"] == ["CMD", "/mallku-db", "health"]
    labels = config["Labels"]
    for key in ["title", "description", "licenses", "version", "revision", "created"]:
        assert labels[f"org.opencontainers.image.{key}"]
    assert ("db.mallku.evaluation" in labels) == (image == EVAL)


def test_hadolint_finds_nothing_in_the_containerfile():
    hadolint = shutil.which("hadolint", path=sys.prefix + "/bin")
    result = subprocess.run([hadolint, "--no-color", str(ROOT / "Containerfile")], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("image", [GATE, EVAL])
def test_accounts_are_unique_and_none_can_log_in(image, tmp_path):
    # Dockle's DKL-LI-0001 (no account without a password) and DKL-LI-0002 (ids are unique).
    name = engine("create", image).stdout.strip()
    try:
        engine("cp", f"{name}:/etc/passwd", str(tmp_path / "passwd"))
        assert engine("cp", f"{name}:/etc/shadow", str(tmp_path / "shadow"), check=False).returncode != 0
    finally:
        engine("rm", "-v", name)
    accounts = [line.split(":") for line in (tmp_path / "passwd").read_text().splitlines()]
    assert len({account[2] for account in accounts}) == len(accounts)
    for account in accounts:
        assert account[1] == "x" and account[6] == "/nonexistent", account


@pytest.mark.parametrize("image", [GATE, EVAL])
def test_history_holds_no_secret_and_runs_no_command(image):
    history = engine("history", "--no-trunc", "--format", "{{.CreatedBy}}", image).stdout
    assert not re.search(r"password|secret|token|BEGIN [A-Z ]*PRIVATE", history, re.IGNORECASE)
    for line in history.splitlines():
        assert line.startswith("/bin/sh -c #(nop)") or "RUN" not in line, line


def test_the_binary_needs_no_loader():
    member = files(GATE)["mallku-db"]
    assert member.mode & 0o111
    data = (ROOT / "dist" / "mallku-db").read_bytes()
    assert data[:4] == b"\x7fELF"
    offset, size, count = (
        int.from_bytes(data[32:40], "little"),
        int.from_bytes(data[54:56], "little"),
        int.from_bytes(data[56:58], "little"),
    )
    kinds = [int.from_bytes(data[offset + i * size : offset + i * size + 4], "little") for i in range(count)]
    assert 3 not in kinds, "a PT_INTERP header: the binary is not static"


def test_two_builds_give_the_same_layers():
    layers = inspect("image", GATE)["RootFS"]["Layers"]
    subprocess.run(
        [ENGINE, "build", "-q", "--no-cache", "-f", "Containerfile", "--target", "gate", "-t", "mallku-db:again", "."],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env={"DOCKER_BUILDKIT": "0", "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"},
    )
    again = inspect("image", "mallku-db:again")["RootFS"]["Layers"]
    engine("image", "rm", "mallku-db:again")
    assert again == layers


def test_the_bill_of_materials_names_the_crates_of_the_lock_file():
    bill = json.loads((ROOT / "dist" / "mallku-db.cdx.json").read_text())
    lock = (ROOT / "Cargo.lock").read_text()
    names = {component["name"] for component in bill["components"]}
    assert {"httparse", "ureq", "rustls", "serde_json"} <= names
    for component in bill["components"]:
        assert f'name = "{component["name"]}"\nversion = "{component["version"]}"' in lock
