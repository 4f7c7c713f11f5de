"""What every driver test starts from: a database with two collections of documents, one of edges, and a graph.

The endpoint comes from the environment, so that the same files run at a database and at a gate in front of it:

    MALLKU_TEST_ENDPOINT   http://host:port                   MALLKU_TEST_DATABASE   database (default: drivers)
    MALLKU_TEST_USER       user (default: root)               MALLKU_TEST_PASSWORD   its password (default: empty)
    MALLKU_TEST_SETUP      endpoint of the database itself, where what the tests start from is made with the same
                           user; default: the endpoint under test
"""

import os
import pathlib

import arango
import pytest

ENDPOINT = os.environ.get("MALLKU_TEST_ENDPOINT", "http://127.0.0.1:8529")
SETUP = os.environ.get("MALLKU_TEST_SETUP", ENDPOINT)
DATABASE = os.environ.get("MALLKU_TEST_DATABASE", "drivers")
USER = os.environ.get("MALLKU_TEST_USER", "root")
PASSWORD = os.environ.get("MALLKU_TEST_PASSWORD", "")

PEOPLE = [
    {"_key": "ada", "name": "Ada", "born": 1815, "tags": ["math", "poetry"], "home": {"city": "London"}},
    {"_key": "alan", "name": "Alan", "born": 1912, "tags": ["math"], "home": {"city": "London"}},
    {"_key": "grace", "name": "Grace", "born": 1906, "tags": ["navy"], "home": {"city": "New York"}},
]
KNOWS = [
    {"_key": "1", "_from": "people/ada", "_to": "people/alan", "since": 1},
    {"_key": "2", "_from": "people/alan", "_to": "people/grace", "since": 2},
]


def connect(endpoint):
    return arango.ArangoClient(hosts=endpoint).db(DATABASE, username=USER, password=PASSWORD)


@pytest.fixture(scope="session")
def setup():
    """The database itself, with everything in place."""
    db = connect(SETUP)
    if not db.has_collection("people"):
        db.create_collection("people")
    if not db.has_collection("places"):
        db.create_collection("places")
    if not db.has_collection("knows"):
        db.create_collection("knows", edge=True)
    if not db.has_graph("social"):
        db.create_graph("social", [{"edge_collection": "knows", "from_vertex_collections": ["people"], "to_vertex_collections": ["people"]}])
    return db


@pytest.fixture
def data(setup):
    """The same documents before each test."""
    for name, documents in (("people", PEOPLE), ("places", []), ("knows", KNOWS)):
        collection = setup.collection(name)
        collection.truncate()
        if documents:
            collection.import_bulk(documents)


@pytest.fixture
def db(data):
    """The connection under test."""
    return connect(ENDPOINT)


@pytest.fixture
def people(db):
    return db.collection("people")


def pytest_runtest_makereport(item, call):
    """Writes `outcome<TAB>test<TAB>calls` to the file that the runner names; the calls are the test's first line of text.

    A test that ends in a 403 which it did not expect is `denied`: what a gate does with what its policy has no place for.
    """
    target = os.environ.get("MALLKU_TEST_RESULTS")
    if not target or (call.when != "call" and call.excinfo is None):
        return
    if "test_gate" in pathlib.Path(item.fspath).name:
        # What a gate adds is no call of the database's.
        return
    if call.excinfo is not None and call.excinfo.errisinstance(pytest.skip.Exception):
        outcome = "skipped"
    elif call.excinfo is not None and (
        getattr(call.excinfo.value, "http_code", None) == 403 or "assert (11, 403) ==" in str(call.excinfo.value)
    ):
        outcome = "denied"
    else:
        outcome = "failed" if call.excinfo else "passed"
    calls = (item.function.__doc__ or item.name).strip().splitlines()[0]
    driver = "python-arango-async" if "async" in pathlib.Path(item.fspath).name else "python-arango"
    kind = "definitions" if "definitions" in pathlib.Path(item.fspath).name else "data"
    with open(target, "a", encoding="utf-8") as results:
        results.write(f"{driver}\t{kind}\t{item.name}\t{outcome}\t{calls}\n")
