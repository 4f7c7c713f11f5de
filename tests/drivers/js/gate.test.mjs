// What a gate adds, as arangojs shows it. Runs through a gate only.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Database } from "arangojs";

const connect = (url) =>
  new Database({
    url,
    databaseName: process.env.MALLKU_TEST_DATABASE ?? "drivers",
    auth: { username: process.env.MALLKU_TEST_USER ?? "root", password: process.env.MALLKU_TEST_PASSWORD ?? "" },
  });

if (process.env.MALLKU_TEST_THROUGH_GATE) {
  const setup = connect(process.env.MALLKU_TEST_SETUP);
  const db = connect(process.env.MALLKU_TEST_ENDPOINT);

  before(async () => {
    const notes = setup.collection("notes");
    if (!(await notes.exists())) await notes.create();
    await notes.truncate();
    await notes.save({ _key: "a", title: "A", secret: "s" });
  });

  after(() => {
    setup.close();
    db.close();
  });

  const denied = (promise, ...words) =>
    assert.rejects(promise, (error) => {
      assert.equal(error.name, "ArangoError");
      assert.deepEqual([error.code, error.errorNum], [403, 11]);
      for (const word of words) assert.ok(error.message.includes(word), error.message);
      return true;
    });

  test("a denied query raises ArangoError with the reason", () =>
    denied(db.query("FOR n IN notes RETURN n.secret"), "attribute-hidden", "secret"));
  test("so does a document that breaks the schema", () =>
    denied(db.collection("notes").save({ title: 1 }), "document-invalid"));
  test("a document arrives without what is hidden", async () => {
    assert.deepEqual(Object.keys(await db.collection("notes").document("a")).sort(), ["_id", "_key", "_rev", "title"]);
  });
}
