"""A container's life: it starts as any user, answers its health check, stops in time, and leaves nothing."""

import pathlib
import subprocess
import time

import pytest
from conftest import EVAL, HARDENED, ROOT, engine, inspect, until


def test_dockers_own_health_check_finds_it_healthy(containers, with_secrets):
    ours = containers(*HARDENED, *with_secrets, "--health-interval=1s", "--health-start-period=1s")
    until(lambda: ours.state["Health"]["Status"] == "healthy", "docker's health check", 60)


@pytest.mark.parametrize("user", ["65532:0", "1000660000:0"])
def test_stops_cleanly_within_the_grace_time_and_leaves_no_process(containers, with_secrets, user):
    options = [option.replace("uid=65532", f"uid={user.split(':')[0]}") for option in HARDENED]
    ours = containers(*options, f"--user={user}", *with_secrets).healthy()
    processes = engine("top", ours.name, "-eo", "pid").stdout.split()[1:]
    assert len(processes) >= 3, "PID 1, the gate, the database"
    before = time.monotonic()
    engine("stop", "-t", "10", ours.name)
    # Docker sends SIGKILL after its ten seconds, which would show as 137.
    assert ours.state["ExitCode"] == 0, ours.logs()
    assert time.monotonic() - before < 10
    assert [pid for pid in processes if pathlib.Path(f"/proc/{pid}").exists()] == []


def test_data_outlives_the_container(containers, with_secrets):
    volume = f"{with_secrets[0].split('/')[-2]}-data"
    engine("volume", "create", volume)
    try:
        first = containers(*HARDENED, *with_secrets, f"--volume={volume}:/var/lib/arangodb3").healthy()
        engine("stop", first.name)
        assert first.state["ExitCode"] == 0
        engine("rm", first.name)
        second = containers(*HARDENED, *with_secrets, f"--volume={volume}:/var/lib/arangodb3").healthy()
        assert "first start" not in second.logs().lower()
        engine("rm", "-f", second.name)
    finally:
        engine("volume", "rm", "-f", volume, check=False)


def test_the_evaluation_image_says_what_it_is(running):
    assert "not for production" in running.logs().lower()
    assert inspect("image", EVAL)["Config"]["Labels"]["db.mallku.evaluation"] == "true"


def test_a_killed_gate_comes_back_and_the_database_stays(running):
    def process(part: str) -> str | None:
        lines = [line.split(maxsplit=1) for line in engine("top", running.name, "-eo", "pid,args").stdout.splitlines()[1:]]
        return next((pid for pid, program in lines if part in program), None)

    gate, database = process("mallku-db gate"), process("/usr/sbin/arangod")
    assert gate and database
    subprocess.run(["kill", "-KILL", gate], check=True)
    until(lambda: process("mallku-db gate") not in (None, gate), "a new gate")
    running.healthy()
    assert process("/usr/sbin/arangod") == database
