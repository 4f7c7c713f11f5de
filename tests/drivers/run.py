#!/usr/bin/env python3
"""Runs the tests of the real drivers, by default directly at evaldb, and keeps the table in docs/evaldb.md true.

    python3 tests/drivers/run.py            run, and write the table
    python3 tests/drivers/run.py --check    run, and fail when the table is not what it says
    python3 tests/drivers/run.py --print    run, and print `outcome driver test` lines
    python3 tests/drivers/run.py --gate     run directly and through a gate, and print where the two differ; fails when a
                                            test that works directly fails through the gate other than by a 403;
                                            writes docs/drivers.md, or with --check fails when that is not true

Without MALLKU_TEST_ENDPOINT an evaldb (MALLKU_TEST_EVALDB, else target/debug/evaldb) is started on a free port, with a user
and a database for the tests; the gate is MALLKU_TEST_GATE, else target/debug/mallku-db, with tests/drivers/schemas. The Python
drivers come from the environment that runs this file (tests/drivers/python/requirements.txt); arangojs is taken from
tests/drivers/js/node_modules and left out with a word where it is not installed.
"""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import arango

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DOCUMENT = ROOT / "docs" / "evaldb.md"
BEGIN, END = "<!-- driver calls: begin -->", "<!-- driver calls: end -->"
DATABASE, USER, PASSWORD = "drivers", "app", "a password: with a colon"


@contextlib.contextmanager
def process(arguments, environment, stream, pattern):
    """Runs a server until the block ends; gives what the pattern finds in its output."""
    server = subprocess.Popen(arguments, env=environment, text=True, **{stream: subprocess.PIPE})
    output = getattr(server, stream)
    try:
        found = next((match[1] for line in output if (match := re.search(pattern, line))), None)
        if found is None:
            sys.exit(f"{arguments[0]} did not start")
        reader = subprocess.Popen(["cat"], stdin=output, stdout=subprocess.DEVNULL)
        yield found
    finally:
        server.terminate()
        server.wait()
        with contextlib.suppress(UnboundLocalError):
            reader.wait()


@contextlib.contextmanager
def database(place):
    """The endpoint of an evaldb with a database and a user for the tests; its socket is `place`/sock."""
    program = os.environ.get("MALLKU_TEST_EVALDB", ROOT / "target" / "debug" / "evaldb")
    endpoints = ["--server.endpoint", f"unix://{place}/sock", "--server.endpoint", "tcp://127.0.0.1:0"]
    arguments = [program, "--database.directory", f"{place}/data", *endpoints]
    with process(arguments, {}, "stdout", r"http\+tcp://([0-9.:]+)") as address:
        endpoint = f"http://{address}"
        system = arango.ArangoClient(hosts=endpoint).db("_system", username="root", password="")
        # The user may administrate, so that the tests of definitions can run as the same user.
        system.create_database(DATABASE, users=[{"username": USER, "password": PASSWORD}])
        system.update_permission(USER, "rw", "_system")
        system.update_permission(USER, "rw", "*")
        system.update_permission(USER, "rw", "*", "*")
        yield endpoint


@contextlib.contextmanager
def gate(place):
    """The endpoint of a gate in front of the evaldb at `place`/sock."""
    program = os.environ.get("MALLKU_TEST_GATE", ROOT / "target" / "debug" / "mallku-db")
    environment = {
        "MALLKU_LISTEN": "127.0.0.1:0",
        "MALLKU_SCHEMAS": str(HERE / "schemas"),
        "MALLKU_UPSTREAM": f"unix:{place}/sock",
        "MALLKU_RUN_DIR": place,
        "MALLKU_AUDIT": "off",
    }
    with process([program, "gate"], environment, "stderr", r"serves http.*?([0-9.]+:[0-9]+)") as address:
        yield f"http://{address}"


def run(endpoint, setup=None):
    """Rows of driver, kind, test, outcome, calls."""
    with tempfile.TemporaryDirectory() as place:
        results = pathlib.Path(place) / "results"
        environment = dict(os.environ, MALLKU_TEST_ENDPOINT=endpoint, MALLKU_TEST_RESULTS=str(results))
        environment.setdefault("MALLKU_TEST_SETUP", setup or endpoint)
        for name, value in (("DATABASE", DATABASE), ("USER", USER), ("PASSWORD", PASSWORD)):
            environment.setdefault(f"MALLKU_TEST_{name}", value)
        quiet = ["-q", "-p", "no:cacheprovider", "--tb=short"]
        subprocess.run([sys.executable, "-m", "pytest", *quiet, HERE / "python"], env=environment, check=False)
        if (HERE / "js" / "node_modules" / "arangojs").is_dir() and shutil.which("node"):
            subprocess.run(["node", "--test", *sorted((HERE / "js").glob("*.test.mjs"))], env=environment, check=False)
        else:
            print("arangojs is not installed: its tests are left out", file=sys.stderr)
        return [line.split("\t") for line in results.read_text(encoding="utf-8").splitlines()]


