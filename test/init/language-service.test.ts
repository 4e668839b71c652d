import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { layOut } from "../../scripts/lay-out.ts";
import { languageService } from "../harness/language-service.ts";

// GitHub's language service reads what init writes into other people's repositories, and what they call from there.

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "language-service-"));
execFileSync(process.execPath, [join(root, "scripts", "init-samples.ts"), join(folder, "samples")]);
layOut({ from: root, out: join(folder, "published") });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".yml"));

test("there are workflows of every kind, and the published actions", () => expect(files.length).toBeGreaterThan(50));

test("it finds nothing", async () => {
  const found: string[] = [];
  for (const file of files) {
    const path = file.replace(/^.*?(?=\.github\/|action\.yml$)/, "");
    for (const mistake of await languageService(path, readFileSync(join(folder, file), "utf8")))
      found.push(`${file}: ${mistake}`);
  }
  expect(found).toEqual([]);
}, 120_000);

test("it finds an input that the called gate does not have", async () => {
  const call = files.find((file) => file.includes("/call/") && file.endsWith("quality-gate.yml")) ?? "";
  const text = readFileSync(join(folder, call), "utf8").replace(/^( +)(with:)\n/m, "$1$2\n$1  enviroment: x\n");
  expect((await languageService(".github/workflows/x.yml", text)).join("\n")).toMatch(/enviroment/);
});
