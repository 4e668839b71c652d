import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { terminal } from "../../src/cli/main.ts";

/** Whatever is wrong, the terminal prints one code in front, and where to read on: an anchor that the page has. */

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "env-actions-codes-"));
  const write = (name: string, content: string) => writeFile(join(folder, name), content);
  await mkdir(join(folder, "directory"));
  await write("empty.yml", "");
  await write("latin.yml", "");
  await writeFile(join(folder, "latin.yml"), Buffer.from([0x61, 0xdf, 0x0a]));
  await write("tab.yml", "version: 1\n\tenvironments: {}\n");
  await write("twice.yml", "version: 1\nversion: 1\nenvironments: {}\n");
  await write("key.yml", "version: 1\nenvironments:\n  one:\n    access: read-only\n    databriks: {}\n");
  await write("two.yml", "version: 1\nenvironments:\n  one: { access: read-only }\n  two: { access: read-only }\n");
  await write("variable.yml", "version: 1\nenvironments:\n  one:\n    access: read-only\n    token: ${TOKEN_OF_NOBODY}\n");
  await write("one.yml", "version: 1\nenvironments:\n  one:\n    access: read-only\n");
  await write("report.json", "{}");
});

afterAll(() => rm(folder, { recursive: true }));

async function run(...argv: string[]): Promise<{ status: number; printed: string }> {
  const stderr = new PassThrough();
  const stdout = new PassThrough();
  stdout.resume();
  const status = await terminal(argv, {
    cwd: folder,
    env: {},
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
  });
  stderr.end();
  return { status, printed: await text(stderr) };
}

const wrong: [codes: string[], argv: string[]][] = [
  [["EA1001"], ["preflight", "--config", "nowhere.yml"]],
  [["EA1001"], ["preflight", "--config", "directory"]],
  [["EA1002"], ["preflight", "--config", "empty.yml"]],
  [["EA1003"], ["preflight", "--config", "latin.yml"]],
  [
    ["EA1000", "EA1005"],
    ["preflight", "--config", "tab.yml"],
  ],
  [
    ["EA1000", "EA1006", "EA1008"],
    ["preflight", "--config", "twice.yml"],
  ],
  [
    ["EA1000", "EA1007"],
    ["preflight", "--config", "key.yml"],
  ],
  [
    ["EA1000", "EA1011"],
    ["preflight", "--config", "variable.yml"],
  ],
  [["EA1014"], ["preflight", "--config", "one.yml", "--environment", "two"]],
  [["EA1015"], ["preflight", "--config", "two.yml"]],
  [["EA1101"], ["prefligth"]],
  [["EA1102"], ["audit", "verify", "nope"]],
  [["EA1102"], ["undo"]],
  [["EA1103"], ["preflight", "--execute"]],
  [["EA1103"], ["preflight", "--nope"]],
  [["EA1104"], ["preflight", "--budget", "soon"]],
  [["EA1105"], ["cleanup", "--scope", "all", "--execute"]],
  [["EA1106"], ["init", "--config", "directory"]],
  [["EA2002"], ["cleanup", "--config", "one.yml", "--execute"]],
  [["EA3013"], ["tables", "--config", "one.yml"]],
  [["EA7001"], ["undo", "nowhere.json"]],
  [["EA7002"], ["undo", "report.json"]],
  [["EA8001"], ["audit", "verify"]],
  [["EA8003"], ["audit", "verify", "--head", "42"]],
];

test.each(wrong)("%j: env-actions %j", async (codes, argv) => {
  const { status, printed } = await run(...argv);
  expect(status).toBe(2);
  expect(printed).toMatch(/^env-actions: EA\d{4}: /);
  expect([...printed.matchAll(/\b(EA\d{4}): /g)].map(([, code]) => code)).toEqual(codes);
  const page = await readFile(join(import.meta.dirname, "../../docs/reference/errors.md"), "utf8");
  const [, path, anchor] =
    /^Read on: https:\/\/github\.com\/classwaves\/env-actions\/blob\/main\/(\S+?)(?:#(\S+))?$/m.exec(printed) ?? [];
  expect(path).toBe("docs/reference/errors.md");
  const listed = codes.length > 1 ? codes.slice(1) : codes;
  expect(anchor).toBe(new Set(listed).size === 1 ? listed[0]?.toLowerCase() : undefined);
  for (const code of codes) expect(page).toContain(`\n### ${code}\n`);
});
