import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { layOut } from "../../scripts/lay-out.ts";

const repository = join(import.meta.dirname, "../..");

/** Any full SHA: the portable line names the commit that holds the core, and act takes our folder for it. */
const coreSha = "0123456789abcdef0123456789abcdef01234567";

/** A folder of the repository's shape whose bundle only runs `module`. */
export function sourceWithBundle(directory: string, module: string): string {
  for (const name of [
    "action.yml",
    "actions",
    "schema",
    "LICENSE",
    "README.md",
    "package.json",
    ".github/workflows/quality-gate.yml",
  ])
    cpSync(join(repository, name), join(directory, name), { recursive: true });
  mkdirSync(join(directory, "dist"));
  writeFileSync(join(directory, "dist", "package.json"), '{"type":"module"}');
  writeFileSync(join(directory, "dist", "index.js"), `import ${JSON.stringify(module)};\n`);
  return directory;
}

/** Publishes `from` (this repository if left out) into `out`. @returns what act is to find under which name. */
export function publishForAct(out: string, from = repository): Record<string, string> {
  layOut({ from, out, portableSha: coreSha });
  return { "classwaves/env-actions@v1": out, [`classwaves/env-actions@${coreSha}`]: out };
}
