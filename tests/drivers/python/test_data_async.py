"""What an application does with python-arango-async."""

import arangoasync
import pytest
import pytest_asyncio
from arangoasync.auth import Auth
from arangoasync.compression import AcceptEncoding, DefaultCompressionManager
from arangoasync.exceptions import AQLQueryExecuteError, DocumentInsertError, DocumentRevisionError
from conftest import DATABASE, ENDPOINT, PASSWORD, USER


@pytest_asyncio.fixture
async def adb(data):
    async with arangoasync.ArangoClient(hosts=ENDPOINT) as client:
        yield await client.db(DATABASE, auth=Auth(username=USER, password=PASSWORD))


@pytest.mark.asyncio
async def test_async_version(adb):
    """`db.version()`"""
    assert (await adb.version())["server"] == "arango"


@pytest.mark.asyncio
async def test_async_jwt(data):
    """`client.db(…, auth_method="jwt", verify=True)`"""
    async with arangoasync.ArangoClient(hosts=ENDPOINT) as client:
        db = await client.db(DATABASE, auth_method="jwt", auth=Auth(username=USER, password=PASSWORD), verify=True)
        async with await db.aql.execute("RETURN 1") as cursor:
            assert [row async for row in cursor] == [1]


@pytest.mark.asyncio
async def test_async_documents(adb):
    """`collection.insert / get / has / update / replace / delete`"""
    people = adb.collection("people")
    meta = await people.insert({"_key": "x", "n": 1}, return_new=True)
    assert meta["new"]["n"] == 1 and await people.has("x")
    await people.update({"_key": "x", "m": 2})
    assert (await people.get("x"))["m"] == 2
    await people.replace({"_key": "x", "k": 3})
    assert "n" not in await people.get("x")
    await people.delete("x")
    assert await people.get("x") is None


@pytest.mark.asyncio
async def test_async_many(adb):
    """`collection.insert_many / get_many / update_many / replace_many / delete_many`"""
    people = adb.collection("people")
    await people.insert_many([{"_key": "x"}, {"_key": "y"}])
    assert len(await people.get_many(["x", "y"])) == 2
    await people.update_many([{"_key": "x", "n": 1}])
    await people.replace_many([{"_key": "y", "n": 2}])
    assert len(await people.delete_many(["x", "y"])) == 2


@pytest.mark.asyncio
async def test_async_errors(adb):
    """errors: 1210, 1200, 1501"""
    people = adb.collection("people")
    with pytest.raises(DocumentInsertError) as error:
        await people.insert({"_key": "ada"})
    assert error.value.error_code == 1210
    with pytest.raises(DocumentRevisionError):
        await people.update({"_key": "ada", "_rev": "_old"}, ignore_revs=False)
    with pytest.raises(AQLQueryExecuteError) as error:
        await adb.aql.execute("FOR")
    assert error.value.error_code == 1501


@pytest.mark.asyncio
async def test_async_cursor(adb):
    """`db.aql.execute(…, batch_size=…)`, `async for`"""
    async with await adb.aql.execute("FOR i IN 1..10 RETURN i", batch_size=3, count=True) as cursor:
        assert cursor.count == 10
        assert [row async for row in cursor] == list(range(1, 11))


@pytest.mark.asyncio
async def test_async_count(adb):
    """`collection.count()`"""
    assert await adb.collection("people").count() == 3


@pytest.mark.asyncio
async def test_async_truncate(adb):
    """`collection.truncate()`"""
    people = adb.collection("people")
    await people.truncate()
    assert await people.count() == 0


@pytest.mark.asyncio
async def test_async_explain_validate(adb):
    """`db.aql.explain(…)`, `db.aql.validate(…)`"""
    assert (await adb.aql.explain("FOR p IN people RETURN p"))["plan"]["nodes"]
    assert (await adb.aql.validate("RETURN 1"))["parsed"] is True


@pytest.mark.asyncio
async def test_async_transaction(adb):
    """`db.begin_transaction(…)`, commit and abort"""
    people = adb.collection("people")
    transaction = await adb.begin_transaction(write="people")
    await transaction.collection("people").insert({"_key": "x"})
    assert not await people.has("x")
    await transaction.commit_transaction()
    assert await people.has("x")
    transaction = await adb.begin_transaction(write="people")
    await transaction.collection("people").delete("x")
    await transaction.abort_transaction()
    assert await people.has("x")


@pytest.mark.asyncio
async def test_async_graph(adb):
    """`graph.insert_vertex / vertex / insert_edge / edge / delete_vertex`"""
    graph = adb.graph("social")
    await graph.insert_vertex("people", {"_key": "x"})
    assert (await graph.vertex("people/x"))["_key"] == "x"
    await graph.insert_edge("knows", {"_key": "e", "_from": "people/x", "_to": "people/ada"})
    assert (await graph.edge("knows/e"))["_to"] == "people/ada"
    await graph.delete_vertex("people/x")
    assert not await adb.collection("knows").has("e")


@pytest.mark.asyncio
async def test_async_compression(data):
    """`ArangoClient(compression=DefaultCompressionManager(…))`"""
    compression = DefaultCompressionManager(threshold=1, level=6, accept=AcceptEncoding.DEFLATE)
    async with arangoasync.ArangoClient(hosts=ENDPOINT, compression=compression) as client:
        db = await client.db(DATABASE, auth=Auth(username=USER, password=PASSWORD))
        text = "compressed " * 1000
        await db.collection("people").insert({"_key": "big", "name": text})
        query = "FOR p IN people FILTER p._key == @key RETURN p.name"
        async with await db.aql.execute(query, bind_vars={"key": "big"}) as cursor:
            assert [row async for row in cursor] == [text]
