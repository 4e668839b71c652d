import { expect, test } from "vitest";
import { blocks } from "../docs/markdown.ts";
import { readingProduction } from "./copy-world.ts";

/** The tests of drift, sync and preflight run with exactly the grants on production that the page shows, and with no other. */

test("the page grants what the tests of the tasks have, and the copy's catalog belongs to the principal", () => {
  const [{ text: sql = "" } = { text: "" }] = blocks("docs/guides/staging.md", "sql");
  const granted = [...sql.matchAll(/^GRANT (.+) ON CATALOG classwaves TO/gm)].flatMap(([, list = ""]) => list.split(", "));
  expect(granted.sort()).toEqual([...readingProduction].sort());
  expect(sql).toMatch(/^ALTER CATALOG classwaves_staging OWNER TO/m);
  expect(granted.filter((one) => /MODIFY|CREATE|MANAGE|ALL/.test(one))).toEqual([]);
});
