import assert from "node:assert/strict";
import { test } from "node:test";
import { call, lend, newBook, newMember } from "./api.js";

/** They make books, members and loans, and don't clean up: that is the gate's job. */

test("a loan takes a copy, and its return gives it back", async () => {
  const [book, member] = [await newBook(2), await newMember()];
  const loan = await lend(book, member);
  assert.equal(loan.status, 201);
  assert.equal((await call("GET", `/books/${book}`)).body.available, 1);
  assert.equal((await call("POST", `/loans/${loan.body.id}/return`)).status, 204);
  assert.equal((await call("GET", `/books/${book}`)).body.available, 2);
});

test("the last copy is lent once", async () => {
  const [book, one, two] = [await newBook(), await newMember(), await newMember()];
  assert.equal((await lend(book, one)).status, 201);
  assert.equal((await lend(book, two)).status, 409);
});

test("a member's loans are those that were not returned", async () => {
  const member = await newMember();
  const [first, second] = [await lend(await newBook(), member), await lend(await newBook(), member)];
  await call("POST", `/loans/${first.body.id}/return`);
  assert.deepEqual(
    (await call("GET", `/members/${member}/loans`)).body.map(({ id }) => id),
    [second.body.id],
  );
});

test("nothing is returned twice", async () => {
  const loan = await lend(await newBook(), await newMember());
  await call("POST", `/loans/${loan.body.id}/return`);
  assert.equal((await call("POST", `/loans/${loan.body.id}/return`)).status, 409);
});

test("a loan needs a book and a member that exist", async () => {
  assert.equal((await lend(await newBook(), "nobody")).status, 404);
  assert.equal((await lend("nothing", await newMember())).status, 404);
  assert.equal((await lend()).status, 404);
});
