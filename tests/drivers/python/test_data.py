"""What an application does with python-arango: sessions, documents, queries, transactions."""

import arango
import pytest
from arango.http import DeflateRequestCompression
from conftest import DATABASE, ENDPOINT, PASSWORD, USER


def number(error):
    return error.value.error_code, error.value.http_code


# Sessions


def test_version(db):
    """`db.version()`"""
    assert db.version().count(".") == 2


def test_login_by_token():
    """`client.db(…, auth_method="jwt")`"""
    db = arango.ArangoClient(hosts=ENDPOINT).db(DATABASE, username=USER, password=PASSWORD, auth_method="jwt", verify=True)
    assert list(db.aql.execute("RETURN 1")) == [1]


def test_wrong_password():
    """`client.db(…, password=wrong)` is refused with 401"""
    db = arango.ArangoClient(hosts=ENDPOINT).db(DATABASE, username=USER, password=PASSWORD + "wrong")
    with pytest.raises(arango.exceptions.ServerVersionError) as error:
        db.version()
    assert error.value.http_code == 401


def test_verify(db):
    """`client.db(…, verify=True)`"""
    arango.ArangoClient(hosts=ENDPOINT).db(DATABASE, username=USER, password=PASSWORD, verify=True)


def test_time(db):
    """`db.time()`"""
    assert db.time().year >= 2024


# Documents


def test_insert(people):
    """`collection.insert(…, return_new=True)`"""
    meta = people.insert({"_key": "kurt", "name": "Kurt"}, return_new=True)
    assert meta["_id"] == "people/kurt" and meta["new"]["name"] == "Kurt" and meta["_rev"] == meta["new"]["_rev"]


def test_insert_generates_keys(people):
    """`collection.insert(…)` without a key"""
    first, second = people.insert({"n": 1}), people.insert({"n": 2})
    assert first["_key"] != second["_key"]


def test_insert_duplicate(people):
    """`collection.insert(…)` of a key that exists: 1210"""
    with pytest.raises(arango.exceptions.DocumentInsertError) as error:
        people.insert({"_key": "ada"})
    assert number(error) == (1210, 409)


def test_insert_silent(people):
    """`collection.insert(…, silent=True)`"""
    assert people.insert({"_key": "x"}, silent=True) is True


@pytest.mark.parametrize(
    "mode,expected",
    [("ignore", {"name": "Ada"}), ("replace", {"name": None}), ("update", {"name": "Ada"})],
)
def test_insert_overwrite_modes(people, mode, expected):
    """`collection.insert(…, overwrite_mode=…)`"""
    people.insert({"_key": "ada", "extra": 1}, overwrite_mode=mode)
    found = people.get("ada")
    assert found.get("name") == expected["name"] and found.get("extra") == (None if mode == "ignore" else 1)


def test_insert_overwrite_returns_old(people):
    """`collection.insert(…, overwrite=True, return_old=True)`"""
    meta = people.insert({"_key": "ada", "n": 1}, overwrite=True, return_old=True, return_new=True)
    assert meta["old"]["name"] == "Ada" and meta["new"]["n"] == 1 and meta["_old_rev"] == meta["old"]["_rev"]


def test_insert_many(people):
    """`collection.insert_many(…)` with an error in the middle"""
    results = people.insert_many([{"_key": "x"}, {"_key": "ada"}, {"_key": "y"}], return_new=True)
    assert [type(result) for result in results] == [dict, arango.exceptions.DocumentInsertError, dict]
    assert results[1].error_code == 1210 and people.has("y")


def test_get(people):
    """`collection.get(key | id | document)`"""
    assert people.get("ada")["name"] == people.get("people/ada")["name"] == people.get({"_key": "ada"})["name"] == "Ada"
    assert people.get("nobody") is None


def test_get_revision(people):
    """`collection.get(…, rev=…, check_rev=True)`"""
    document = people.get("ada")
    assert people.get(document)["_rev"] == document["_rev"]
    with pytest.raises(arango.exceptions.DocumentRevisionError) as error:
        people.get({"_id": "people/ada", "_rev": "_old"}, check_rev=True)
    assert error.value.http_code == 412


def test_has(people):
    """`collection.has(…)`, `key in collection`"""
    assert people.has("ada") and "ada" in people and not people.has("nobody")


def test_get_many(people):
    """`collection.get_many(…)`"""
    assert [document["_key"] for document in people.get_many(["ada", "nobody", "alan"])] == ["ada", "alan"]


