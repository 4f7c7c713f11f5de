// arangojs at the endpoint that the environment names; see ../python/conftest.py for the variables.
import { appendFileSync } from "node:fs";
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { Database, aql } from "arangojs";

const ENDPOINT = process.env.MALLKU_TEST_ENDPOINT ?? "http://127.0.0.1:8529";
const SETUP = process.env.MALLKU_TEST_SETUP ?? ENDPOINT;
const DATABASE = process.env.MALLKU_TEST_DATABASE ?? "drivers";
const USER = process.env.MALLKU_TEST_USER ?? "root";
const PASSWORD = process.env.MALLKU_TEST_PASSWORD ?? "";

const connect = (url, databaseName = DATABASE) =>
  new Database({ url, databaseName, auth: { username: USER, password: PASSWORD } });
const setup = connect(SETUP);
const db = connect(ENDPOINT);
const people = db.collection("people");

const PEOPLE = [
  { _key: "ada", name: "Ada", born: 1815, home: { city: "London" } },
  { _key: "alan", name: "Alan", born: 1912, home: { city: "London" } },
  { _key: "grace", name: "Grace", born: 1906, home: { city: "New York" } },
];
const KNOWS = [
  { _key: "1", _from: "people/ada", _to: "people/alan" },
  { _key: "2", _from: "people/alan", _to: "people/grace" },
];

before(async () => {
  for (const name of ["people", "places"]) {
    if (!(await setup.collection(name).exists())) await setup.createCollection(name);
  }
  if (!(await setup.collection("knows").exists())) await setup.createEdgeCollection("knows");
  if (!(await setup.graph("social").exists())) {
    await setup.createGraph("social", [{ collection: "knows", from: ["people"], to: ["people"] }]);
  }
});

beforeEach(async () => {
  for (const [name, documents] of [["people", PEOPLE], ["knows", KNOWS], ["places", []]]) {
    await setup.collection(name).truncate();
    if (documents.length) await setup.collection(name).saveAll(documents);
  }
});

after(() => {
  setup.close();
  db.close();
});

/** A test whose outcome is written for the runner; `calls` is what it tries. */
function tried(name, kind, calls, work) {
  test(name, async () => {
    let outcome = "failed";
    try {
      await work();
      outcome = "passed";
    } catch (error) {
      if (error.code === 403) outcome = "denied";
      throw error;
    } finally {
      const target = process.env.MALLKU_TEST_RESULTS;
      if (target) appendFileSync(target, `arangojs\t${kind}\t${name}\t${outcome}\t${calls}\n`);
    }
  });
}
const data = (name, calls, work) => tried(name, "data", calls, work);
const definitions = (name, calls, work) => tried(name, "definitions", calls, work);
const fails = (promise, errorNum, code) =>
  assert.rejects(promise, (error) => {
    if (error.code === 403 && code !== 403) throw error;
    assert.equal(error.errorNum, errorNum);
    assert.equal(error.code, code);
    return true;
  });

