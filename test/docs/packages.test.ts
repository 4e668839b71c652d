import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { withoutText } from "../../scripts/licences.ts";
import { repository, textOf } from "./markdown.ts";

/** The packages that docs/bundle.md lists are those in the bundle, with the versions of the lock file. */

const licences = join(repository, "dist/licenses.txt");
const lines = existsSync(licences) ? readFileSync(licences, "utf8").split("\n") : [];

interface Locked {
  version?: string;
  license?: string;
  dev?: boolean;
}

const lock = JSON.parse(readFileSync(join(repository, "package-lock.json"), "utf8")) as { packages: Record<string, Locked> };

/** Name → all entries of the lock file, also of packages within packages. */
const locked = Map.groupBy(
  Object.entries(lock.packages).filter(([path]) => path.includes("node_modules/")),
  ([path]) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length),
);

/** An entry is the name of a package after an empty line, and below it a licence or nothing. */
function isEntry(index: number): boolean {
  const [before = "", name = "", below = ""] = [lines[index - 1], lines[index], lines[index + 1]];
  return before === "" && locked.has(name) && /^$|^SEE LICENSE|^(?:MIT|ISC|Apache-2\.0|0BSD|BSD-[23]-Clause)$/.test(below);
}

const bundled = lines.filter((_, index) => isEntry(index));

const table = new Map(
  [...textOf("docs/bundle.md").matchAll(/^\| `([^`]+)` \| ([\d., ]+) \| ([\w.-]+) \|$/gm)].map(
    ([, name = "", versions = "", licence = ""]) => [name, { versions: versions.split(", "), licence }],
  ),
);

test.skipIf(lines.length === 0)("the page lists exactly the packages in dist/licenses.txt", () => {
  expect(bundled.length).toBeGreaterThan(50);
  expect([...table.keys()].sort()).toEqual([...bundled].sort());
});

test.skipIf(lines.length === 0)("every bundled package has a licence and its text", () => {
  const hasText = (index: number) => {
    const next = lines.findIndex((_, later) => later > index && isEntry(later));
    return lines.slice(index + 2, next < 0 ? undefined : next).some((line) => line !== "");
  };
  const without = lines.filter((_, index) => isEntry(index) && (lines[index + 1] === "" || !hasText(index)));
  expect(without).toEqual([...withoutText]);
});

describe.each([...table])("%s", (name, { versions, licence }) => {
  const entries = (locked.get(name) ?? []).map(([, entry]) => entry);
  const used = entries.some(({ dev }) => !dev) ? entries.filter(({ dev }) => !dev) : entries;

  test("has the versions of the lock file", () => {
    expect(versions).toEqual([...new Set(used.map(({ version }) => version))].sort());
  });

  test("has the licence of the lock file", () => {
    const said = used.flatMap(({ license }) => (license === undefined || license.startsWith("SEE LICENSE") ? [] : [license]));
    expect(said.filter((one) => one !== licence)).toEqual([]);
  });
});
