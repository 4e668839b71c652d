import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { samples, writtenFor } from "../init/repositories.ts";
import { minimal } from "./file.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("the published schema", () => {
  const read = async (): Promise<Record<string, unknown>> =>
    JSON.parse(await readFile(join(root, "schema/config.schema.json"), "utf8"));
  const accepts = async (file: string): Promise<boolean> => z.fromJSONSchema(await read()).safeParse(parse(file)).success;

  test("is draft 7, which editors support", async () => {
    expect(await read()).toMatchObject({
      $schema: "http://json-schema.org/draft-07/schema#",
      type: "object",
      additionalProperties: false,
    });
  });

  test("describes every key of a group, because editors show the description", async () => {
    const undescribed: string[] = [];
    const walk = (schema: unknown, path: string): void => {
      if (typeof schema !== "object" || schema === null) return;
      for (const [name, property] of Object.entries("properties" in schema ? (schema.properties as object) : {})) {
        if (!("description" in property)) undescribed.push(`${path}.${name}`);
        walk(property, `${path}.${name}`);
      }
      if ("items" in schema) walk(schema.items, `${path}[]`);
      if ("additionalProperties" in schema) walk(schema.additionalProperties, `${path}.*`);
    };
    walk(await read(), "");
    expect(undescribed).toEqual([]);
  });

  test.each([
    ...Object.entries(samples).map(([name, sample]) => [`what init writes for ${name}`, writtenFor(sample).configuration]),
    ["the smallest", minimal()],
    [
      "variables in place of times, addresses and choices",
      minimal({ inside: 'api: { url: "${U}" }', below: "testData:\n  expireAfter: ${AGE}" }),
    ],
  ])("accepts %s", async (_, file) => {
    expect(await accepts(file)).toBe(true);
  });

  test.each([
    ["an unknown key", minimal({ inside: "colour: red" })],
    ["a wrong unit", minimal({ below: "testData:\n  expireAfter: 2 hours" })],
    ["a wrong word", minimal().replace("read-only", "readonly")],
    ["a literal secret", minimal({ inside: "token: dapi0123456789" })],
    ["a name in capitals", minimal().replace("sandbox", "Sandbox")],
  ])("refuses %s", async (_, file) => {
    expect(await accepts(file)).toBe(false);
  });
});
