import assert from "node:assert/strict";
import { test } from "node:test";
import { call, newBook, prefix } from "./api.js";

test("a book is found by its id", async () => {
  const { status, body } = await call("GET", `/books/${await newBook(3)}`);
  assert.equal(status, 200);
  assert.equal(body.copies, 3);
  assert.match(body.title, new RegExp(`^${prefix}`));
});

test("an unknown book is not", async () => {
  assert.equal((await call("GET", "/books/unknown")).status, 404);
});

test("a book needs a title and an author, and a member an address", async () => {
  assert.equal((await call("POST", "/books", { title: "Only a title" })).status, 400);
  assert.equal((await call("POST", "/members", { name: "Somebody", email: "nowhere" })).status, 400);
});

test("the health page has the time of the database", async () => {
  const { body } = await call("GET", "/health");
  assert.equal(body.status, "ok");
  assert.notEqual(body.databaseTime, null);
});