def direct():
    if os.environ.get("MALLKU_TEST_ENDPOINT"):
        return run(os.environ["MALLKU_TEST_ENDPOINT"])
    with tempfile.TemporaryDirectory() as place, database(place) as endpoint:
        return run(endpoint)


def compare():
    with tempfile.TemporaryDirectory() as place, database(place) as endpoint:
        straight = run(endpoint)
        with gate(place) as front:
            os.environ["MALLKU_TEST_THROUGH_GATE"] = "1"
            through = {(row[0], row[2]): row[3] for row in run(front, endpoint)}
    page = ROOT / "docs" / "drivers.md"
    text = page.read_text(encoding="utf-8")
    fresh = text.split(BEGIN)[0] + BEGIN + "\n\n" + both(straight, through) + "\n" + END + text.split(END)[1]
    if "--check" not in sys.argv:
        page.write_text(fresh, encoding="utf-8")
    missing = [] if fresh == text or "--check" not in sys.argv else ["docs/drivers.md is not true: run tests/drivers/run.py --gate"]
    for driver, kind, test, outcome, _calls in straight:
        other = through.get((driver, test), "not run")
        if other != outcome:
            print(f"{kind:<12}{driver:<20}{test:<42}directly {outcome}, through the gate {other}")
            missing += [test] if outcome == "passed" and other != "denied" else []
    for kind in ("data", "definitions"):
        tests = [row for row in straight if row[1] == kind]
        same = sum(through.get((row[0], row[2])) == row[3] for row in tests)
        denied = sum(through.get((row[0], row[2])) == "denied" for row in tests)
        print(f"{kind}: {same} of {len(tests)} the same directly and through the gate, {denied} denied by it")
    sys.exit("\n".join(missing) or 0)


def both(straight, through):
    """The table of docs/drivers.md: what becomes of each call directly and through the gate."""
    rank = ["passed", "skipped", "denied", "failed", "not run"]
    merged = {}
    for driver, kind, test, outcome, calls in straight:
        key, other = (driver, kind, calls), through.get((driver, test), "not run")
        known = merged.get(key, ("passed", "passed"))
        merged[key] = tuple(max(pair, key=rank.index) for pair in zip(known, (outcome, other)))
    words = {"passed": "works", "failed": "**fails**", "denied": "denied", "skipped": "not tried", "not run": "not tried"}
    lines = []
    for driver in sorted({key[0] for key in merged}):
        lines += [f"### {driver}", "", "| calls | for | directly | through the gate |", "| --- | --- | --- | --- |"]
        for (name, kind, calls), (one, two) in merged.items():
            if name == driver:
                lines.append(f"| {calls.replace('|', chr(92) + '|')} | {kind} | {words[one]} | {words[two]} |")
        lines.append("")
    return "\n".join(lines)


def table(rows):
    merged = {}
    for driver, kind, _test, outcome, calls in rows:
        key = (driver, kind, calls)
        if merged.get(key) not in ("failed", "denied"):
            merged[key] = outcome
    lines = []
    for driver in sorted({key[0] for key in merged}):
        own = {key: outcome for key, outcome in merged.items() if key[0] == driver}
        worked = sum(outcome == "passed" for outcome in own.values())
        lines += [f"### {driver}: {worked} of {len(own)} work", "", "| calls | for | at evaldb |", "| --- | --- | --- |"]
        words = {"passed": "works", "failed": "**fails**", "denied": "**denied**", "skipped": "not tried"}
        lines += [f"| {calls.replace('|', chr(92) + '|')} | {kind} | {words[outcome]} |" for (_, kind, calls), outcome in own.items()]
        lines.append("")
    return "\n".join(lines)


def main():
    if "--gate" in sys.argv:
        compare()
    rows = direct()
    failed = [row for row in rows if row[3] in ("failed", "denied")]
    if "--print" in sys.argv:
        for driver, _kind, test, outcome, _calls in rows:
            print(f"{outcome} {driver} {test}")
        sys.exit(bool(failed))
    text = DOCUMENT.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    fresh = f"{head}{BEGIN}\n\n{table(rows)}\n{END}{tail}"
    if "--check" in sys.argv:
        if fresh != text:
            sys.exit("the table of driver calls in docs/evaldb.md is not true: run tests/drivers/run.py")
    else:
        DOCUMENT.write_text(fresh, encoding="utf-8")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
