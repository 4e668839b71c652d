import { describe, expect, it } from "vitest";
import { checkVariables } from "../../src/checks/variables/check.ts";
import { runOnce } from "./run-once.ts";

const now = Date.parse("2026-11-28T12:00:00Z");
const tokenUntil = (time: string) =>
  ["header", Buffer.from(JSON.stringify({ exp: Date.parse(time) / 1000 })).toString("base64url"), "signature"].join(".");

const endless = (exp: number) => `e30.${Buffer.from(JSON.stringify({ exp })).toString("base64url")}.signature`;

describe("a variable", () => {
  it.each([
    ["that is there", "A", "8f3a-something-random", "passed", ""],
    ["that is missing", "A", undefined, "failed", "missing: A"],
    ["of blanks", "A", "  ", "failed", "missing: A"],
    ["that is a known default", "A", "ChangeMe", "failed", "A is a well-known default"],
    ["that is a known token", "A", "dapi-test", "failed", "A is a well-known default"],
    ["whose password is a known default", "A", "redis://user:secret@redis.internal:6379", "failed", "well-known default"],
    ["that is its own name", "MY_TOKEN", "MY_TOKEN", "failed", "well-known default"],
    ["that nobody filled in", "A", "<your token>", "failed", "is a placeholder"],
    ["that was not expanded", "A", "${{ secrets.A }}", "failed", "is a placeholder"],
    ["that was not expanded by a shell", "A", "$MY_TOKEN", "failed", "is a placeholder"],
    ["that was not expanded by a template", "A", "${HOST}:3000", "failed", "is a placeholder"],
    ["that is a hash", "A", "$2b$12$C6UzMDM.H6dfI/f/IKcEeO3Q8sM6V1y0sJ4l5bq2sJ4l5bq2sJ4l5", "passed", ""],
    ["that is another hash", "A", "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", "passed", ""],
    ["whose password has a bare %", "A", "redis://app:100%secure@redis.internal:6379", "passed", ""],
    ["of the right form", { name: "A", matches: "dapi[0-9a-f]+" }, "dapi0f", "passed", ""],
    ["of the wrong form", { name: "A", matches: "dapi[0-9a-f]+" }, "x-dapi0f", "failed", "A is not well-formed"],
    ["that is too short", { name: "A", minimumLength: 16 }, "tooshort", "failed", "fewer than 16 characters"],
    ["that is a living token", { name: "A", validFor: 3_600_000 }, tokenUntil("2026-11-28T14:00:00Z"), "passed", ""],
    [
      "that is a token near its end",
      { name: "A", validFor: 3_600_000 },
      tokenUntil("2026-11-28T12:30:00Z"),
      "degraded",
      "expires at 2026-11-28 12:30 UTC",
    ],
    ["that is a token of yesterday", "A", tokenUntil("2026-11-27T12:00:00Z"), "failed", "expired at 2026-11-27 12:00 UTC"],
    ["that is a token without a believable end", "A", endless(1e20), "passed", ""],
    ["that has dots and is no token", "A", "adb-77.7.azuredatabricks.net", "passed", ""],
  ])("%s", async (_, variable, value, verdict, observed) => {
    const check = await checkVariables(runOnce, [variable], { A: value, MY_TOKEN: value }, {}, now);
    expect(check.verdict).toBe(verdict);
    expect(check.observed).toContain(observed);
    // Neither what is right nor what is wrong is ever shown.
    if (value !== undefined && value.trim() !== "" && value !== "MY_TOKEN") expect(JSON.stringify(check)).not.toContain(value);
  });

  it("ends of tokens are reported by name, without their values", async () => {
    const [far, over] = [tokenUntil("2031-05-01T00:00:00Z"), tokenUntil("2026-01-01T00:00:00Z")];
    const env = { FAR: far, PLAIN: "a-value-of-no-token", ENDLESS: endless(1e20) };
    const variables = ["FAR", "PLAIN", "ENDLESS", "GONE"];
    const check = await checkVariables(runOnce, variables, env, { "the environment's token": over }, now);
    expect(check.expires).toEqual([
      { what: "token", name: "FAR", at: "2031-05-01T00:00:00.000Z" },
      { what: "token", name: "the environment's token", at: "2026-01-01T00:00:00.000Z" },
    ]);
    for (const value of [...Object.values(env), over]) expect(JSON.stringify(check)).not.toContain(value);
    expect(await checkVariables(runOnce, ["PLAIN"], env, {}, now)).not.toHaveProperty("expires");
  });

  it.each([
    ["NODE_ENV", "test", "passed"],
    ["DATABRICKS_CATALOG", "default", "passed"],
    ["REDIS_USERNAME", "admin", "passed"],
    ["NODE_ENV", "changeme", "failed"],
    ["TEST_ENV_SECRET", "test", "failed"],
    ["DATABASE_PASSWORD", "root", "failed"],
  ])("%s with a common word: %s", async (name, value, verdict) => {
    expect((await checkVariables(runOnce, [name], { [name]: value }, {}, now)).verdict).toBe(verdict);
  });

  it("all problems are reported at once with the fix", async () => {
    const check = await checkVariables(
      runOnce,
      ["GONE", "WEAK"],
      { WEAK: "test" },
      { "the environment's token": tokenUntil("2026-01-01T00:00:00Z") },
      now,
    );
    expect(check).toMatchObject({
      verdict: "failed",
      observed: "missing: GONE; WEAK is a well-known default; the environment's token expired at 2026-01-01 00:00 UTC",
      message: expect.stringMatching(/^Set GONE: .*Anyone can guess WEAK.*Renew the environment's token\.$/),
    });
  });
});
