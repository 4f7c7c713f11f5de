"""The recipe of the production image, followed with a stand-in for the official image: its files where the releases have
them, with evaldb in the server's place. No registry is needed, and nothing of ArangoDB is copied."""

import os

import pytest
from conftest import GATE, HARDENED, ROOT, engine, files, inspect, manifest

# Files of the official images (Debian's package unpacked on Alpine) beside the server: what the server needs, and what a
# production image must not take along. 3.12 brings a second table of ICU and comes from the package `arangodb3e`.
NEEDED = {
    "3.11": ["usr/share/arangodb3/icudtl.dat", "usr/share/doc/arangodb3/copyright"],
    "3.12": [
        "usr/share/arangodb3/icudtl.dat",
        "usr/share/arangodb3/icudtl_legacy.dat",
        "usr/share/doc/arangodb3e/copyright",
    ],
}
TIME_ZONES = ["usr/share/arangodb3/tzdata/europe", "usr/share/arangodb3/tzdata/windowsZones.xml"]
UNWANTED = [
    "bin/sh",
    "entrypoint.sh",
    "etc/arangodb3/arangod.conf",
    "usr/bin/arangosh",
    "usr/bin/arangodump",
    "usr/bin/node",
    "usr/sbin/arangobackup",
    "usr/share/arangodb3/js/common/bootstrap/modules.js",
]


@pytest.fixture(params=sorted(NEEDED))
def production(request, tmp_path):
    """The production image for a release, built from a stand-in for its official image."""
    version = request.param
    tree = tmp_path / "tree"
    for path in NEEDED[version] + TIME_ZONES + UNWANTED:
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(path)
    (tree / "usr/sbin").mkdir(parents=True, exist_ok=True)
    server = tree / "usr/sbin/arangod"
    server.write_bytes((ROOT / "dist" / "evaldb").read_bytes())
    server.chmod(0o755)
    (tmp_path / "Containerfile").write_text("FROM scratch\nCOPY tree/ /\n")
    official, ours = f"mallku-test-official:{version}", f"mallku-test-production:{version}"
    engine("build", "-q", "-f", str(tmp_path / "Containerfile"), "-t", official, str(tmp_path), env=classic())
    arguments = [f"ARANGODB_IMAGE={official}", f"ARANGODB_VERSION={version}"]
    options = [option for argument in arguments for option in ("--build-arg", argument)]
    engine(
        *["build", "-q", "-f", "Containerfile", "--target", "production", *options, "-t", ours, "."],
        cwd=ROOT,
        env=classic(),
    )
    yield version, ours
    engine("image", "rm", "-f", ours, official, check=False)


def classic() -> dict[str, str]:
    return {**os.environ, "DOCKER_BUILDKIT": "0"}


def test_takes_what_the_server_needs_and_nothing_else(production):
    version, image = production
    found = {name for name, member in files(image).items() if not member.isdir()}
    licences = {"licenses/arangodb/" + path.rsplit("/", 1)[1] for path in NEEDED[version] if "/doc/" in path}
    needed = {path for path in NEEDED[version] if "/doc/" not in path}
    assert found == manifest(GATE) | needed | set(TIME_ZONES) | licences | {"usr/sbin/arangod"}


def test_runs_as_the_evaluation_image_does(production, containers, with_secrets):
    version, image = production
    ours = containers(*HARDENED, *with_secrets, image=image).healthy()
    engine("stop", "-t", "10", ours.name)
    assert ours.state["ExitCode"] == 0, ours.logs()
    labels = inspect("image", image)["Config"]["Labels"]
    assert labels["db.mallku.arangodb.version"] == version
    assert "LicenseRef-ArangoDB" in labels["org.opencontainers.image.licenses"]
    assert "db.mallku.evaluation" not in labels
