import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { configJsonSchema } from "../src/config/json-schema.ts";

/**
 * Writes the JSON Schemas that editors use, from the code's own. With `--check` it writes nothing, and fails where a committed file
 * differs from what the code says.
 */
const generated: Record<string, () => unknown> = {
  "schema/config.schema.json": configJsonSchema,
};

const checkOnly = process.argv.includes("--check");
const root = new URL("../", import.meta.url);

for (const [path, make] of Object.entries(generated)) {
  const file = fileURLToPath(new URL(path, root));
  const wanted = `${JSON.stringify(make(), null, 2)}\n`;
  const present = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (present === wanted) continue;
  if (checkOnly) {
    console.error(`${path} is not what the code says: run \`node scripts/generate-schemas.ts\` and commit it`);
    process.exitCode = 1;
  } else {
    await writeFile(file, wanted);
    console.log(`${path} written`);
  }
}
