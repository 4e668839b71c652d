import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** The id of a folder's tree, as git computes it for a commit with the same files. It neither starts git nor needs a clone. */
export function treeId(folder: string): string {
  const entries = readdirSync(folder, { withFileTypes: true }).map((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return { mode: "40000", name: entry.name, order: `${entry.name}/`, id: treeId(path) };
    if (!entry.isFile()) throw new Error(`${path} is no plain file`);
    const mode = statSync(path).mode & 0o100 ? "100755" : "100644";
    return { mode, name: entry.name, order: entry.name, id: objectId("blob", readFileSync(path)) };
  });
  // git sorts by bytes, and a folder as if its name ended with a slash.
  entries.sort((a, b) => Buffer.compare(Buffer.from(a.order), Buffer.from(b.order)));
  const parts = entries.flatMap(({ mode, name, id }) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(id, "hex")]);
  return objectId("tree", Buffer.concat(parts));
}

function objectId(kind: "blob" | "tree", content: Buffer): string {
  return createHash("sha1").update(`${kind} ${content.length}\0`).update(content).digest("hex");
}