data("version", "`db.version()`", async () => assert.equal((await db.version()).server, "arango"));
data("exists", "`db.exists()`, `db.get()`", async () => {
  assert.equal(await db.exists(), true);
  assert.equal((await db.get()).name, DATABASE);
});
data("login", "`db.login(…)`, `db.renewAuthToken()`", async () => {
  const other = new Database({ url: ENDPOINT, databaseName: DATABASE });
  await other.login(USER, PASSWORD);
  assert.equal(await other.exists(), true);
  await other.renewAuthToken();
  await fails(other.login(USER, `${PASSWORD}wrong`), 401, 401);
  other.close();
});
data("time", "`db.time()`", async () => assert.ok((await db.time()) > 1.7e9));
data("save", "`collection.save(…, { returnNew })`", async () => {
  const meta = await people.save({ _key: "x", n: 1 }, { returnNew: true });
  assert.equal(meta._id, "people/x");
  assert.equal(meta.new.n, 1);
});
data("save_duplicate", "`collection.save(…)` of a key that exists: 1210", () => fails(people.save({ _key: "ada" }), 1210, 409));
data("save_overwrite", "`collection.save(…, { overwriteMode })`", async () => {
  await people.save({ _key: "ada", n: 1 }, { overwriteMode: "update" });
  assert.deepEqual(((d) => [d.name, d.n])(await people.document("ada")), ["Ada", 1]);
  await people.save({ _key: "ada", n: 2 }, { overwriteMode: "replace" });
  assert.equal((await people.document("ada")).name, undefined);
});
data("save_silent", "`collection.save(…, { silent })`, `collection.saveAll(…, { silent })`", async () => {
  await people.save({ _key: "x" }, { silent: true });
  await people.saveAll([{ _key: "y" }, { _key: "z" }], { silent: true });
  assert.equal((await people.count()).count, 6);
});
data("save_all", "`collection.saveAll(…)` with an error in the middle", async () => {
  const results = await people.saveAll([{ _key: "x" }, { _key: "ada" }, { _key: "y" }]);
  assert.equal(results[1].errorNum, 1210);
  assert.equal(await people.documentExists("y"), true);
});
data("document", "`collection.document(…)`, `{ graceful }`, `documentExists`", async () => {
  assert.equal((await people.document("ada")).name, "Ada");
  assert.equal(await people.document("nobody", { graceful: true }), null);
  assert.equal(await people.documentExists("nobody"), false);
  await fails(people.document("nobody"), 1202, 404);
});
data("documents", "`collection.documents(…)`", async () => {
  const found = await people.documents(["ada", "nobody"]);
  assert.equal(found[0].name, "Ada");
  assert.equal(found[1].errorNum, 1202);
});
data("if_match", "`{ ifMatch }`, `{ ifNoneMatch }`", async () => {
  const old = await people.document("ada");
  await people.update("ada", { n: 1 });
  await fails(people.document("ada", { ifMatch: old._rev }), 1200, 412);
  await fails(people.update("ada", { n: 2 }, { ifMatch: old._rev }), 1200, 412);
  await fails(people.remove("ada", { ifMatch: old._rev }), 1200, 412);
});
data("update", "`collection.update(…, { returnOld, returnNew, keepNull, mergeObjects })`", async () => {
  const meta = await people.update("ada", { home: { street: "x" }, born: null }, { returnOld: true, returnNew: true, keepNull: false });
  assert.deepEqual(meta.new.home, { city: "London", street: "x" });
  assert.equal(meta.old.born, 1815);
  assert.equal("born" in meta.new, false);
  await people.update("ada", { home: { a: 1 } }, { mergeObjects: false });
  assert.deepEqual((await people.document("ada")).home, { a: 1 });
});
data("update_all", "`collection.updateAll(…)`, `replaceAll`, `removeAll`", async () => {
  assert.equal((await people.updateAll([{ _key: "ada", n: 1 }, { _key: "nobody" }]))[1].errorNum, 1202);
  await people.replaceAll([{ _key: "alan", n: 2 }]);
  assert.equal((await people.document("alan")).name, undefined);
  await people.removeAll(["ada", { _key: "alan" }]);
  assert.equal((await people.count()).count, 1);
});
data("replace", "`collection.replace(…)`", async () => {
  await people.replace("ada", { n: 1 });
  assert.equal((await people.document("ada")).name, undefined);
});
data("remove", "`collection.remove(…, { returnOld })`", async () => {
  assert.equal((await people.remove("ada", { returnOld: true })).old.name, "Ada");
  await fails(people.remove("ada"), 1202, 404);
});
data("import", "`collection.import(…)`", async () => {
  const result = await people.import([{ _key: "x" }, { _key: "ada" }], { onDuplicate: "ignore" });
  assert.deepEqual([result.created, result.ignored], [1, 1]);
});
data("count", "`collection.count()`", async () => assert.equal((await people.count()).count, 3));
data("truncate", "`collection.truncate()`", async () => {
  await people.truncate();
  assert.equal((await people.count()).count, 0);
});
data("look", "`collection.get() / exists() / properties()`, `db.listCollections()`, `db.collections()`, `collection.indexes()`", async () => {
  assert.equal((await people.get()).type, 2);
  assert.equal((await people.properties()).name, "people");
  assert.ok((await db.listCollections()).some(({ name }) => name === "people"));
  assert.ok((await db.collections()).length >= 3);
  assert.equal((await people.indexes())[0].type, "primary");
});
data("look_nowhere", "`collection.exists()`, `graph.exists()` of what does not exist", async () => {
  assert.equal(await db.collection("nowhere").exists(), false);
  assert.equal(await db.graph("nowhere").exists(), false);
});
data("edges", "`collection.inEdges / outEdges / edges`", async () => {
  const knows = db.collection("knows");
  assert.equal((await knows.outEdges("people/ada")).edges.length, 1);
  assert.equal((await knows.inEdges("people/ada")).edges.length, 0);
  assert.equal((await knows.edges("people/alan")).edges.length, 2);
});
data("query", "`` db.query(aql`…`) ``, `cursor.all()`", async () => {
  const rows = await (await db.query(aql`FOR p IN ${people} FILTER p.born > ${1900} SORT p.born RETURN p.name`)).all();
  assert.deepEqual(rows, ["Grace", "Alan"]);
});
data("query_batches", "`db.query(…, { batchSize, count })`, `cursor.next()`, `for await`", async () => {
  const cursor = await db.query("FOR i IN 1..10 RETURN i", {}, { batchSize: 3, count: true });
  assert.equal(cursor.count, 10);
  const seen = [];
  for await (const row of cursor) seen.push(row);
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});
data("query_retry", "`db.query(…, { allowRetry })`", async () => {
  const cursor = await db.query("FOR i IN 1..5 RETURN i", {}, { batchSize: 2, allowRetry: true });
  assert.deepEqual(await cursor.all(), [1, 2, 3, 4, 5]);
});
data("query_stream", "`db.query(…, { stream })`", async () => {
  const cursor = await db.query("FOR i IN 1..5 RETURN i", {}, { batchSize: 2, stream: true });
  assert.deepEqual(await cursor.all(), [1, 2, 3, 4, 5]);
});
data("query_kill", "`cursor.kill()`", async () => {
  const cursor = await db.query("FOR i IN 1..10 RETURN i", {}, { batchSize: 3 });
  await cursor.kill();
  assert.equal(cursor.hasNext, false);
  assert.deepEqual(await cursor.all(), []);
});
data("query_full_count", "`{ fullCount }`, `cursor.extra`", async () => {
  const cursor = await db.query("FOR p IN people LIMIT 1 RETURN p", {}, { fullCount: true });
  assert.equal(cursor.extra.stats.fullCount, 3);
});
data("query_unknown_collection", "a query of a collection that does not exist: 1203", () =>
  fails(db.query("FOR x IN nowhere RETURN x"), 1203, 404));
