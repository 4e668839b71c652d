import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";

const repository = join(import.meta.dirname, "..");
const folder = join(repository, ".cache", "fresh-bundle");
const dayMs = 86_400_000;

/**
 * Bundles the sources as they are now, if they changed since. Tests start them more than a hundred times; loading each file and each
 * package by itself would take a third of their time. No test depends on a built dist for that.
 * @returns the file to start
 */
export async function freshBundle(): Promise<string> {
  const place = join(folder, digestOf(["src", "package-lock.json", "test/fresh-bundle.ts"]));
  if (!existsSync(place)) await bundle(place);
  return join(place, "main.js");
}

function digestOf(paths: readonly string[]): string {
  const files = paths.flatMap((path) =>
    statSync(join(repository, path)).isFile()
      ? [path]
      : readdirSync(join(repository, path), { recursive: true, encoding: "utf8" }).map((name) => join(path, name)),
  );
  const hash = createHash("sha256");
  for (const file of files.sort()) {
    const { mtimeMs, size } = statSync(join(repository, file));
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return hash.digest("hex").slice(0, 20);
}

async function bundle(place: string): Promise<void> {
  removeOlder();
  const bundled = await rolldown({
    input: join(repository, "src", "main.ts"),
    platform: "node",
    // Optional packages that our code never reaches, as in scripts/build.ts.
    external: [/^@databricks\/databricks-sql-kernel-/, "lz4-napi"],
    logLevel: "silent",
  });
  // Another run of the tests may do the same at this moment.
  const workshop = mkdtempSync(`${place}-`);
  try {
    // Some packages are CommonJS and ask where they are.
    const banner = "const __dirname = import.meta.dirname, __filename = import.meta.filename;";
    await bundled.write({ dir: workshop, format: "esm", banner });
    renameSync(workshop, place);
  } catch (error) {
    rmSync(workshop, { recursive: true, force: true });
    if (!existsSync(place)) throw error;
  } finally {
    await bundled.close();
  }
}

/** Not those that other runs of the tests may use. */
function removeOlder(): void {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    const old = join(folder, name);
    if (Date.now() - statSync(old).mtimeMs > dayMs) rmSync(old, { recursive: true, force: true });
  }
}
