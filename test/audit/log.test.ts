import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type AuditEntry, type AuditRecord, AuditVerifier, verifyAudit } from "../../src/audit/chain.ts";
import { AuditLog } from "../../src/audit/log.ts";
import { LogReader } from "../../src/audit/read.ts";
import { takeLock } from "../../src/lib/lock-file.ts";

let place: string;
let file: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "audit-log-"));
  file = join(place, "audit.jsonl");
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

const run = {
  who: "somebody",
  run: "1763917800000_9f3c1a7e",
  environment: "sandbox",
  stage: "integration" as const,
};

function logOf(redact: (text: string) => string = String): AuditLog {
  return new AuditLog(file, { ...run, key: undefined }, redact);
}

function note(number: number): AuditRecord {
  return { action: "statement", details: { what: "delete" }, counts: { number } };
}

function text(): string {
  return readFileSync(file, "utf8");
}

function entries(): AuditEntry[] {
  return text()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as AuditEntry);
}

/** The line numbers that verify reports. */
function faults(): number[] {
  const verifier = new AuditVerifier();
  const found: number[] = [];
  const opened = openSync(file, "r");
  for (const { bytes, from, to, ended } of new LogReader(opened).lines())
    if (verifier.take(bytes, from, to, ended)) found.push(verifier.lines);
  closeSync(opened);
  return found;
}

function start(script: string, ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), ...args], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function holding(lock: string): Promise<ChildProcess> {
  const holder = start("holder.ts", lock);
  await once(holder.stdout as NodeJS.ReadableStream, "data");
  return holder;
}

describe("one log", () => {
  test("each line is on disk when its write returns, in order", async () => {
    const log = logOf();
    for (let number = 0; number < 3; number++) {
      await log.write(note(number));
      expect(entries().at(-1)).toMatchObject({ ...run, action: "statement", counts: { number } });
    }
    await Promise.all(Array.from({ length: 50 }, (_, number) => log.write(note(number + 3))));
    expect(entries().map(({ counts }) => counts.number)).toEqual(Array.from({ length: 53 }, (_, number) => number));
    expect(verifyAudit(text())).toMatchObject({ ok: true, lines: 53 });
    expect(readdirSync(place), "no lock stays behind").toEqual(["audit.jsonl"]);
  });

  test("eight processes write two hundred lines each: every line is there once, and the chain is valid", async () => {
    const names = Array.from({ length: 8 }, (_, index) => `writer ${index}`);
    const ends = names.map(async (name) => (await once(start("writer.ts", file, name, "200"), "exit"))[0] as number);
    expect(await Promise.all(ends)).toEqual(names.map(() => 0));
    expect(verifyAudit(text())).toMatchObject({ ok: true, lines: 1_600 });
    const written = entries();
    for (const name of names)
      expect(written.filter(({ who }) => who === name).map(({ counts }) => counts.line)).toEqual(
        Array.from({ length: 200 }, (_, line) => line),
      );
    expect(readdirSync(place)).toEqual(["audit.jsonl"]);
  });

  test("writers killed at any moment leave a valid chain, and no lock that stops the next", async () => {
    const writers = Array.from({ length: 4 }, (_, index) => start("writer.ts", file, `writer ${index}`, "1000000"));
    for (const [index, writer] of writers.entries()) {
      const lines = () => (existsSync(file) ? text().split("\n").length : 0);
      await vi.waitFor(() => expect(lines()).toBeGreaterThan(20 * (index + 1)), { timeout: 20_000, interval: 3 });
      writer.kill("SIGKILL");
      await once(writer, "exit");
    }
    const lines = entries().length;
    await logOf().write(note(1));
    expect(verifyAudit(text())).toMatchObject({ ok: true, lines: lines + 1 });
  });

  test("a log that was moved away, or restored, is continued as found", async () => {
    const log = logOf();
    await log.write(note(1));
    const first = text();
    await log.write(note(2));
    writeFileSync(file, first);
    await log.write(note(3));
    expect(verifyAudit(text())).toMatchObject({ ok: true, lines: 2 });
    rmSync(file);
    await log.write(note(4));
    expect(verifyAudit(text())).toMatchObject({ ok: true, lines: 1 });
  });

  test("no secret is written, wherever it occurs", async () => {
    const secret = "dapi0123456789";
    const log = new AuditLog(file, { ...run, who: secret, key: undefined }, (said) => said.replaceAll(secret, "***"));
    await log.write({ action: "decision", details: { what: `by ${secret}`, [secret]: 1 }, counts: { [`of.${secret}`]: 2 } });
    expect(text()).not.toContain(secret);
    expect(entries()[0]).toMatchObject({ who: "***", details: { what: "by ***", "***": 1 }, counts: { "of.***": 2 } });
    expect(verifyAudit(text())).toMatchObject({ ok: true });
  });
});

