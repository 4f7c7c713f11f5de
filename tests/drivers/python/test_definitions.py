"""What an administrator does with python-arango. A gate denies all of it."""

import arango
import pytest
from conftest import DATABASE, ENDPOINT, PASSWORD, SETUP, USER


def number(error):
    return error.value.error_code, error.value.http_code


@pytest.fixture
def system():
    return arango.ArangoClient(hosts=ENDPOINT).db("_system", username=USER, password=PASSWORD)


@pytest.fixture(autouse=True)
def clean(setup):
    """What a test leaves behind is removed at the database itself."""
    yield
    for name in ("made", "renamed", "orphans", "edges2"):
        setup.delete_collection(name, ignore_missing=True)
    for view in setup.views():
        setup.delete_view(view["name"])
    setup.delete_graph("made", ignore_missing=True)
    system = arango.ArangoClient(hosts=SETUP).db("_system", username=USER, password=PASSWORD)
    system.delete_database("made", ignore_missing=True)
    system.delete_user("made", ignore_missing=True)


def test_databases(system):
    """`db.create_database / has_database / databases / delete_database`"""
    assert system.create_database("made", users=[{"username": "made", "password": "pw"}])
    assert system.has_database("made") and "made" in system.databases()
    made = arango.ArangoClient(hosts=ENDPOINT).db("made", username="made", password="pw")
    assert made.properties()["name"] == "made" and made.create_collection("c").insert({})
    assert system.delete_database("made") and not system.has_database("made")


def test_database_duplicate(system):
    """`db.create_database(…)` of one that exists: 1207"""
    with pytest.raises(arango.exceptions.DatabaseCreateError) as error:
        system.create_database(DATABASE)
    assert number(error) == (1207, 409)


def test_collections(db):
    """`db.create_collection / delete_collection`, `collection.configure / rename / statistics / revision / checksum`"""
    made = db.create_collection("made", sync=True, user_keys=True)
    assert made.properties()["sync"] is True and made.configure(sync=False)["sync"] is False
    assert made.statistics() is not None and made.revision() and made.checksum(with_data=True)
    made.insert({"_key": "a"})
    assert made.rename("renamed") and db.collection("renamed").get("a")["_id"] == "renamed/a"
    assert db.delete_collection("renamed") and not db.has_collection("renamed")


def test_collection_errors(db):
    """errors of collections: 1207, 1203, 1208"""
    for call, expected in [
        (lambda: db.create_collection("people"), (1207, 409)),
        (lambda: db.delete_collection("nowhere"), (1203, 404)),
        (lambda: db.create_collection("1"), (1208, 400)),
        (lambda: db.collection("nowhere").count(), (1203, 404)),
    ]:
        with pytest.raises(arango.exceptions.ArangoServerError) as error:
            call()
        assert number(error) == expected


def test_collection_schema(db):
    """`db.create_collection(…, schema=…)` is enforced: 1620"""
    rule = {"rule": {"properties": {"n": {"type": "number"}}, "required": ["n"]}, "level": "strict", "message": "n is a number"}
    made = db.create_collection("made", schema=rule)
    made.insert({"n": 1})
    with pytest.raises(arango.exceptions.DocumentInsertError) as error:
        made.insert({"n": "x"})
    assert number(error) == (1620, 400) and "n is a number" in str(error.value)


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "persistent", "fields": ["a", "b"], "sparse": True, "name": "made"},
        {"type": "ttl", "fields": ["at"], "expireAfter": 60},
        {"type": "geo", "fields": ["where"], "geoJson": True},
        {"type": "inverted", "fields": ["text"]},
        {"type": "mdi", "fields": ["x", "y"], "fieldValueTypes": "double"},
        {"type": "fulltext", "fields": ["text"], "minLength": 3},
    ],
    ids=lambda definition: definition["type"],
)
def test_indexes(db, definition):
    """`collection.add_index / indexes / delete_index` of each kind"""
    made = db.create_collection("made")
    index = made.add_index(definition)
    assert index["type"] == definition["type"] and index["name"]
    assert made.add_index(definition)["id"] == index["id"], "the same definition again"
    assert index["id"] in [one["id"] for one in made.indexes()]
    assert made.delete_index(index["id"]) is True and made.delete_index(index["id"], ignore_missing=True) is False


def test_unique_index(db):
    """a unique index is enforced: 1210"""
    made = db.create_collection("made")
    made.add_index({"type": "persistent", "fields": ["n"], "unique": True})
    made.insert({"n": 1})
    for document in ({"n": 1}, {"n": 1.0}):
        with pytest.raises(arango.exceptions.DocumentInsertError) as error:
            made.insert(document)
        assert number(error) == (1210, 409)


