import fc from "fast-check";
import { expect, test } from "vitest";
import {
  branchName,
  type FoundPart,
  isExpired,
  markerComment,
  partsOfSchema,
  readMarker,
  runOfName,
  sqlText,
  whyNotOurs,
} from "../../../src/staging/branch/name.ts";
import { sharedTables, type TableSince } from "../../../src/staging/branch/shared.ts";
import { tokenize } from "../../../src/warehouse/statements.ts";

// What is dropped is decided by a name, a comment and an owner: each must be right, whatever else is written there.

const runId = fc
  .tuple(fc.integer({ min: 1_000_000_000_000, max: 9_999_999_999_999 }), fc.integer({ min: 0, max: 0xffffffff }))
  .map(([ms, random]) => `${ms}_${random.toString(16).padStart(8, "0")}`);
const name = fc.stringMatching(/^[a-z_][a-z0-9_-]{0,30}$/);
const marker = fc.record({
  of: name,
  runId,
  by: fc.string(),
  environment: name,
  endsBy: fc.integer({ min: 0, max: 9_999_999_999_999 }),
});

test("a name says its original and its run, and nothing else does", () => {
  fc.assert(
    fc.property(name, name, runId, (original, other, run) => {
      const branch = branchName(original, run);
      expect(runOfName(branch, original)).toBe(run);
      expect(partsOfSchema(branch)).toEqual({ schema: original, runId: run });
      expect(runOfName(original, original)).toBeUndefined();
      if (other !== original) expect(runOfName(branch, other)).toBeUndefined();
      // A branch of a branch is no branch of the original.
      expect(runOfName(branchName(branch, run), original)).toBeUndefined();
      expect(runOfName(`${branch}x`, original)).toBeUndefined();
    }),
  );
});

test("a comment is read as it was written, and is one text in SQL", () => {
  fc.assert(
    fc.property(marker, (written) => {
      const comment = markerComment(written);
      expect(readMarker(comment)).toEqual(written);
      const statement = `SELECT ${sqlText(comment.replaceAll("${", ""))}`;
      const tokens = tokenize(statement);
      expect(typeof tokens === "string" ? tokens : tokens.map(({ kind }) => kind)).toEqual(["word", "text"]);
    }),
  );
});

test("nothing but our own comment, owner and run makes a branch ours", () => {
  fc.assert(
    fc.property(marker, fc.string(), (written, noise) => {
      const place = { of: written.of, principal: "runner" };
      const part: FoundPart = {
        name: branchName(written.of, written.runId),
        runId: written.runId,
        owner: "runner",
        comment: markerComment(written),
        createdAt: 1,
      };
      expect(whyNotOurs(part, place)).toBeUndefined();
      expect(whyNotOurs({ ...part, owner: "runner2" }, place)).toMatch(/belongs to/);
      expect(whyNotOurs({ ...part, comment: noise }, place)).toMatch(/comment/);
      expect(whyNotOurs({ ...part, comment: markerComment({ ...written, runId: "1_a" }) }, place)).toMatch(/another run/);
      expect(whyNotOurs({ ...part, comment: markerComment({ ...written, of: `${written.of}x` }) }, place)).toMatch(/copy of/);
      expect(whyNotOurs({ ...part, name: written.of }, place)).toMatch(/own catalog/);
    }),
  );
});

test("a branch is old only by both clocks, and after its run has ended", () => {
  const started = 1_763_920_000_000;
  const part = (createdAt: number | undefined, endsBy: number): FoundPart => ({
    name: "x",
    runId: `${started}_00000000`,
    owner: "",
    comment: markerComment({ of: "cw", runId: "", by: "", environment: "", endsBy }),
    createdAt,
  });
  const at = (now: number) => ({ now: started + now, expireAfter: 100 });
  expect(isExpired(part(started, started + 50), at(101))).toBe(true);
  expect(isExpired(part(started, started + 50), at(100))).toBe(false);
  expect(isExpired(part(started + 10, started + 50), at(105))).toBe(false);
  expect(isExpired(part(started, started + 500), at(101))).toBe(false);
  expect(isExpired(part(undefined, started + 50), at(1_000))).toBe(false);
  expect(isExpired({ ...part(started, 0), comment: "" }, at(1_000))).toBe(false);
});

const table = (name: string, ...users: string[]): TableSince => ({
  table: name,
  from: 3,
  to: 3 + users.length,
  versions: users.map((user, index) => ({ version: 4 + index, user, operation: "WRITE" })),
});
const judged = (tables: TableSince[], principals: string[], mayBeOurs: string[] = [], unread: [string, string][] = []) =>
  sharedTables({ tables, principals, mayBeOurs: new Set(mayBeOurs), unread: new Map(unread) });

test("who wrote to a shared table decides whether the run touched it", () => {
  expect(judged([table("a"), table("b")], ["app"])).toMatchObject({ touched: { least: 0, most: 0 }, read: 2, writes: [] });
  expect(judged([table("a", "app"), table("b", "person")], ["app"])).toMatchObject({
    touched: { least: 1, most: 1 },
    versions: { from: 3, to: 4 },
    writes: [
      { table: "a", whose: "this run's" },
      { table: "b", whose: "somebody else's", users: ["person"] },
    ],
  });
  // A principal is the same however it is written.
  expect(judged([table("b", "App@School.test")], ["app@school.test"])).toMatchObject({ touched: { least: 1, most: 1 } });
  expect(judged([table("b", "A1-B2")], ["app"], ["a1-b2"])).toMatchObject({ touched: { least: 0, most: 1 } });
  // Nobody says who writes for the tests, so that it may be anybody.
  expect(judged([table("b", "person")], [])).toMatchObject({ touched: { least: 0, most: 1 } });
  // It wrote to the branch, so that it writes for the tests, too.
  expect(judged([table("b", "person")], ["app"], ["person"])).toMatchObject({ touched: { least: 0, most: 1 } });
  // What cannot be read is never 0.
  expect(judged([], ["app"], [], [["c", "denied"]])).toMatchObject({ touched: { least: 0, most: 1 }, unknown: ["c: denied"] });
  expect(
    sharedTables({ tables: [], principals: ["app"], mayBeOurs: new Set(), unread: new Map(), problem: "no list" }),
  ).toMatchObject({
    touched: { least: 0, most: null },
    unknown: ["no list"],
  });
});