describe("an incomplete line", () => {
  test("stays visible, and the chain continues after it", async () => {
    await logOf().write(note(1));
    const whole = text();
    for (const torn of [`{"action":"decis`, `${whole.slice(0, -1)}`.slice(0, -3), "\u0000\u0000\u0000"]) {
      writeFileSync(file, whole + torn);
      const log = logOf();
      await log.write(note(2));
      await log.write(note(3));
      expect(text().startsWith(`${whole}${torn}\n`)).toBe(true);
      expect(faults(), torn).toEqual([2]);
    }
  });

  test("counts if only its line end is missing", async () => {
    await logOf().write(note(1));
    writeFileSync(file, text().slice(0, -1));
    await logOf().write(note(2));
    expect(verifyAudit(text())).toMatchObject({ ok: true, lines: 2 });
  });

  test("that was changed is not continued from", async () => {
    await logOf().write(note(1));
    await logOf().write(note(2));
    writeFileSync(file, text().replace('"number":2', '"number":7'));
    await logOf().write(note(3));
    expect(faults()).toEqual([2]);
  });

  test("is refused if it is megabytes of something else, and nothing is written", async () => {
    await logOf().write(note(1));
    const strange = text() + "x".repeat(17 * 1_048_576);
    writeFileSync(file, strange);
    await expect(logOf().write(note(2))).rejects.toThrow(/could not be written: the last 16 MiB of the file have no line/);
    expect(text() === strange).toBe(true);
  });
});

describe("the lock", () => {
  test("is taken over from a writer that was killed while it held it", async () => {
    const holder = await holding(`${file}.lock`);
    holder.kill("SIGKILL");
    await once(holder, "exit");
    expect(existsSync(`${file}.lock`)).toBe(true);
    await Promise.all([logOf().write(note(1)), logOf().write(note(2)), logOf().write(note(3))]);
    expect(verifyAudit(text())).toMatchObject({ ok: true, lines: 3 });
    expect(readdirSync(place)).toEqual(["audit.jsonl"]);
  });

  test("is taken over even if the process that was removing it was killed too", async () => {
    for (const lock of [`${file}.lock`, `${file}.lock.clearing`]) {
      const holder = await holding(lock);
      holder.kill("SIGKILL");
      await once(holder, "exit");
    }
    await Promise.all([logOf().write(note(1)), logOf().write(note(2))]);
    expect(verifyAudit(text())).toMatchObject({ ok: true, lines: 2 });
  });

  test("is not taken from a running holder: the error names it, and the next wait is shorter", async () => {
    const holder = await holding(`${file}.lock`);
    const log = new AuditLog(file, { ...run, key: undefined }, String, 1_500);
    const begun = performance.now();
    await expect(log.write(note(1))).rejects.toThrow(
      new RegExp(`audit log could not be written: .* is locked by process ${holder.pid}`),
    );
    const started = performance.now();
    await expect(log.write(note(2))).rejects.toThrow(/is locked by/);
    // Both by the clock: a busy machine makes the first wait longer, too.
    expect(performance.now() - started).toBeLessThan(started - begun - 100);
    expect(existsSync(file)).toBe(false);
    holder.stdin?.end();
    await once(holder, "exit");
    await log.write(note(3));
    expect(verifyAudit(text())).toMatchObject({ ok: true, lines: 1 });
  });

  test.each([
    ["of another machine", JSON.stringify({ pid: 1, start: "1", place: "elsewhere", taking: "x" }), "process 1"],
    ["without a holder's name", "", "an unknown process"],
  ])("%s is respected while it is recent, and taken over when it is old", async (_, holder, name) => {
    const lock = `${file}.lock`;
    writeFileSync(lock, holder);
    await expect(takeLock(lock, 50)).rejects.toThrow(`is locked by ${name}, and was not released`);
    utimesSync(lock, new Date(Date.now() - 61_000), new Date(Date.now() - 61_000));
    await (await takeLock(lock, 1_000))();
    expect(existsSync(lock)).toBe(false);
  });

  test("is taken over if the pid now belongs to another process", async () => {
    const lock = `${file}.lock`;
    const give = await takeLock(lock, 1_000);
    const own = JSON.parse(readFileSync(lock, "utf8")) as { start: string };
    await give();
    writeFileSync(lock, JSON.stringify({ ...own, start: `${Number(own.start) - 1}` }));
    if (process.platform === "linux") await (await takeLock(lock, 1_000))();
    else await expect(takeLock(lock, 50)).rejects.toThrow(/is locked by/);
  });
});

