import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

// Each test starts processes, on a machine that may run other tests at the same time.

/** Installers start other processes. If only the first were killed, the others would keep writing files that the next attempt reads. */

const commandModule = join(import.meta.dirname, "../../scripts/setup/command.mjs");
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "command-"));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A separate process that runs the command through the set-up, and prints the result. */
function through(command: string[], deadlineMs: number) {
  const program = `
    import { run } from ${JSON.stringify(commandModule)};
    const context = { root: ${JSON.stringify(root)}, env: process.env, platform: process.platform };
    console.log(JSON.stringify(await run(context, "log", ${JSON.stringify(command)}, { deadlineMs: ${deadlineMs} })));`;
  return spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
}

async function result(command: string[], deadlineMs = 60_000) {
  return JSON.parse(await text(through(command, deadlineMs).stdout));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A killed orphan remains as a zombie if no process reaps it.
    return !existsSync(`/proc/${pid}/stat`) || !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

const withChild = ["sh", "-c", 'sleep 60 & echo "$!"; wait'];

describe.runIf(process.platform !== "win32")("a command of the set-up", () => {
  it("that fails: the message quotes the start and the end of its output", async () => {
    const { ok, why } = await result(["sh", "-c", 'for i in $(seq 100); do echo "line $i"; done; exit 3']);
    expect(ok).toBe(false);
    expect(why).toContain("failed with exit status 3 (log: .cache/setup/log.log)");
    expect(why).toContain("| line 1\n");
    expect(why).toMatch(/\| line 100$/);
    expect(why).not.toContain("line 50");
  });

  it("that does not exist is reported, not thrown", async () => {
    expect(await result(["no-such-program"])).toMatchObject({ ok: false, why: expect.stringContaining("could not be started") });
  });

  it("is killed at its deadline, with all processes it started", async () => {
    const { ok, why, output } = await result(withChild, 1000);
    expect(ok).toBe(false);
    expect(why).toContain("did not end within 1 s and was killed");
    expect(Number(output)).toBeGreaterThan(1);
    await expect.poll(() => isRunning(Number(output)), { timeout: 10_000 }).toBe(false);
  });

  it("is killed when the user interrupts it, with all processes it started", async () => {
    const setup = through(withChild, 60_000);
    const log = join(root, ".cache", "setup", "log.log");
    const written = () => (existsSync(log) ? readFileSync(log, "utf8") : "");
    await expect.poll(written, { timeout: 10_000 }).toMatch(/^\d+\n/);
    const pid = Number(written());
    expect(isRunning(pid)).toBe(true);
    setup.kill("SIGINT");
    expect((await once(setup, "close"))[0]).toBe(130);
    await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
  });
});
