import { expect, test } from "vitest";
import { personalColumns } from "../../src/cleanup/plan/table-plans.ts";

test("addresses and names are checked in every text type", () => {
  for (const type of ["STRING", "VARCHAR", "VARCHAR(255)", "CHAR(40)"]) {
    const columns = new Map([
      ["email", type],
      ["full_name", type],
      ["title", type],
    ]);
    expect(personalColumns(columns, new Set(["full_name"])), type).toEqual([
      { column: "email", kind: "email" },
      { column: "full_name", kind: "name" },
    ]);
  }
  const others = new Map([
    ["email", "INT"],
    ["mail_sent", "TIMESTAMP"],
    ["emails", "ARRAY<STRING>"],
  ]);
  expect(personalColumns(others, new Set())).toEqual([]);
});
