import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

// What the driver requires and nothing of ours uses is not shipped: loading its place must work, and using it must say what happened.
const folder = join(import.meta.dirname, "../../dist/left-out");
const files = readdirSync(folder).sort();

it("the stubs are those that docs/bundle.md names", () => {
  expect(files).toEqual(["isomorphic-ws.cjs", "open.cjs", "openid-client.cjs", "proxy-agent.cjs", "winston.cjs"]);
});

describe.each(files)("%s", (file) => {
  const standIn = createRequire(import.meta.url)(join(folder, file));
  const name = file.replace(".cjs", "");

  it("can be imported", () => {
    expect(standIn.__esModule).toBeUndefined();
    expect({ default: standIn }.default).toBe(standIn);
  });

  it.each([
    ["a member", () => standIn.Issuer],
    ["a call", () => standIn("https://example.com")],
    ["a construction", () => new standIn()],
  ])("%s throws an error with its name", (_, use) => {
    expect(use).toThrow(`${name} is not part of env-actions`);
  });
});