def test_update(people):
    """`collection.update(…, return_old=True, return_new=True)`"""
    meta = people.update({"_key": "ada", "home": {"street": "x"}}, return_old=True, return_new=True)
    assert meta["new"]["home"] == {"city": "London", "street": "x"} and meta["old"]["home"] == {"city": "London"}
    assert meta["_old_rev"] != meta["_rev"]


def test_update_options(people):
    """`collection.update(…, keep_none=False, merge=False)`"""
    people.update({"_key": "ada", "born": None, "home": {"a": 1}}, keep_none=False, merge=False)
    found = people.get("ada")
    assert "born" not in found and found["home"] == {"a": 1}


def test_update_revision(people):
    """`collection.update(…, check_rev=True)` of an older revision: 1200, 412"""
    old = people.get("ada")
    people.update({"_key": "ada", "n": 1})
    with pytest.raises(arango.exceptions.DocumentRevisionError) as error:
        people.update({"_key": "ada", "_rev": old["_rev"], "n": 2}, check_rev=True)
    assert number(error) == (1200, 412)


def test_update_missing(people):
    """`collection.update(…)` of a document that does not exist: 1202"""
    with pytest.raises(arango.exceptions.DocumentUpdateError) as error:
        people.update({"_key": "nobody", "n": 1})
    assert number(error) == (1202, 404)


def test_update_many(people):
    """`collection.update_many(…)`"""
    results = people.update_many([{"_key": "ada", "n": 1}, {"_key": "nobody", "n": 1}])
    assert results[0]["_key"] == "ada" and results[1].error_code == 1202


def test_update_match(people):
    """`collection.update_match(…)`"""
    assert people.update_match({"name": "Ada"}, {"n": 7}) == 1 and people.get("ada")["n"] == 7


def test_replace(people):
    """`collection.replace(…, return_new=True)`"""
    meta = people.replace({"_key": "ada", "n": 1}, return_new=True)
    assert "name" not in meta["new"] and meta["new"]["n"] == 1


def test_replace_many(people):
    """`collection.replace_many(…)`"""
    people.replace_many([{"_key": "ada", "n": 1}, {"_key": "alan", "n": 2}])
    assert people.get("alan").get("name") is None


def test_replace_match(people):
    """`collection.replace_match(…)`"""
    assert people.replace_match({"name": "Ada"}, {"n": 7}) == 1 and "name" not in people.get("ada")


def test_delete(people):
    """`collection.delete(…, return_old=True)`"""
    assert people.delete("ada", return_old=True)["old"]["name"] == "Ada" and not people.has("ada")


def test_delete_missing(people):
    """`collection.delete(…)` of a document that does not exist, `ignore_missing=True`"""
    assert people.delete("nobody", ignore_missing=True) is False
    with pytest.raises(arango.exceptions.DocumentDeleteError) as error:
        people.delete("nobody")
    assert number(error) == (1202, 404)


def test_delete_revision(people):
    """`collection.delete(…, check_rev=True)` of an older revision: 1200, 412"""
    old = people.get("ada")
    people.update({"_key": "ada", "n": 1})
    with pytest.raises(arango.exceptions.DocumentRevisionError) as error:
        people.delete(old, check_rev=True)
    assert number(error) == (1200, 412)


def test_delete_many(people):
    """`collection.delete_many(…)`"""
    results = people.delete_many(["ada", "nobody"])
    assert results[0]["_key"] == "ada" and results[1].error_code == 1202


def test_delete_match(people):
    """`collection.delete_match(…)`"""
    assert people.delete_match({"home": {"city": "London"}}) == 2 and people.count() == 1


def test_count(people):
    """`collection.count()`, `len(collection)`"""
    assert people.count() == len(people) == 3


def test_find(people):
    """`collection.find(…)`, with `skip` and `limit`"""
    assert sorted(d["_key"] for d in people.find({"home": {"city": "London"}})) == ["ada", "alan"]
    assert len(list(people.find({}, skip=1, limit=1))) == 1


def test_all_ids_keys(people):
    """`collection.all()`, `collection.ids()`, `collection.keys()`"""
    assert len(list(people.all(limit=2))) == 2
    assert sorted(people.ids()) == ["people/ada", "people/alan", "people/grace"]
    assert sorted(people.keys()) == ["ada", "alan", "grace"]


def test_random(people):
    """`collection.random()`"""
    assert people.random()["_key"] in ("ada", "alan", "grace")


def test_find_in_range(people):
    """`collection.find_in_range(…)`"""
    assert [d["_key"] for d in people.find_in_range("born", 1900, 1910)] == ["grace"]


def test_import_bulk(people):
    """`collection.import_bulk(…, on_duplicate=…)`"""
    result = people.import_bulk([{"_key": "ada", "n": 1}, {"_key": "x"}], on_duplicate="update", details=True)
    assert (result["created"], result["updated"], result["errors"]) == (1, 1, 0) and people.get("ada")["name"] == "Ada"