describe("a failing disk is reported, and the next line is tried again", () => {
  test("a folder instead of the file", async () => {
    const log = logOf();
    mkdirSync(file);
    await expect(log.write(note(1))).rejects.toThrow(/the audit log could not be written: EISDIR/);
    rmSync(file, { recursive: true });
    await log.write(note(2));
    expect(verifyAudit(text())).toMatchObject({ ok: true, lines: 1 });
  });

  test.skipIf(process.platform !== "linux")("a full disk", async () => {
    // Files are limited to 1 or 2 KiB there, depending on the shell's unit; the lock is smaller.
    const bounded = [
      "-c",
      `trap '' XFSZ; ulimit -f 2; exec "$0" "$@"`,
      process.execPath,
      join(import.meta.dirname, "writer.ts"),
      file,
      "somebody",
      "1",
    ];
    await logOf().write({ ...note(1), details: { what: "x".repeat(4_000) } });
    const { stderr, status } = spawnSync("sh", bounded, { encoding: "utf8" });
    expect(stderr).toMatch(/the audit log could not be written: EFBIG/);
    expect(status).toBe(1);
    expect(existsSync(`${file}.lock`), "the lock is given back").toBe(false);
  });

  test("a link is not followed, whatever its target", async () => {
    const elsewhere = join(place, "elsewhere");
    writeFileSync(elsewhere, "precious\n");
    symlinkSync(elsewhere, file);
    await expect(logOf().write(note(1))).rejects.toThrow(
      /the audit log could not be written: EA9102: .* is a link, and links are not followed/,
    );
    expect(readFileSync(elsewhere, "utf8")).toBe("precious\n");
  });

  test.skipIf(process.getuid?.() === 0)("a read-only file", async () => {
    writeFileSync(file, "");
    chmodSync(file, 0o444);
    await expect(logOf().write(note(1))).rejects.toThrow(/EACCES/);
  });

  test("a missing folder", async () => {
    const log = new AuditLog(join(place, "gone", "audit.jsonl"), { ...run, key: undefined }, String);
    await expect(log.write(note(1))).rejects.toThrow(
      /the audit log could not be written: \S+audit\.jsonl\.lock could not be created: ENOENT$/,
    );
  });

  test("an invalid number is refused, but not the other lines", async () => {
    const log = logOf();
    const writes = [1, Number.NaN, 2].map((number) => log.write(note(number)));
    const ends = await Promise.allSettled(writes);
    expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(verifyAudit(text())).toMatchObject({ ok: true, lines: 2 });
  });
});

describe("reading a log", () => {
  test("bytes that are not text, and endless lines, don't count as lines", async () => {
    await logOf().write({ action: "decision", details: { what: "\ufffd" }, counts: {} });
    const bytes = readFileSync(file);
    const at = bytes.indexOf(Buffer.from("\ufffd"));
    writeFileSync(file, Buffer.concat([bytes.subarray(0, at), Buffer.from([0xff]), bytes.subarray(at + 3)]));
    expect(faults(), "decoded, it would read as it was written").toEqual([1]);
    writeFileSync(file, Buffer.alloc(3 * 1_048_576, 0x61));
    expect(faults()).toEqual([1]);
  });
});
