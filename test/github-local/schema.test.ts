import { describe, expect, test } from "vitest";
import { everySchema } from "../../local/github/description.ts";
import { misfits, type Schema } from "../../local/github/schema.ts";

/** zod and GitHub differ on defaults, on objects without `type` and on addresses. Without these tests, a wrong value could pass. */

const object = { type: "object", properties: { a: { type: "string" } } };

const cases: [string, Schema, fits: unknown[], not: unknown[]][] = [
  [
    "a required property with a default is still required",
    { ...object, required: ["a"], properties: { a: { type: "string", default: "x" } } },
    [{ a: "" }],
    [{}],
  ],
  [
    "an object may leave out its type",
    { properties: { a: { type: "string" } }, required: ["a"] },
    [{ a: "" }],
    [{}, { a: 1 }, 7],
  ],
  ["a required property may have no description", { ...object, required: ["b"] }, [{ b: 1 }, { b: null }], [{}, { a: "" }]],
  [
    "anyOf may require one of several properties",
    { ...object, anyOf: [{ required: ["a"] }, { required: ["b"] }] },
    [{ a: "" }, { b: 1 }],
    [{}],
  ],
  ["an address may be empty", { type: "string", format: "uri" }, ["", "https://github.com/a{/b}"], ["a b", "github.com", null]],
  ["null is valid only where it is allowed", { type: "string", nullable: true }, [null, ""], [1, undefined]],
  [
    "a time is valid in one format only",
    { type: "string", format: "date-time" },
    ["2026-11-23T12:00:00Z"],
    ["2026-11-23", "", "noon"],
  ],
  [
    "a property may have the name of a keyword",
    { type: "object", properties: { default: { type: "string" } } },
    [{ default: "x" }],
    [{ default: 1 }],
  ],
];

describe("values are checked against a schema as GitHub means it", () => {
  test.each(cases)("%s", (_, schema, fits, not) => {
    for (const value of fits) expect(misfits(value, schema, "value")).toEqual([]);
    for (const value of not) expect(misfits(value, schema, "value"), JSON.stringify(value)).not.toEqual([]);
  });

  test("an error names the place of the wrong value", () => {
    expect(
      misfits({ list: [{ a: 1 }] }, { type: "object", properties: { list: { type: "array", items: object } } }, "body"),
    ).toEqual([expect.stringMatching(/^body\.list\.0\.a: .*string/)]);
  });
});

test("every schema of GitHub's description is converted, and none accepts everything", () => {
  const schemas = everySchema();
  expect(schemas.length).toBeGreaterThan(200);
  // No schema of GitHub accepts a function. One that does would accept everything.
  const open = schemas.filter(({ schema }) => misfits(() => 0, schema, "value").length === 0);
  expect(open.map(({ place }) => place)).toEqual([]);
});
