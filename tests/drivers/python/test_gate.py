"""What a gate adds: denials as the driver's own exceptions, with the reason in their text. Runs through a gate only."""

import os

import arango
import pytest
from conftest import DATABASE, ENDPOINT, USER

pytestmark = pytest.mark.skipif(not os.environ.get("MALLKU_TEST_THROUGH_GATE"), reason="there is no gate")


@pytest.fixture
def notes(setup, db):
    if not setup.has_collection("notes"):
        setup.create_collection("notes")
    setup.collection("notes").truncate()
    setup.collection("notes").insert({"_key": "a", "title": "A", "secret": "s", "origin": "o"})
    return db.collection("notes")


def denied(error, *words):
    assert (error.value.http_code, error.value.error_code) == (403, 11)
    for word in words:
        assert word in str(error.value), str(error.value)


def test_denied_query(db, notes):
    """a query that reads a hidden attribute raises `AQLQueryExecuteError` with rule, place and hint"""
    with pytest.raises(arango.exceptions.AQLQueryExecuteError) as error:
        db.aql.execute("FOR n IN notes\n  RETURN n.secret")
    denied(error, "attribute-hidden", "secret", "2:")


def test_denied_collection(db):
    """a query of a collection that no schema names"""
    with pytest.raises(arango.exceptions.AQLQueryExecuteError) as error:
        db.aql.execute("FOR u IN _users RETURN u")
    denied(error, "unknown-collection", "_users")


def test_denied_documents(notes):
    """documents that break the schema raise `DocumentInsertError`, a whole batch at once"""
    with pytest.raises(arango.exceptions.DocumentInsertError) as error:
        notes.insert({"title": 1})
    denied(error, "document-invalid")
    with pytest.raises(arango.exceptions.DocumentInsertError) as error:
        notes.insert_many([{"_key": "b", "title": "B"}, {"_key": "c", "origin": "x"}])
    denied(error, "attribute-read-only", "origin")
    assert not notes.has("b")


def test_projected_documents(notes):
    """documents arrive without hidden attributes, also as `return_new`"""
    assert set(notes.get("a")) == {"_key", "_id", "_rev", "title", "origin"}
    new = notes.insert({"_key": "n", "title": "N", "secret": "x"}, return_new=True)["new"]
    assert set(new) == {"_key", "_id", "_rev", "title"}
    assert [set(note) for note in notes.get_many(["n"])] == [{"_key", "_id", "_rev", "title"}]


def test_foreign_cursor(db, notes, setup):
    """a cursor that this user did not open through the gate is not there: 1600"""
    cursor = setup.aql.execute("FOR i IN 1..10 RETURN i", batch_size=2)
    with pytest.raises(arango.exceptions.CursorNextError) as error:
        db.aql.execute("FOR i IN 1..10 RETURN i", batch_size=2)
        arango.cursor.Cursor(db.conn, {"id": cursor.id, "hasMore": True, "result": []}).fetch()
    assert (error.value.http_code, error.value.error_code) == (404, 1600)


def test_denied_async_execution(db):
    """`db.begin_async_execution()` is refused with its reason, whether the result is wanted or not"""
    for wanted in (True, False):
        with pytest.raises(arango.exceptions.AsyncExecuteError) as error:
            db.begin_async_execution(return_result=wanted).aql.execute("RETURN 1")
        denied(error, "x-arango-async", "past the gate")


def test_denied_jobs(db):
    """`db.async_jobs(…)`, which lists results that passed nobody"""
    with pytest.raises(arango.exceptions.AsyncJobListError) as error:
        db.async_jobs(status="done")
    denied(error, "endpoint-not-allowed", "asynchronous")


def test_wrong_password_learns_nothing(setup):
    """a denied query with a wrong password is 401, and says nothing about the policy"""
    db = arango.ArangoClient(hosts=ENDPOINT).db(DATABASE, username=USER, password="wrong")
    with pytest.raises(arango.exceptions.AQLQueryExecuteError) as error:
        db.aql.execute("FOR u IN _users RETURN u")
    assert (error.value.http_code, error.value.error_code) == (401, 11)
    assert "unknown-collection" not in str(error.value)
