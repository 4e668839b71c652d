import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readZip, writeZip, type ZipFile } from "../../src/github/zip.ts";

const part = fc.stringMatching(/^[A-Za-z0-9_äß日-]{1,12}(\.[a-z]{1,4})?$/);
const name = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const content = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.integer({ min: 0, max: 5000 }).map((size) => new Uint8Array(size)),
);
const files = fc
  .uniqueArray(fc.record({ name, content: content.map((bytes) => Buffer.from(bytes)) }), {
    selector: (file) => file.name,
    maxLength: 6,
  })
  // A file and a folder of the same name cannot both be unpacked.
  .filter((all) => !all.some((file) => all.some((other) => other.name.startsWith(`${file.name}/`))));

const hello: ZipFile[] = [{ name: "aa/hello", content: Buffer.from("hello, hello, hello, hello, hello") }];

describe("a ZIP archive of ours", () => {
  test("gives back every file, whatever its name and bytes", () => {
    fc.assert(
      fc.property(files, (all) => {
        expect(readZip(writeZip(all))).toEqual(all);
      }),
    );
  });

  test("with any one byte changed is refused, or still gives back the same files", () => {
    const change = fc.record({ all: files, where: fc.nat(), mask: fc.integer({ min: 1, max: 255 }) });
    fc.assert(
      fc.property(change, ({ all, where, mask }) => {
        const archive = writeZip(all);
        const position = where % archive.length;
        archive.writeUInt8(archive.readUInt8(position) ^ mask, position);
        let read: ZipFile[];
        try {
          read = readZip(archive);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          return;
        }
        // Only metadata (times, versions) may change without being detected.
        expect(read).toEqual(all);
      }),
      { numRuns: 1000 },
    );
  });

  test("with a name shortened to a folder's in the directory is refused", () => {
    const archive = writeZip([{ name: "folder/file", content: Buffer.from("hello") }]);
    const directory = archive.readUInt32LE(archive.length - 22 + 16);
    archive.writeUInt16LE("folder/".length, directory + 28);
    expect(() => readZip(archive)).toThrow("its directory is broken");
  });

  test("with a name that was changed to a folder's in the directory is refused", () => {
    const archive = writeZip([{ name: "folder-file", content: Buffer.from("hello") }]);
    archive.writeUInt8("/".charCodeAt(0), archive.length - 22 - 1);
    expect(() => readZip(archive)).toThrow("has another name where the ZIP directory points");
  });

  test("that was truncated is refused at every length", () => {
    const archive = writeZip(hello);
    for (let length = 0; length < archive.length; length++) expect(() => readZip(archive.subarray(0, length))).toThrow();
  });

  test("has the same bytes whenever it is created", () => {
    expect(writeZip(hello).equals(writeZip(hello))).toBe(true);
  });
});

describe("harmful archives are refused", () => {
  const unsafe = ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "C:/x", "a\\..\\x", "a\0b", "a\nb"];

  test.each(unsafe)("the name %j, when writing", (bad) => {
    expect(() => writeZip([{ name: bad, content: Buffer.alloc(0) }])).toThrow("not a safe name");
  });

  test.each(["../xhell", "/etc/pas", "aa/../..", "aa\\ello1", "C:/hello"])("the name %j, in an archive made elsewhere", (bad) => {
    const archive = writeZip(hello);
    const text = archive.toString("latin1").replaceAll("aa/hello", bad);
    expect(() => readZip(Buffer.from(text, "latin1"))).toThrow("not a safe name");
  });

  test("a name that occurs twice", () => {
    expect(() => writeZip([...hello, ...hello])).toThrow("stands twice");
  });

  test("more files or bytes than allowed, before anything is unpacked", () => {
    const archive = writeZip([...hello, { name: "zeros", content: Buffer.alloc(100_000) }]);
    expect(() => readZip(archive, { files: 1, bytes: 1_000_000 })).toThrow("2 files; at most 1");
    expect(() => readZip(archive, { files: 9, bytes: 99_999 })).toThrow("at most 99999");
  });

  test("a zip bomb: a file that unpacks to more than it declares", () => {
    const archive = writeZip([{ name: "zeros", content: Buffer.alloc(10_000_000) }]);
    const directory = archive.readUInt32LE(archive.length - 6);
    archive.writeUInt32LE(10, directory + 24);
    expect(() => readZip(archive)).toThrow("does not unpack to the 10 bytes");
  });

  test("an encrypted file, and an unknown compression method", () => {
    const directory = (archive: Buffer) => archive.readUInt32LE(archive.length - 6);
    const encrypted = writeZip(hello);
    encrypted.writeUInt16LE(1, directory(encrypted) + 8);
    expect(() => readZip(encrypted)).toThrow("encrypted");
    const bzip2 = writeZip(hello);
    bzip2.writeUInt16LE(12, directory(bzip2) + 10);
    expect(() => readZip(bzip2)).toThrow("method 12");
  });
});

function isHere(program: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** Other tools verify the format, because our reader and writer could share a mistake. */
describe("agrees with other programs", () => {
  const sample: ZipFile[] = [
    { name: "reports/preflight.json", content: Buffer.from(`{"text":"${"wörter ".repeat(500)}"}`) },
    { name: "Übersicht.md", content: Buffer.from("# short\n") },
    { name: "empty", content: Buffer.alloc(0) },
  ];
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "env-actions-zip-"));
    for (const file of sample) {
      mkdirSync(dirname(join(directory, file.name)), { recursive: true });
      writeFileSync(join(directory, file.name), file.content);
    }
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const run = (program: string, ...args: string[]) => execFileSync(program, args, { cwd: directory, encoding: "utf8" });
  const byName = (files: ZipFile[]) => Object.fromEntries(files.map((file) => [file.name, file.content.toString("utf8")]));

  test("python reads ours, and we read python's", (context) => {
    if (!isHere("python3")) return context.skip("python3 is not on the PATH");
    writeFileSync(join(directory, "ours.zip"), writeZip(sample));
    run("python3", "-m", "zipfile", "-e", "ours.zip", "from-ours");
    for (const file of sample) expect(readFileSync(join(directory, "from-ours", file.name)).equals(file.content)).toBe(true);

    run("python3", "-m", "zipfile", "-c", "theirs.zip", "reports", "Übersicht.md", "empty");
    expect(byName(readZip(readFileSync(join(directory, "theirs.zip"))))).toEqual(byName(sample));
  });

  test("unzip finds no errors in ours", (context) => {
    if (!isHere("unzip")) return context.skip("unzip is not on the PATH");
    writeFileSync(join(directory, "tested.zip"), writeZip(sample));
    expect(run("unzip", "-t", "tested.zip")).toContain("No errors detected");
  });
});
