import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { meetsClaim } from "../../src/config/assertion.ts";
import { isRoute } from "../../src/config/routes.ts";
import { pattern, routeGlob, textGlob, whyNoPattern } from "../../src/lib/pattern.ts";
import { cpuMsOf } from "../harness/cpu-time.ts";
import { mistakes } from "./file.ts";

/** Servers and tests choose the texts that patterns and globs are matched with. No match may take more than a moment. */

/** A JavaScript regular expression would need minutes for these, or would never end. */
const momentMs = 2_000;
describe("patterns", () => {
  test.each([
    ["(a+)+$", `${"a".repeat(20_000)}!`],
    ["^(a|aa)+$", `${"a".repeat(20_000)}!`],
    ["(.*,){20}x", "a,".repeat(10_000)],
    ["([a-z]+)*\\d", "a".repeat(20_000)],
  ])("%s is fast with a text made to slow it down", (written, text) => {
    expect(cpuMsOf(() => expect(meetsClaim({ matches: written }, text)).toBe(false))).toBeLessThan(momentMs);
  });

  test("match the same as in JavaScript", () => {
    const pieces = [
      "a",
      "b",
      ".",
      "\\d",
      "[ab]",
      "[^a]",
      "(?:a|b)",
      "\\b",
      "^",
      "$",
      "\\.",
      "\\/",
      "\\u0041",
      "x*",
      "y+?",
      "z{1,2}",
      "\\s",
    ];
    const written = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(""));
    const text = fc.string({ unit: fc.constantFrom(..."abxyzA1. /"), maxLength: 12 });
    fc.assert(
      fc.property(written, text, (one, other) => pattern(one).test(other) === new RegExp(one).test(other)),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ["(?=a)b", /look-around .* is not supported.*write what must be there/],
    ["(?<!a)b", /look-around/],
    ["(a)\\1", /a back-reference .* is not supported.*write the repeated text out/],
    ["(?<n>a)\\k<n>", /a back-reference/],
    ["(", /RE2 syntax/],
  ])("%s is refused with its reason", (written, why) => expect(whyNoPattern(written)).toMatch(why));

  test("every key of the file that takes a pattern reports an invalid one", async () => {
    const file = `version: 1
environments:
  e:
    access: read-only
    variables: [{ name: A, matches: "(?=a)b" }]
    servers: { s: { command: x, ready: { log: "(a)\\\\1" } } }
    websocket: { url: "http://h.example", plain: [{ path: /p, message: "(?!x)" }] }
    api:
      url: http://h.example
      endpoints:
        - path: /x
          answerHeaders: [{ header: h, matches: "(?=a)" }]
          json: [{ path: $.a, matches: "(?=a)" }]
`;
    const found = (await mistakes(file)).map((line) => line.replace(/^c\.yml:\d+:\d+ +EA1030: /, ""));
    expect(found.map((line) => line.split(" ", 1)[0])).toEqual([
      "environments.e.variables[0].matches",
      "environments.e.servers.s.ready.log",
      "environments.e.websocket.plain[0].message",
      "environments.e.api.endpoints[0].answerHeaders[0].matches",
      "environments.e.api.endpoints[0].json[0].matches",
    ]);
    for (const line of found) expect(line).toMatch(/is not supported \(RE2 syntax\)/);
  });
});

describe("globs", () => {
  test("are fast with a text made to slow them down", () => {
    const stars = `${"*a".repeat(30)}*b`;
    expect(cpuMsOf(() => expect(textGlob(stars).test("a".repeat(5_000))).toBe(false))).toBeLessThan(momentMs);
    expect(cpuMsOf(() => expect(isRoute(`/${"a/".repeat(1_000)}`, [`${"**/a/".repeat(12)}b`])).toBe(false))).toBeLessThan(
      momentMs,
    );
  });

  test("match the same as an equivalent regular expression", () => {
    const text = fc.string({ unit: fc.constantFrom(..."ab/.\n["), maxLength: 10 });
    const written = fc
      .array(fc.constantFrom("a", "b", "*", "**", "?", "/", ".", "["), { maxLength: 7 })
      .map((parts) => parts.join(""));
    const escaped = (part: string) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, "\\$&");
    const spelt = (glob: string) =>
      glob
        .replace(/[.+^${}()|[\]\\]/g, "\\$&")
        .replace(/\*+/g, ".*")
        .replaceAll("?", ".");
    const route = (part: string) =>
      part === "**/" ? "(?:[^/]+/)*" : part === "**" ? "[^]*" : part === "*" ? "[^/]*" : escaped(part);
    fc.assert(
      fc.property(written, text, (glob, other) => {
        expect(textGlob(glob).test(other), `${glob} over ${other}`).toBe(new RegExp(`^${spelt(glob)}$`, "s").test(other));
        const expression = new RegExp(
          `^${glob
            .split(/(\*\*\/?|\*)/)
            .map(route)
            .join("")}$`,
          "s",
        );
        expect(routeGlob(glob).test(other), `route ${glob} over ${other}`).toBe(expression.test(other));
      }),
      { numRuns: 3_000 },
    );
  });

  test.each([
    ["+(+(a))b.xml", "without groups"],
    ["*a*a*a*a*.xml", "at most 3 stars"],
    ["**/a/**/b/**/c/**/d.xml", "** at most 3 times"],
  ])("of files are refused if slow: %s", async (written, why) => {
    const file = `version: 1\nenvironments: { e: { access: test-data } }\nstages: { integration: { command: x, reports: ["${written}"] } }\n`;
    expect(await mistakes(file)).toEqual([expect.stringContaining(why)]);
  });
});
