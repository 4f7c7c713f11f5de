"""The walls stand when everyone has forgotten them. docs/amnesia.md has one row for each test here, kept by the last one."""

import json
import pathlib
import re
import socket
import subprocess
import sys

import pytest
from conftest import EVAL, GATE, HARDENED, ROOT, engine, inspect, until

SCAN = """
import socket, sys
from concurrent.futures import ThreadPoolExecutor
def open_(port):
    with socket.socket() as s:
        s.settimeout(5)
        answers = s.connect_ex(("127.0.0.1", port)) == 0
        # A socket whose own port is the one that it tries meets nobody but itself.
        return port if answers and s.getsockname() != s.getpeername() else None
with ThreadPoolExecutor(64) as pool:
    print([p for p in pool.map(open_, range(1, 65536)) if p])
"""


def in_network_of(container, *command: str) -> subprocess.CompletedProcess:
    """Runs a command of this machine inside of the container's network."""
    pid = container.state["Pid"]
    return subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", *command], capture_output=True, text=True)


def connects(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex((address, port)) == 0


def listening(container) -> set[tuple[str, int]]:
    """Every listening TCP socket and every UDP socket of the container's network, as the kernel tells it."""
    pid = container.state["Pid"]
    found = set()
    for table, listen_state in [("tcp", "0A"), ("tcp6", "0A"), ("udp", None), ("udp6", None)]:
        for line in pathlib.Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if listen_state in (None, fields[3]):
                found.add((table, int(fields[1].rsplit(":", 1)[1], 16)))
    # Docker's own resolver listens on 127.0.0.11 in networks that a user made.
    return {(table, port) for table, port in found if port == 7474 or not docker_resolver(container)}


def docker_resolver(container) -> bool:
    return "bridge" not in inspect("container", container.name)["NetworkSettings"]["Networks"]


# (1) Ports


def test_of_all_ports_only_7474_answers(running):
    result = in_network_of(running, sys.executable, "-c", SCAN)
    assert result.stdout.strip() == "[7474]", result.stderr
    assert listening(running) == {("tcp", 7474)}


def test_health_answers_and_8529_refuses_inside_and_outside(running):
    assert connects(running.address, 7474)
    assert not connects(running.address, 8529)
    assert in_network_of(running, sys.executable, "-c", "import socket; socket.create_connection(('127.0.0.1', 8529))").returncode
    assert running.exec("/mallku-db", "health").returncode == 0


# (2) Networks


def test_from_a_foreign_network_nothing_reaches_it(containers, networks, with_secrets):
    home, foreign = networks("--internal"), networks("--internal")
    ours = containers(f"--network={home}", *HARDENED, *with_secrets).healthy()
    stranger = containers(f"--network={foreign}", "--env=MALLKU_UPSTREAM=http://127.0.0.1:1", image=GATE)
    attempt = f"import socket; socket.create_connection(('{ours.address}', 7474), timeout=3)"
    assert in_network_of(stranger, sys.executable, "-c", attempt).returncode != 0
    neighbour = containers(f"--network={home}", "--env=MALLKU_UPSTREAM=http://127.0.0.1:1", image=GATE)
    until(lambda: in_network_of(neighbour, sys.executable, "-c", attempt).returncode == 0, "the neighbour to reach it")


def test_from_inside_nothing_reaches_out(containers, networks, with_secrets):
    ours = containers(f"--network={networks('--internal')}", *HARDENED, *with_secrets).healthy()
    # A gate on an ordinary network stands for the world: it listens, and its neighbours reach it.
    open_network = networks()
    world = containers(f"--network={open_network}", "--env=MALLKU_UPSTREAM=http://127.0.0.1:1", image=GATE)
    neighbour = containers(f"--network={open_network}", "--env=MALLKU_UPSTREAM=http://127.0.0.1:1", image=GATE)
    attempt = f"import socket; socket.create_connection(('{world.address}', 7474), timeout=3)"
    until(lambda: in_network_of(neighbour, sys.executable, "-c", attempt).returncode == 0, "the neighbour to reach it")
    assert in_network_of(ours, sys.executable, "-c", attempt).returncode != 0


# (3) A program smuggled in


def intrude(container, user: str) -> dict[str, str]:
    result = container.exec("/intruder", user=user)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def smuggle(container) -> None:
    engine("cp", str(ROOT / "dist" / "intruder"), f"{container.name}:/intruder")


def test_nothing_can_be_smuggled_into_a_read_only_container(running):
    result = engine("cp", str(ROOT / "dist" / "intruder"), f"{running.name}:/intruder", check=False)
    assert result.returncode != 0 and "read-only" in result.stderr


def test_there_is_no_shell_and_no_client(running):
    for program in ["sh", "/bin/sh", "/bin/bash", "/usr/bin/arangosh", "python3", "/usr/bin/arangodump"]:
        assert running.exec(program).returncode in (126, 127), program


def test_a_stranger_inside_reaches_nothing(containers, with_secrets):
    # read_only is forgotten, or nothing could be smuggled in.
    ours = containers("--cap-drop=ALL", *with_secrets).healthy()
    smuggle(ours)
    reached = {probe for probe, outcome in intrude(ours, "12345:12345").items() if outcome == "reached"}
    assert reached == set()


def test_the_gates_user_reaches_the_socket_and_nothing_behind_it(containers, with_secrets):
    # Started as root, the database and the gate have users of their own.
    ours = containers("--user=0:0", *with_secrets).healthy()
    smuggle(ours)
    reached = {probe for probe, outcome in intrude(ours, "65533:65533").items() if outcome == "reached"}
    assert reached == {"connect to the database's socket"}, "the gate's own way, where the database asks for credentials"


# (4) Lines of the configuration forgotten


def test_without_a_secret_it_refuses_to_start(containers):
    ours = containers(*HARDENED)
    assert ours.ended() == 3
    assert "ARANGODB_ROOT_PASSWORD_FILE" in ours.logs()


def test_without_schemas_it_refuses_to_start(containers, with_secrets, tmp_path):
    empty = tmp_path / "none"
    empty.mkdir(mode=0o755)
    ours = containers(*HARDENED, *with_secrets, f"--volume={empty}:/opt/mallku/schemas:ro")
    assert ours.ended() == 3
    assert "/opt/mallku/schemas" in ours.logs()


def test_with_a_broken_schema_it_refuses_to_start_and_says_where(containers, with_secrets, tmp_path):
    folder = tmp_path / "broken"
    folder.mkdir(mode=0o755)
    (folder / "episodes.json").write_text('{\n  "x-mallku": {"alow": ["read"]}\n}\n')
    ours = containers(*HARDENED, *with_secrets, f"--volume={folder}:/opt/mallku/schemas:ro")
    assert ours.ended() == 3
    assert re.search(r"episodes\.json:2:\d+", ours.logs()) and "allow" in ours.logs()


def test_without_networks_the_database_still_has_no_port(containers, with_secrets):
    ours = containers(*with_secrets).healthy()
    assert listening(ours) == {("tcp", 7474)}


def test_as_root_it_gives_its_children_users_of_their_own(containers, with_secrets):
    ours = containers("--user=0:0", *with_secrets).healthy()
    lines = [line.split(maxsplit=2) for line in engine("top", ours.name, "-eo", "pid,uid,args").stdout.splitlines()[1:]]
    users = {program: uid for _, uid, program in lines}
    database = next(uid for program, uid in users.items() if program.startswith("/usr/sbin/arangod"))
    gate = next(uid for program, uid in users.items() if program.endswith("mallku-db gate"))
    assert database == "65532" and gate == "65533"


def test_with_a_writable_file_system_its_own_files_stay_unchanged(containers, with_secrets):
    ours = containers(*with_secrets).healthy()
    changed = engine("diff", ours.name).stdout.splitlines()
    foreign = [line for line in changed if not re.match(r"^[AC] /(run|tmp|var|var/lib)(/|$)", line)]
    assert foreign == []


def test_without_limits_it_runs_and_says_so(containers, with_secrets):
    ours = containers("--read-only", "--tmpfs=/run/mallku:mode=0770,uid=65532,gid=0", "--tmpfs=/tmp:mode=1777", *with_secrets)
    ours.healthy()
    assert "no memory limit" in ours.logs() and "`pids_limit`" in ours.logs()


def test_detecting_in_production_is_refused(containers, with_secrets):
    ours = containers(*HARDENED, *with_secrets, "--env=MALLKU_ENFORCE_SECURITY=false")
    assert ours.ended() == 3
    assert "MALLKU_ENFORCE_SECURITY" in ours.logs()


def test_a_misspelt_variable_is_refused(containers, with_secrets):
    ours = containers(*HARDENED, *with_secrets, "--env=MALLKU_ENFORCE_SECURTY=true")
    assert ours.ended() == 3
    assert "MALLKU_ENFORCE_SECURITY" in ours.logs(), "it names what was meant"


def test_direct_access_in_production_is_refused(containers, with_secrets):
    ours = containers(*HARDENED, *with_secrets, "--env=DISABLE_DIRECT_ACCESS=false")
    assert ours.ended() == 3
    assert "DISABLE_DIRECT_ACCESS" in ours.logs()


def test_the_table_in_the_docs_names_every_test():
    table = (ROOT / "docs" / "amnesia.md").read_text()
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", table))
    own = {name for name in globals() if name.startswith("test_")} - {"test_the_table_in_the_docs_names_every_test"}
    assert named == own