def test_import_bulk_halts(people):
    """`collection.import_bulk(…, halt_on_error=True)`"""
    with pytest.raises(arango.exceptions.DocumentInsertError):
        people.import_bulk([{"_key": "x"}, {"_key": "ada"}], halt_on_error=True)
    assert not people.has("x")


def test_truncate(people):
    """`collection.truncate()`"""
    people.truncate()
    assert people.count() == 0


def test_special_keys(people):
    """keys and values with every legal character"""
    key = "a:b@c(d)+e,f=g$i!j*k'l%m-n_o."
    people.insert({"_key": key, "v": "Straße 😀 \u0000 \" \\ \n"})
    assert people.get(key)["v"] == "Straße 😀 \u0000 \" \\ \n" and people.has(key)
    people.update({"_key": key, "n": 1})
    people.delete(key)


def test_semicolon_in_a_key(people):
    """a key with a semicolon, which python-arango does not encode"""
    people.insert({"_key": "a;b"})
    assert people.has("a;b") and people.delete("a;b")


def test_edges(db):
    """`edge_collection.insert(…)`"""
    knows = db.collection("knows")
    key = knows.insert({"_from": "people/ada", "_to": "people/grace"})["_key"]
    assert knows.get(key)["_to"] == "people/grace"


def test_edge_without_an_end(db):
    """`edge_collection.insert(…)` of an edge without its end: 1233"""
    knows = db.collection("knows")
    with pytest.raises(arango.exceptions.DocumentInsertError) as error:
        knows.insert({"_from": "people/ada"})
    assert number(error) == (1233, 400)


# Queries


def test_execute(db):
    """`db.aql.execute(…, bind_vars=…)`"""
    cursor = db.aql.execute("FOR p IN @@c FILTER p.born > @y SORT p.born RETURN p.name", bind_vars={"@c": "people", "y": 1900})
    assert list(cursor) == ["Grace", "Alan"] and not cursor.has_more()


def test_execute_batches(db):
    """`cursor.batch()`, `cursor.fetch()`, `cursor.next()`, `cursor.count()` over several batches"""
    cursor = db.aql.execute("FOR i IN 1..10 RETURN i", batch_size=3, count=True, ttl=60)
    assert cursor.count() == 10 and list(cursor.batch()) == [1, 2, 3] and cursor.has_more() and cursor.id.isdigit()
    assert list(cursor) == list(range(1, 11))


def test_execute_stream(db):
    """`db.aql.execute(…, stream=True)`"""
    assert list(db.aql.execute("FOR i IN 1..5 RETURN i", stream=True, batch_size=2)) == [1, 2, 3, 4, 5]


def test_execute_retry(db):
    """`db.aql.execute(…, allow_retry=True)`, `cursor.fetch()` by batch"""
    cursor = db.aql.execute("FOR i IN 1..5 RETURN i", batch_size=2, allow_retry=True)
    assert list(cursor) == [1, 2, 3, 4, 5]
    cursor.close(ignore_missing=True)


def test_cursor_close(db):
    """`cursor.close()`"""
    cursor = db.aql.execute("FOR i IN 1..10 RETURN i", batch_size=3)
    assert cursor.close() is True and cursor.close(ignore_missing=True) is False
    with pytest.raises(arango.exceptions.CursorCloseError) as error:
        cursor.close()
    assert number(error) == (1600, 404)


def test_full_count_and_statistics(db):
    """`cursor.statistics()`, `cursor.warnings()`, `full_count=True`"""
    cursor = db.aql.execute("FOR p IN people LIMIT 1 RETURN p._key", full_count=True)
    statistics = cursor.statistics()
    assert len(list(cursor)) == 1 and statistics["fullCount"] == 3
    assert db.aql.execute("RETURN 1/0").warnings()[0]["code"] == 1562


def test_modification_queries(db, people):
    """`INSERT`, `UPDATE`, `REPLACE`, `UPSERT`, `REMOVE` with `OLD` and `NEW`"""
    run = lambda text: list(db.aql.execute(text))
    assert run("INSERT {_key: 'x', n: 1} INTO people RETURN NEW.n") == [1]
    assert run("UPDATE 'x' WITH {m: 2} IN people RETURN [OLD.m, NEW.m]") == [[None, 2]]
    assert run("REPLACE 'x' WITH {k: 3} IN people RETURN NEW.n") == [None]
    assert run("UPSERT {_key: 'x'} INSERT {} UPDATE {n: 9} IN people RETURN NEW.n") == [9]
    assert run("REMOVE 'x' IN people RETURN OLD.k") == [3]
    cursor = db.aql.execute("FOR p IN people UPDATE p WITH {seen: true} IN people")
    assert cursor.statistics()["modified"] == 3


