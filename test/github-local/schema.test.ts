import { describe, expect, test } from "vitest";
import { everySchema } from "../../local/github/description.ts";
import { misfits, type Schema } from "../../local/github/schema.ts";

/** zod means something else than GitHub by a default, by an object without `type` and by an address; a mistake would pass unseen. */

const object = { type: "object", properties: { a: { type: "string" } } };

const cases: [string, Schema, fits: unknown[], not: unknown[]][] = [
  [
    "a default does not stand in for what is required",
    { ...object, required: ["a"], properties: { a: { type: "string", default: "x" } } },
    [{ a: "" }],
    [{}],
  ],
  [
    "an object need not say that it is one",
    { properties: { a: { type: "string" } }, required: ["a"] },
    [{ a: "" }],
    [{}, { a: 1 }, 7],
  ],
  ["what is required need not be described", { ...object, required: ["b"] }, [{ b: 1 }, { b: null }], [{}, { a: "" }]],
  [
    "one of several may be required",
    { ...object, anyOf: [{ required: ["a"] }, { required: ["b"] }] },
    [{ a: "" }, { b: 1 }],
    [{}],
  ],
  ["an address may be empty", { type: "string", format: "uri" }, ["", "https://github.com/a{/b}"], ["a b", "github.com", null]],
  ["null only where it is allowed", { type: "string", nullable: true }, [null, ""], [1, undefined]],
  ["a time has one format", { type: "string", format: "date-time" }, ["2026-11-23T12:00:00Z"], ["2026-11-23", "", "noon"]],
  [
    "a property may be called like a keyword",
    { type: "object", properties: { default: { type: "string" } } },
    [{ default: "x" }],
    [{ default: 1 }],
  ],
];

describe("a value is held against a schema as GitHub means it", () => {
  test.each(cases)("%s", (_, schema, fits, not) => {
    for (const value of fits) expect(misfits(value, schema, "value")).toEqual([]);
    for (const value of not) expect(misfits(value, schema, "value"), JSON.stringify(value)).not.toEqual([]);
  });

  test("a misfit names its place", () => {
    expect(
      misfits({ list: [{ a: 1 }] }, { type: "object", properties: { list: { type: "array", items: object } } }, "body"),
    ).toEqual([expect.stringMatching(/^body\.list\.0\.a: .*string/)]);
  });
});

test("every schema of the description is understood: none would fail only when it is first needed", () => {
  const schemas = everySchema();
  expect(schemas.length).toBeGreaterThan(200);
  // No schema of GitHub's takes a function, so a schema that lets one pass lets everything pass.
  const open = schemas.filter(({ schema }) => misfits(() => 0, schema, "value").length === 0);
  expect(open.map(({ place }) => place)).toEqual([]);
});