def test_graphs(db):
    """`db.create_graph / has_graph / delete_graph`, `graph.create / replace / delete_edge_definition`, `create_vertex_collection`"""
    graph = db.create_graph("made", [{"edge_collection": "made", "from_vertex_collections": ["people"], "to_vertex_collections": ["people"]}])
    assert db.has_graph("made")
    graph.create_vertex_collection("orphans")
    assert graph.vertex_collections() == ["orphans", "people"]
    graph.create_edge_definition("edges2", ["people"], ["orphans"])
    graph.replace_edge_definition("edges2", ["orphans"], ["people"])
    assert graph.delete_edge_definition("edges2", purge=True) and not db.has_collection("edges2")
    assert graph.delete_vertex_collection("orphans", purge=True)
    assert db.delete_graph("made") and not db.has_graph("made")
    with pytest.raises(arango.exceptions.GraphDeleteError) as error:
        db.delete_graph("made")
    assert number(error) == (1924, 404)


def test_views(db):
    """`db.create_arangosearch_view / view / views / update_view / replace_view / rename_view / delete_view`"""
    db.create_arangosearch_view("made", {"links": {"people": {"includeAllFields": True}}})
    assert db.view("made")["links"]["people"]["includeAllFields"] is True
    assert [view["name"] for view in db.views()] == ["made"]
    db.update_view("made", {"links": {"places": {}}})
    assert sorted(db.view("made")["links"]) == ["people", "places"]
    db.replace_view("made", {"links": {"people": {}}})
    db.rename_view("made", "renamed_view")
    assert sorted(d["_key"] for d in db.aql.execute("FOR d IN renamed_view RETURN d")) == ["ada", "alan", "grace"]
    assert db.delete_view("renamed_view")


def test_analyzers(db):
    """`db.create_analyzer / analyzers / analyzer / delete_analyzer`"""
    db.create_analyzer("made", "identity", {})
    assert "identity" in [one["name"] for one in db.analyzers()] and db.analyzer("made")["type"] == "identity"
    assert db.delete_analyzer("made")


def test_users(system):
    """`db.create_user / has_user / user / users / update_user / replace_user / delete_user`"""
    system.create_user("made", "pw", active=True, extra={"a": 1})
    assert system.has_user("made") and system.user("made") == {"username": "made", "active": True, "extra": {"a": 1}}
    assert "made" in [user["username"] for user in system.users()]
    system.update_user("made", password="new")
    system.replace_user("made", "other", active=False)
    assert system.user("made")["active"] is False
    assert system.delete_user("made") and not system.has_user("made")
    with pytest.raises(arango.exceptions.UserGetError) as error:
        system.user("made")
    assert number(error) == (1703, 404)


def test_permissions(db, system):
    """`db.permissions / permission / update_permission / reset_permission`, and that they hold"""
    system.create_user("made", "pw")
    made = arango.ArangoClient(hosts=ENDPOINT).db(DATABASE, username="made", password="pw")
    with pytest.raises(arango.exceptions.AQLQueryExecuteError) as error:
        made.aql.execute("RETURN 1")
    assert number(error) == (11, 401)
    system.update_permission("made", "ro", DATABASE)
    system.update_permission("made", "ro", DATABASE, "people")
    assert system.permission("made", DATABASE) == "ro" and system.permission("made", DATABASE, "people") == "ro"
    assert system.permissions("made")[DATABASE]["permission"] == "ro"
    assert len(list(made.aql.execute("FOR p IN people RETURN p"))) == 3
    for refused in (
        lambda: made.aql.execute("FOR p IN places RETURN p"),
        lambda: made.aql.execute("FOR p IN people REMOVE p IN people"),
        lambda: made.collection("people").insert({}),
        lambda: made.create_collection("made"),
        lambda: made.collection("places").count(),
    ):
        with pytest.raises(arango.exceptions.ArangoServerError) as error:
            refused()
        assert number(error) == (11, 403)
    assert system.reset_permission("made", DATABASE, "people")
    with pytest.raises(arango.exceptions.AQLQueryExecuteError):
        made.aql.execute("FOR p IN people RETURN p")


def test_server(system):
    """`db.status()`, `db.engine()`, `db.role()`, `db.details()`, `db.license()`"""
    assert system.status()["version"] and system.engine()["name"] == "rocksdb" and system.role() == "SINGLE"
    assert system.details()["role"] == "SINGLE"


def test_jwt_secrets_need_a_superuser(system):
    """`db.jwt_secrets()` without a superuser's token: 403"""
    with pytest.raises(arango.exceptions.JWTSecretListError) as error:
        system.jwt_secrets()
    assert error.value.http_code == 403
