import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { archiveSize, largestArchive, layOut } from "../../scripts/lay-out.ts";
import { actionNames } from "../../src/action/interface.ts";
import { sourceWithBundle } from "../actions/published.ts";

/** What users download and pin: a mistake here reaches all of them, and none of our other tests sees the published tree. */

let scratch: string;
let source: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "env-actions-release-test-"));
  source = sourceWithBundle(join(scratch, "source"), "node:fs");
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const workflow = ".github/workflows/quality-gate.yml";
const read = (...path: string[]) => readFileSync(join(...path), "utf8");

describe("the published tree", () => {
  test("contains the actions, the bundle and nothing else", () => {
    writeFileSync(join(source, "secret.txt"), "not for users");
    mkdirSync(join(source, "src"));
    const out = join(scratch, "out");
    layOut({ from: source, out });
    expect(readdirSync(out).sort()).toEqual(
      [...actionNames, ".github", "LICENSE", "README.md", "action.yml", "actions", "dist", "package.json", "schema"].sort(),
    );
    // Anything else there would run, or be called, on the release's branch.
    expect(readdirSync(join(out, ".github"), { recursive: true })).toEqual(["workflows", "workflows/quality-gate.yml"]);
  });

  test("has the reusable workflow exactly as main has it: a job's token may not push another one", () => {
    const repository = join(import.meta.dirname, "../..");
    const out = join(scratch, "out");
    layOut({ from: repository, out });
    expect(read(out, workflow)).toBe(read(repository, workflow));
  });

  test("is a package without dependencies and install scripts, whose files all exist", () => {
    const repository = join(import.meta.dirname, "../..");
    const out = join(scratch, "out");
    layOut({ from: repository, out, version: "1.2.3" });
    const manifest = JSON.parse(read(out, "package.json"));
    expect(manifest).toMatchObject({ name: "@classwaves/env-actions", version: "1.2.3", type: "module" });
    for (const field of ["dependencies", "devDependencies", "workspaces", "scripts"]) expect(manifest).not.toHaveProperty(field);
    const files = JSON.stringify([manifest.bin, manifest.exports, manifest.typesVersions]).match(
      /[^"]*\.(?:[cm]?js|c?ts|json)(?=")/g,
    );
    expect(files).toEqual(expect.arrayContaining(["dist/index.js", "./dist/testkit/index.mjs", "./dist/testkit/index.d.cts"]));
    for (const file of files ?? []) expect(existsSync(join(out, file)), file).toBe(true);
  });

  test("has a README whose links all lead to its own files or the repository", () => {
    const repository = join(import.meta.dirname, "../..");
    const out = join(scratch, "out");
    layOut({ from: repository, out });
    const links = [...read(out, "README.md").matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    expect(links.length).toBeGreaterThan(20);
    const inRepository = "https://github.com/classwaves/env-actions/blob/main/";
    for (const link of links.filter((one) => !one.startsWith("#"))) {
      const file = link.replace(/#.*$/, "").replace(inRepository, "");
      if (/^[a-z]+:/.test(file)) continue;
      expect(existsSync(join(link.startsWith(inRepository) ? repository : out, file)), link).toBe(true);
    }
    expect(links).toContain("LICENSE");
    expect(links).toContain(`${inRepository}docs/books.md`);
  });

  test("has a working copy of each composite at the root", () => {
    const out = join(scratch, "out");
    layOut({ from: source, out });
    for (const stage of actionNames) {
      expect(lstatSync(join(out, stage)).isSymbolicLink()).toBe(false);
      expect(read(out, stage, "action.yml")).toBe(read(source, "actions", stage, "action.yml"));
      expect(read(out, stage, "action.yml")).toContain("uses: $/actions/core\n");
    }
  });

  test("names the core's commit in its portable form, and never `$/`", () => {
    const out = join(scratch, "out");
    const sha = "89abcdef0123456789abcdef0123456789abcdef";
    layOut({ from: source, out, portableSha: sha });
    for (const place of actionNames.flatMap((stage) => [stage, `actions/${stage}`])) {
      expect(read(out, place, "action.yml")).toContain(`uses: classwaves/env-actions/actions/core@${sha}\n`);
      expect(read(out, place, "action.yml")).not.toContain("$/");
    }
  });

  test("has the reusable workflow byte for byte, which only starts when it is called", () => {
    const out = join(scratch, "out");
    layOut({ from: source, out });
    expect(read(out, workflow)).toBe(read(source, workflow));
    expect(Object.keys(parse(read(out, workflow)).on)).toEqual(["workflow_call"]);
    const used = [...read(out, workflow).matchAll(/uses: \$\/(\S+)$/gm)].map(([, path = ""]) => path);
    expect(new Set(used)).toEqual(new Set(["preflight", "integration", "e2e", "gate"].map((name) => `actions/${name}`)));
    for (const path of used) expect(existsSync(join(out, path, "action.yml")), path).toBe(true);
  });

  test("names full commits in the portable form of the workflow, which act can run", () => {
    const out = join(scratch, "out");
    const sha = "89abcdef0123456789abcdef0123456789abcdef";
    layOut({ from: source, out, portableSha: sha });
    const text = read(out, workflow);
    expect(text).not.toMatch(/uses: \$\/|queue:/);
    expect(text).toContain(`uses: classwaves/env-actions/actions/gate@${sha}\n`);
    for (const [, ref] of text.matchAll(/^ *(?:- )?uses: \S+@(\S+)/gm)) expect(ref).toMatch(/^[0-9a-f]{40}$/);
    const { concurrency, ...rest } = parse(text);
    const { concurrency: own, ...sources } = parse(
      read(source, workflow).replaceAll(/\$\/(actions\/\w+)/g, `classwaves/env-actions/$1@${sha}`),
    );
    expect(rest).toEqual(sources);
    expect({ ...concurrency, queue: "max" }).toEqual(own);
  });

  test("is refused when a file is missing, the folder is not empty, or the SHA is short", () => {
    const out = join(scratch, "out");
    expect(() => layOut({ from: source, out, portableSha: "89abcde" })).toThrow("full commit SHA");
    expect(() => layOut({ from: source, out: source })).toThrow("not empty");
    rmSync(join(source, "dist"), { recursive: true });
    expect(() => layOut({ from: source, out })).toThrow("missing: dist");
  });

  test("is refused with a symbolic link, which a Windows runner can't unpack", () => {
    symlinkSync("index.js", join(source, "dist", "link.js"));
    expect(() => layOut({ from: source, out: join(scratch, "out") })).toThrow("dist/link.js is no plain file");
  });
});

test("this repository's published tree is within the size limit", (context) => {
  const repository = join(import.meta.dirname, "../..");
  if (!existsSync(join(repository, "dist"))) return context.skip("dist is not built");
  const out = join(scratch, "out");
  layOut({ from: repository, out });
  expect(archiveSize(out)).toBeLessThanOrEqual(largestArchive);
});
