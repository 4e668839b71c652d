import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readZip } from "../../src/github/zip.ts";

const largest = { files: 10_000, bytes: 100_000_000 };

/** Unpacks a zip that git has made. It reads strictly: any damage is an error. */
export function unzip(archive: string, out: string): void {
  const bytes = readFileSync(archive);
  const executable = executablesIn(bytes);
  for (const { name, content } of readZip(bytes, largest)) {
    if (name.endsWith("/")) continue;
    mkdirSync(join(out, dirname(name)), { recursive: true });
    writeFileSync(join(out, name), content, { mode: executable.has(name) ? 0o755 : 0o644 });
  }
}

/** The names of files with the right to be started, from the zip's directory. */
function executablesIn(zip: Buffer): Set<string> {
  const end = zip.lastIndexOf(Buffer.from("PK\x05\x06"));
  const names = new Set<string>();
  let position = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const [name, extra, comment] = [28, 30, 32].map((offset) => zip.readUInt16LE(position + offset)) as [number, number, number];
    const mode = zip.readUInt32LE(position + 38) >>> 16;
    if (mode & 0o100) names.add(zip.toString("utf8", position + 46, position + 46 + name));
    position += 46 + name + extra + comment;
  }
  return names;
}
