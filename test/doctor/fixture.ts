import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { examine } from "../../src/doctor/examine.ts";

/**
 * A fixture plants one mistake in a project. It is one text file with sections:
 *
 * - `@@ FILE` changes a file of `base`, the project without a mistake. `-` and `+` are lines to remove and to add, `=` a line
 *   that stays, from which on the next one is searched. The mended twin is `base` itself.
 * - `--- FILE` is a file of its own. `#! planted` and `#! mended` end lines that only one of the twins has.
 *
 * `#! here` ends the line at which the mistake must be found.
 */
export interface Fixture {
  name: string;
  code: string;
  planted: Files;
  mended: Files;
  /** `file:line` */
  here: string;
}

export type Files = Record<string, string>;

export const folder = join(import.meta.dirname, "..", "fixtures", "doctor");

export const base: Files = filesBelow(join(folder, "base"));

function filesBelow(path: string): Files {
  const found = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const names = found.map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(names.map((name) => [name.slice(path.length + 1).replaceAll("\\", "/"), readFileSync(name, "utf8")]));
}

const mark = /[ \t]*#!((?: (?:planted|mended|here))+)$/;

export function fixtures(): Fixture[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".txt"))
    .sort()
    .map(readFixture);
}

function readFixture(name: string): Fixture {
  const text = readFileSync(join(folder, name), "utf8");
  const fixture: Fixture = {
    name: name.replace(/\.txt$/, ""),
    code: name.slice(0, 5),
    planted: { ...base },
    mended: { ...base },
    here: "",
  };
  for (const section of text.split(/^(?=(?:@@|---) \S+$)/m).filter((part) => part.trim() !== "")) {
    const [heading = "", ...lines] = section.replace(/\n+$/, "").split("\n");
    const file = heading.slice(heading.indexOf(" ") + 1);
    const here = heading.startsWith("@@") ? change(fixture, file, lines) : write(fixture, file, lines);
    if (here !== undefined) fixture.here = `${file}:${here}`;
  }
  if (fixture.here === "") throw new Error(`${name} has no line with #! here`);
  return fixture;
}

function write(fixture: Fixture, file: string, lines: string[]): number | undefined {
  const marked = lines.map((line) => ({ text: line.replace(mark, ""), marks: mark.exec(line)?.[1] ?? "" }));
  const planted = marked.filter(({ marks }) => !marks.includes("mended"));
  const mended = marked.filter(({ marks }) => !marks.includes("planted"));
  // Either twin may lack the file.
  if (planted.length > 0) fixture.planted[file] = `${planted.map(({ text }) => text).join("\n")}\n`;
  else delete fixture.planted[file];
  if (mended.length > 0) fixture.mended[file] = `${mended.map(({ text }) => text).join("\n")}\n`;
  const here = planted.findIndex(({ marks }) => marks.includes("here"));
  return here < 0 ? undefined : here + 1;
}

function change(fixture: Fixture, file: string, edits: string[]): number | undefined {
  const lines = (fixture.planted[file] ?? "").split("\n");
  let at = 0;
  let here: number | undefined;
  for (const edit of edits.filter((line) => line !== "")) {
    const text = edit.slice(2).replace(mark, "");
    if (edit.startsWith("+")) lines.splice(at, 0, text);
    else {
      at = lines.indexOf(text, at);
      if (at < 0) throw new Error(`${fixture.name}: ${file} has no line ${text}`);
      if (edit.startsWith("-")) lines.splice(at, 1);
    }
    if (!edit.startsWith("-")) at += 1;
    if (mark.exec(edit)?.[1]?.includes("here")) here = at;
  }
  fixture.planted[file] = lines.join("\n");
  return here;
}

export async function examined(
  files: Files,
  run: typeof examine = examine,
  environment: Parameters<typeof examine>[1] = undefined,
) {
  const cwd = mkdtempSync(join(tmpdir(), "doctor-"));
  try {
    writeFiles(cwd, files);
    return await run({ cwd, configFile: ".github/env-actions.yml", env: {} }, environment);
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

export function writeFiles(cwd: string, files: Files): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, name)), { recursive: true });
    writeFileSync(join(cwd, name), text);
  }
}