def test_query_errors(db):
    """errors of queries: 1501, 1551, 1540"""
    for text, bind_vars, expected in [
        ("FOR x IN", {}, (1501, 400)),
        ("RETURN @x", {}, (1551, 400)),
        ("RETURN NO_SUCH_FUNCTION()", {}, (1540, 400)),
    ]:
        with pytest.raises(arango.exceptions.AQLQueryExecuteError) as error:
            db.aql.execute(text, bind_vars=bind_vars)
        assert number(error) == expected, text


def test_query_of_an_unknown_collection(db):
    """a query of a collection that does not exist: 1203"""
    with pytest.raises(arango.exceptions.AQLQueryExecuteError) as error:
        db.aql.execute("FOR x IN nowhere RETURN x")
    assert number(error) == (1203, 404)


def test_failed_query_changes_nothing(db, people):
    """a query that fails in the middle leaves nothing behind"""
    with pytest.raises(arango.exceptions.AQLQueryExecuteError):
        db.aql.execute("FOR k IN ['new', 'ada'] INSERT {_key: k} INTO people")
    assert not people.has("new")


def test_traversal_queries(db):
    """traversals and shortest paths"""
    text = "WITH people FOR v, e, p IN 1..2 OUTBOUND 'people/ada' knows RETURN [v._key, e.since, LENGTH(p.vertices)]"
    assert list(db.aql.execute(text)) == [["alan", 1, 2], ["grace", 2, 3]]
    text = "WITH people FOR v IN OUTBOUND SHORTEST_PATH 'people/ada' TO 'people/grace' GRAPH 'social' RETURN v._key"
    assert list(db.aql.execute(text)) == ["ada", "alan", "grace"]


def test_explain(db):
    """`db.aql.explain(…)`"""
    plan = db.aql.explain("FOR p IN people FILTER p.born > 1 RETURN p")
    assert plan["nodes"][0]["type"] == "SingletonNode" and plan["collections"][0]["name"] == "people"


def test_validate(db):
    """`db.aql.validate(…)`"""
    result = db.aql.validate("FOR p IN people FILTER p.born > @y RETURN p")
    assert result["parsed"] is True and result["collections"] == ["people"] and result["bind_vars"] == ["y"]
    with pytest.raises(arango.exceptions.AQLQueryValidateError) as error:
        db.aql.validate("FOR")
    assert number(error) == (1501, 400)


# Transactions


def test_transaction_commit(db, people):
    """`db.begin_transaction(…)`, `transaction.commit_transaction()`, isolation until then"""
    transaction = db.begin_transaction(read="people", write="people")
    assert transaction.transaction_status() == "running"
    transaction.collection("people").insert({"_key": "x"})
    transaction.aql.execute("UPDATE 'ada' WITH {n: 1} IN people")
    assert transaction.collection("people").has("x") and not people.has("x")
    assert transaction.commit_transaction() is True
    assert people.has("x") and people.get("ada")["n"] == 1 and transaction.transaction_status() == "committed"


def test_transaction_abort(db, people):
    """`transaction.abort_transaction()`"""
    transaction = db.begin_transaction(write=["people"])
    transaction.collection("people").delete("ada")
    assert transaction.abort_transaction() is True and people.has("ada")


def test_transaction_undeclared(db):
    """writing a collection that a transaction did not declare: 1652"""
    transaction = db.begin_transaction(read="people")
    with pytest.raises(arango.exceptions.DocumentInsertError) as error:
        transaction.collection("people").insert({})
    assert number(error) == (1652, 400)
    transaction.abort_transaction()


def test_transaction_list(db):
    """`db.list_transactions()`"""
    transaction = db.begin_transaction(write="people")
    assert transaction.transaction_id in [one["id"] for one in db.list_transactions()]
    transaction.abort_transaction()
    assert transaction.transaction_id not in [one["id"] for one in db.list_transactions()]


def test_transaction_conflict(db, people):
    """two transactions that change the same document: 1200"""
    first, second = db.begin_transaction(write="people"), db.begin_transaction(write="people")
    first.collection("people").update({"_key": "ada", "n": 1})
    first.commit_transaction()
    with pytest.raises((arango.exceptions.TransactionCommitError, arango.exceptions.DocumentUpdateError)) as error:
        second.collection("people").update({"_key": "ada", "n": 2})
        second.commit_transaction()
    assert number(error) == (1200, 409) and people.get("ada")["n"] == 1