data("query_errors", "errors of queries: 1501, 1551, 1552", async () => {
  await fails(db.query("FOR"), 1501, 400);
  await fails(db.query("RETURN @x"), 1551, 400);
  await fails(db.query("RETURN 1", { x: 1 }), 1552, 400);
});
data("explain_parse", "`db.explain(…)`, `db.parse(…)`", async () => {
  assert.ok((await db.explain("FOR p IN people RETURN p")).plan.nodes.length > 1);
  assert.deepEqual((await db.parse("FOR p IN people RETURN p")).collections, ["people"]);
});
data("transaction", "`db.beginTransaction(…)`, `trx.step(…)`, `trx.commit()`, `trx.abort()`, `trx.get()`", async () => {
  const trx = await db.beginTransaction({ write: [people] });
  await trx.step(() => people.save({ _key: "x" }));
  await trx.step(() => db.query("REMOVE 'ada' IN people"));
  assert.equal(await people.documentExists("x"), false);
  assert.equal(await trx.step(() => people.documentExists("x")), true);
  assert.equal((await trx.commit()).status, "committed");
  assert.equal(await people.documentExists("x"), true);
  assert.equal(await people.documentExists("ada"), false);
  const second = await db.beginTransaction({ write: "people" });
  await second.step(() => people.remove("x"));
  assert.equal((await second.abort()).status, "aborted");
  assert.equal((await second.get()).status, "aborted");
  assert.equal(await people.documentExists("x"), true);
});
data("with_transaction", "`db.withTransaction(…)`", async () => {
  await db.withTransaction({ write: ["people"] }, (step) => step(() => people.save({ _key: "y" })));
  assert.equal(await people.documentExists("y"), true);
});
data("list_transactions", "`db.listTransactions()`, which asks in `_system`", async () => {
  const trx = await db.beginTransaction({ write: "people" });
  assert.equal((await db.listTransactions()).length, 1);
  await trx.abort();
});
data("graph", "`graph.vertexCollection(…)`, `graph.edgeCollection(…)`: save, vertex, edge, update, replace, remove", async () => {
  const graph = db.graph("social");
  const vertices = graph.vertexCollection("people");
  const edges = graph.edgeCollection("knows");
  await vertices.save({ _key: "x", n: 1 });
  await vertices.update("x", { m: 2 });
  assert.equal((await vertices.vertex("x")).m, 2);
  await edges.save({ _key: "e", _from: "people/x", _to: "people/ada" });
  await edges.update("e", { n: 1 });
  await edges.replace("e", { _from: "people/x", _to: "people/alan" });
  assert.equal((await edges.edge("e"))._to, "people/alan");
  await vertices.remove("x");
  assert.equal(await edges.edgeExists("e"), false);
});
data("graph_look", "`graph.get() / exists()`, `db.listGraphs()`", async () => {
  const graph = db.graph("social");
  assert.equal((await graph.get()).name, "social");
  assert.equal(await graph.exists(), true);
  assert.ok((await db.listGraphs()).some(({ name }) => name === "social"));
});
data("graph_collections", "`graph.listVertexCollections() / listEdgeCollections()`", async () => {
  const graph = db.graph("social");
  assert.deepEqual(await graph.listVertexCollections(), ["people"]);
  assert.deepEqual(await graph.listEdgeCollections(), ["knows"]);
});

