import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { finished } from "node:stream/promises";

/** Number of lines shown from the start and from the end of a failed command's log. npm names the cause first, compilers last. */
const shownLines = 8;
const shownLineLength = 200;

/**
 * Runs a command to its end. Its output goes to a log file, because it is only of interest after a failure. On POSIX the command
 * gets its own process group, which is killed at the deadline or if the set-up is interrupted.
 * @param {import("./context.mjs").Context} context
 * @param {string} log name of the log file, without folder and extension
 * @param {string[]} command
 * @param {{ deadlineMs: number, cwd?: string, env?: Record<string, string> }} options
 * @returns {Promise<{ ok: true, output: string } | { ok: false, why: string, output: string }>} `why` quotes the log
 */
export async function run(context, log, command, { deadlineMs, cwd = context.root, env = {} }) {
  const folder = join(context.root, ".cache", "setup");
  mkdirSync(folder, { recursive: true });
  const logFile = join(folder, `${log}.log`);
  const stream = createWriteStream(logFile);
  const end = await ended(context, command, { deadlineMs, cwd, env, stream });
  stream.end();
  await finished(stream);
  const output = readFileSync(logFile, "utf8");
  if (end === undefined) return { ok: true, output };
  const where = `${command.join(" ")} ${end} (log: ${relative(context.root, logFile)})`;
  return { ok: false, why: [where, ...excerpt(output)].join("\n"), output };
}

/**
 * @param {string} output
 * @returns {string[]} the first and last lines, indented
 */
function excerpt(output) {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  const shown = lines.length <= 2 * shownLines ? lines : [...lines.slice(0, shownLines), "…", ...lines.slice(-shownLines)];
  return shown.map((line) => `      | ${line.slice(0, shownLineLength)}`);
}

/** @returns {Promise<string | undefined>} how it failed; undefined = it succeeded */
function ended(context, [file, ...args], { deadlineMs, cwd, env, stream }) {
  const windows = context.platform === "win32";
  return new Promise((resolve) => {
    // On Windows, npm is a .cmd file, which only a shell can start.
    const child = spawn(file, args, {
      cwd,
      env: { ...context.env, NO_COLOR: "1", FORCE_COLOR: "0", ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: !windows,
      shell: windows && !isAbsolute(file),
    });
    let killed;
    const kill = () => {
      try {
        if (windows) child.kill("SIGKILL");
        else process.kill(-child.pid, "SIGKILL");
      } catch (error) {
        // The process ended just before the kill.
        if (error.code !== "ESRCH") throw error;
      }
    };
    const timer = setTimeout(() => {
      killed = `did not end within ${deadlineMs / 1000} s and was killed`;
      kill();
    }, deadlineMs);
    const interrupted = (signal) => {
      if (child.pid !== undefined) kill();
      process.exit(signal === "SIGINT" ? 130 : 143);
    };
    process.on("SIGINT", interrupted).on("SIGTERM", interrupted);
    const done = (how) => {
      clearTimeout(timer);
      process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
      resolve(how);
    };
    child.stdout.on("data", (chunk) => stream.write(chunk));
    child.stderr.on("data", (chunk) => stream.write(chunk));
    child.on("error", (error) => done(`could not be started: ${error.message}`));
    child.on("close", (code, signal) => {
      if (killed !== undefined) done(killed);
      else if (code === 0) done(undefined);
      else done(code === null ? `was ended by ${signal}` : `failed with exit status ${code}`);
    });
  });
}