def test_transaction_missing(db):
    """a transaction that does not exist: 1655"""
    with pytest.raises(arango.exceptions.TransactionFetchError) as error:
        db.fetch_transaction("999999999")
    assert number(error) == (1655, 404)


# Looking at allowed things


def test_collection_look(db, people):
    """`db.has_collection(…)`, `db.collections()`, `collection.properties()`"""
    assert db.has_collection("people") and not db.has_collection("nowhere")
    assert "people" in [collection["name"] for collection in db.collections()]
    properties = people.properties()
    assert properties["name"] == "people" and properties["edge"] is False


def test_collection_indexes(people):
    """`collection.indexes()`"""
    assert people.indexes()[0]["type"] == "primary"


def test_graph_look(db):
    """`db.graphs()`, `db.has_graph(…)`, `graph.properties()`"""
    assert "social" in [one["name"] for one in db.graphs()] and db.has_graph("social")
    assert db.graph("social").properties()["edge_definitions"][0]["edge_collection"] == "knows"


def test_graph_collections(db):
    """`graph.vertex_collections()`, `graph.edge_definitions()`"""
    graph = db.graph("social")
    assert graph.vertex_collections() == ["people"] and graph.edge_definitions()[0]["edge_collection"] == "knows"


def test_graph_vertices(db):
    """`vertex_collection.insert / get / update / replace / delete`"""
    vertices = db.graph("social").vertex_collection("people")
    vertices.insert({"_key": "x", "n": 1})
    vertices.update({"_key": "x", "m": 2})
    assert vertices.get("x")["m"] == 2
    vertices.replace({"_key": "x", "k": 3})
    assert "n" not in vertices.get("x")
    assert vertices.delete("x") is True and vertices.get("x") is None


def test_graph_vertex_removal_takes_edges(db):
    """`vertex_collection.delete(…)` removes the vertex's edges"""
    db.graph("social").vertex_collection("people").delete("alan")
    assert db.collection("knows").count() == 0


def test_graph_edges(db):
    """`edge_collection.insert / get / update / replace / delete / link / edges`"""
    edges = db.graph("social").edge_collection("knows")
    edges.insert({"_key": "x", "_from": "people/ada", "_to": "people/grace"})
    edges.update({"_key": "x", "n": 1})
    edges.replace({"_key": "x", "_from": "people/ada", "_to": "people/alan", "m": 1})
    assert "n" not in edges.get("x")
    assert len(edges.edges("people/ada", direction="out")["edges"]) == 2
    edges.delete("x")
    edges.link("people/grace", "people/ada")
    assert len(edges.edges("people/ada")["edges"]) == 2


def test_graph_edge_to_nowhere(db):
    """`edge_collection.insert(…)` to a vertex that does not exist: 1202"""
    with pytest.raises(arango.exceptions.DocumentInsertError) as error:
        db.graph("social").edge_collection("knows").insert({"_from": "people/ada", "_to": "people/nobody"})
    assert number(error) == (1202, 404)


def test_compressed_requests(data):
    """`ArangoClient(request_compression=DeflateRequestCompression(…), response_compression="gzip")`"""
    compression = DeflateRequestCompression(threshold=1)
    client = arango.ArangoClient(hosts=ENDPOINT, request_compression=compression, response_compression="gzip")
    db = client.db(DATABASE, username=USER, password=PASSWORD)
    text = "compressed " * 1000
    assert db.collection("people").insert({"_key": "big", "name": text}, return_new=True)["new"]["name"] == text
    cursor = db.aql.execute("FOR p IN people FILTER p._key == @key RETURN p.name", bind_vars={"key": "big"})
    assert list(cursor) == [text]


def test_batch_execution(db):
    """`db.begin_batch_execution(max_workers=…)`, which are threads of the client"""
    with db.begin_batch_execution(max_workers=3) as batch:
        jobs = [batch.aql.execute("RETURN @n", bind_vars={"n": number}) for number in range(9)]
        jobs.append(batch.collection("people").get("ada"))
    assert [list(job.result()) for job in jobs[:9]] == [[number] for number in range(9)]
    assert jobs[9].result()["name"] == "Ada"


def test_dirty_read(db, people):
    """`db.aql.execute(…, allow_dirty_read=True)`, `collection.get(…, allow_dirty_read=True)`"""
    assert list(db.aql.execute("FOR p IN people SORT p.name LIMIT 1 RETURN p.name", allow_dirty_read=True)) == ["Ada"]
    assert people.get_many(["ada"], allow_dirty_read=True)[0]["name"] == "Ada"