definitions("databases", "`db.createDatabase / listDatabases / listUserDatabases / dropDatabase`", async () => {
  const system = connect(ENDPOINT, "_system");
  await system.createDatabase("made_js", { users: [{ username: USER }] });
  assert.ok((await system.listDatabases()).includes("made_js"));
  assert.ok((await system.listUserDatabases()).includes("made_js"));
  assert.equal(await system.dropDatabase("made_js"), true);
  assert.equal(await connect(ENDPOINT, "made_js").exists(), false);
  system.close();
});
definitions("collections", "`collection.create / properties(…) / rename / drop`, `ensureIndex`, `dropIndex`", async () => {
  const made = db.collection("made_js");
  await made.create({ waitForSync: true });
  assert.equal((await made.properties({ waitForSync: false })).waitForSync, false);
  const index = await made.ensureIndex({ type: "persistent", fields: ["n"], unique: true });
  await made.save({ n: 1 });
  await fails(made.save({ n: 1 }), 1210, 409);
  await made.dropIndex(index.id);
  await made.rename("renamed_js");
  await made.drop();
  assert.equal(await db.collection("renamed_js").exists(), false);
});
definitions("graphs", "`graph.create / addVertexCollection / addEdgeDefinition / replaceEdgeDefinition / removeEdgeDefinition / removeVertexCollection / drop`", async () => {
  const graph = db.graph("made_js");
  await graph.create([{ collection: "edges_js", from: ["people"], to: ["people"] }]);
  await graph.addVertexCollection("orphans_js");
  await graph.addEdgeDefinition({ collection: "edges2_js", from: "people", to: "orphans_js" });
  await graph.replaceEdgeDefinition("edges2_js", { collection: "edges2_js", from: ["orphans_js"], to: ["people"] });
  await graph.removeEdgeDefinition("edges2_js", true);
  await graph.removeVertexCollection("orphans_js", true);
  await graph.drop();
  await db.collection("edges_js").drop();
  assert.equal(await graph.exists(), false);
});
definitions("views", "`db.createView`, `view.properties / updateProperties / replaceProperties / rename / drop`, `db.listViews()`", async () => {
  const view = await db.createView("made_js", { type: "arangosearch", links: { people: { includeAllFields: true } } });
  await view.updateProperties({ links: { places: {} } });
  assert.equal(Object.keys((await view.properties()).links).length, 2);
  await view.replaceProperties({ links: { people: {} } });
  assert.equal((await db.listViews())[0].name, "made_js");
  await view.drop();
  assert.equal(await db.view("made_js").exists(), false);
});
definitions("users", "`db.createUser / getUser / updateUser / replaceUser / setUserAccessLevel / getUserAccessLevel / getUserDatabases / clearUserAccessLevel / removeUser`", async () => {
  await db.createUser("made_js", "pw");
  assert.equal((await db.getUser("made_js")).active, true);
  await db.updateUser("made_js", { active: false });
  await db.replaceUser("made_js", { passwd: "other" });
  await db.setUserAccessLevel("made_js", { database: DATABASE }, "ro");
  assert.equal(await db.getUserAccessLevel("made_js", { database: DATABASE }), "ro");
  assert.equal((await db.getUserDatabases("made_js"))[DATABASE], "ro");
  await db.clearUserAccessLevel("made_js", { database: DATABASE });
  await db.removeUser("made_js");
  await fails(db.getUser("made_js"), 1703, 404);
});
definitions("analyzers", "`analyzer.create / get / exists / drop`, `db.listAnalyzers()`", async () => {
  const analyzer = db.analyzer("made_js");
  await analyzer.create({ type: "identity" });
  assert.equal((await analyzer.get()).type, "identity");
  assert.ok((await db.listAnalyzers()).length > 1);
  await analyzer.drop();
  assert.equal(await analyzer.exists(), false);
});
definitions("server", "`db.status()`, `db.engine()`, `db.availability()`", async () => {
  assert.ok((await db.status()).version);
  assert.equal((await db.engine()).name, "rocksdb");
  assert.equal(await db.availability(), "default");
});
