#!/usr/bin/env python3
"""Runs the tests of the real drivers, by default directly at evaldb, and keeps the table in docs/evaldb.md true.

    python3 tests/drivers/run.py            run, and write the table
    python3 tests/drivers/run.py --check    run, and fail when the table is not what it says
    python3 tests/drivers/run.py --print    run, and print `outcome driver test` lines, to compare two runs

Without MALLKU_TEST_ENDPOINT an evaldb (MALLKU_TEST_EVALDB, else target/debug/evaldb) is started on a free port. The Python
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

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DOCUMENT = ROOT / "docs" / "evaldb.md"
BEGIN, END = "<!-- driver calls: begin -->", "<!-- driver calls: end -->"


@contextlib.contextmanager
def database():
    """The endpoint of a database with user root, empty password, and a database for the tests."""
    if os.environ.get("MALLKU_TEST_ENDPOINT"):
        yield os.environ["MALLKU_TEST_ENDPOINT"]
        return
    program = os.environ.get("MALLKU_TEST_EVALDB", ROOT / "target" / "debug" / "evaldb")
    with tempfile.TemporaryDirectory() as place:
        server = subprocess.Popen(
            [program, "--database.directory", f"{place}/data", "--server.endpoint", "tcp://127.0.0.1:0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            address = None
            for line in server.stdout:
                address = address or (match[1] if (match := re.search(r"http\+tcp://([0-9.:]+)", line)) else None)
                if "[cf3f4]" in line:
                    break
            if not address:
                sys.exit("evaldb did not start")
            yield f"http://{address}"
        finally:
            server.terminate()
            server.communicate()


def run():
    """Lines of (driver, kind, test, outcome, calls)."""
    with tempfile.TemporaryDirectory() as place, database() as endpoint:
        results = pathlib.Path(place) / "results"
        environment = dict(os.environ, MALLKU_TEST_ENDPOINT=endpoint, MALLKU_TEST_RESULTS=str(results))
        setup = "import os, arango; s = arango.ArangoClient(hosts=os.environ.get('MALLKU_TEST_SETUP', os.environ['MALLKU_TEST_ENDPOINT']))"
        setup += ".db('_system', username=os.environ.get('MALLKU_TEST_USER', 'root'), password=os.environ.get('MALLKU_TEST_PASSWORD', ''))"
        setup += "; n = os.environ.get('MALLKU_TEST_DATABASE', 'drivers'); s.has_database(n) or s.create_database(n)"
        subprocess.run([sys.executable, "-c", setup], env=environment, check=True)
        quiet = ["-q", "-p", "no:cacheprovider", "--tb=short"]
        subprocess.run([sys.executable, "-m", "pytest", *quiet, *[argument for argument in sys.argv[1:] if argument.startswith("-k=")], HERE / "python"], env=environment, check=False)
        if (HERE / "js" / "node_modules" / "arangojs").is_dir() and shutil.which("node"):
            subprocess.run(["node", "--test", *sorted((HERE / "js").glob("*.test.mjs"))], env=environment, check=False)
        else:
            print("arangojs is not installed: its tests are left out", file=sys.stderr)
        return [line.split("\t") for line in results.read_text(encoding="utf-8").splitlines()]


def table(rows):
    merged = {}
    for driver, kind, _test, outcome, calls in rows:
        key = (driver, kind, calls)
        if merged.get(key) != "failed":
            merged[key] = outcome
    lines = []
    for driver in sorted({key[0] for key in merged}):
        own = {key: outcome for key, outcome in merged.items() if key[0] == driver}
        worked = sum(outcome == "passed" for outcome in own.values())
        lines += [f"### {driver}: {worked} of {len(own)} work", "", "| calls | for | at evaldb |", "| --- | --- | --- |"]
        words = {"passed": "works", "failed": "**fails**", "skipped": "not tried"}
        lines += [f"| {calls.replace('|', chr(92) + '|')} | {kind} | {words[outcome]} |" for (_, kind, calls), outcome in own.items()]
        lines.append("")
    return "\n".join(lines)


def main():
    rows = run()
    failed = [row for row in rows if row[3] == "failed"]
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
