import { expect, test } from "vitest";
import type { z } from "../../src/lib/zod.ts";
import { formats } from "../../src/test-reports/formats/format.ts";
import type { Branch } from "../../src/test-reports/formats/json/rows.ts";

// A report has a million rows. For each value, a transform makes a function that keeps the one before it in memory until the next
// full garbage collection: most of what a row was made of survived, and the memory for new objects doubled twice.

function kindsIn(part: z.ZodType | Branch, seen = new Set<object>()): string[] {
  if (seen.has(part)) return [];
  seen.add(part);
  if ("header" in part) return [part.header, ...Object.values(part.rows)].flatMap((inner) => kindsIn(inner, seen));
  const inside = Object.values(part.def).flatMap((value: unknown) =>
    Array.isArray(value)
      ? value
      : typeof value === "object" && value !== null && !isSchema(value)
        ? Object.values(value)
        : [value],
  );
  return [part.def.type, ...inside.flatMap((value) => (isSchema(value) ? kindsIn(value, seen) : []))];
}

function isSchema(value: unknown): value is z.ZodType {
  return typeof value === "object" && value !== null && "_zod" in value && "def" in value;
}

const rowFormats = formats.filter((format) => format.syntax === "json-rows");

test.each(rowFormats.map((format) => [format.writers.join(), format.branch] as const))(
  "%s: no row has a transform",
  (_name, branch) => {
    const kinds = kindsIn(branch);
    expect(kinds).toEqual(expect.arrayContaining(["object", "unknown"]));
    expect(kinds).not.toContain("transform");
  },
);
