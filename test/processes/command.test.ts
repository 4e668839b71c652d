import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { UserError } from "../../src/model/user-error.ts";
import { type CommandSpec, runCommand } from "../../src/processes/command.ts";
import { type Bench, bench, commandFor } from "./harness.ts";

function specFor(at: Bench, command: string): CommandSpec {
  return { command, cwd: at.directory, env: at.env, logFile: join(at.directory, "logs", "command.log") };
}

test("a command's exit status, output and log are reported", async () => {
  await using at = await bench();
  const spec = specFor(at, "echo to stdout; echo to stderr >&2; exit 4");
  const report = await runCommand(spec, at.options);
  expect(report).toMatchObject({ command: spec.command, exitCode: 4, signal: null, timedOut: false, log: spec.logFile });
  expect(report.tail?.sort()).toEqual(["to stderr", "to stdout"]);
  expect((await readFile(spec.logFile, "utf8")).split("\n").sort()).toEqual(["", "to stderr", "to stdout"]);
});

test("a command that succeeded needs no tail", async () => {
  await using at = await bench();
  const report = await runCommand(specFor(at, "echo done"), at.options);
  expect(report).toMatchObject({ exitCode: 0, signal: null });
  expect(report.tail).toBeUndefined();
  expect(at.lines).toEqual(["done"]);
});

test("a command that doesn't exist is a failed command, not an internal error", async () => {
  await using at = await bench();
  expect(await runCommand(specFor(at, "no-such-program-here"), at.options)).toMatchObject({ exitCode: 127 });
});

test("a command killed by a signal has no exit status", async () => {
  await using at = await bench();
  expect(await runCommand(specFor(at, "kill -KILL $$"), at.options)).toMatchObject({ exitCode: null, signal: "SIGKILL" });
});

/** Aborts once the command has printed that it runs, so that nothing depends on time. */
async function cutShort(at: Bench, command: string, reason: unknown) {
  const controller = new AbortController();
  const onLine = (line: string) => {
    if (line === "running") controller.abort(reason);
  };
  return runCommand(specFor(at, command), { ...at.options, onLine, signal: controller.signal });
}

const timeOver = new DOMException("time is over", "TimeoutError");

test("at its deadline it is stopped, with everything it started", async () => {
  await using at = await bench();
  const report = await cutShort(at, "sleep 600 & echo running; sleep 600", timeOver);
  expect(report).toMatchObject({ exitCode: null, signal: "SIGTERM", timedOut: true });
  expect(at.left()).toEqual([]);
});

test("a cancelled command that exits with 0 did not succeed", async () => {
  await using at = await bench();
  const report = await cutShort(at, "trap 'exit 0' TERM; echo running; while :; do sleep 0.05; done", new Error("cancelled"));
  expect(report).toMatchObject({ exitCode: null, timedOut: false });
});

test("one that ignores SIGTERM is killed", async () => {
  await using at = await bench();
  await cutShort(at, "trap '' TERM; echo running; while :; do sleep 0.05; done", timeOver);
  expect(at.left()).toEqual([]);
});

test("a background process that holds the command's output neither blocks nor survives it", async () => {
  await using at = await bench();
  const report = await runCommand(specFor(at, `${commandFor("holds-the-pipe", 0)} & exit 0`), at.options);
  expect(report.exitCode).toBe(0);
  expect(at.left()).toEqual([]);
});

test("nothing is started after the deadline", async () => {
  await using at = await bench();
  const report = await runCommand(specFor(at, "echo running"), { ...at.options, signal: AbortSignal.abort(timeOver) });
  expect(report).toMatchObject({ exitCode: null, signal: null, timedOut: true });
  expect(at.lines).toEqual([]);
});

test("a working directory that doesn't exist is a user error", async () => {
  await using at = await bench();
  const run = runCommand({ ...specFor(at, "true"), cwd: join(at.directory, "nowhere") }, at.options);
  await expect(run).rejects.toThrow(UserError);
});

test("a command that prints nothing is reported as still running", async () => {
  await using at = await bench();
  const silences: number[] = [];
  const go = join(at.directory, "go");
  // The command waits for the file, which is created at the third silence, so the machine's speed doesn't matter.
  const onQuiet = (sinceMs: number) => {
    silences.push(sinceMs);
    if (silences.length === 3) writeFileSync(go, "");
  };
  const command = `until [ -e "${go}" ]; do sleep 0.02; done; echo done`;
  const report = await runCommand(specFor(at, command), { ...at.options, onQuiet, quietMs: 30 });
  expect(report.exitCode).toBe(0);
  expect(at.lines).toEqual(["done"]);
  const [first = 0, second = 0, third = 0] = silences;
  expect([first < second, second < third]).toEqual([true, true]);
});
