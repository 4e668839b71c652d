import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";

const repository = join(import.meta.dirname, "../..");
const fixtures = join(repository, "test/fixtures/reports");

/** Installing a runner can take minutes; anything longer than this is a hang. */
const deadlineMs = 600_000;

/** A folder outside the repository, in which runners are installed and run on copies of the small projects. */
export class Workshop {
  readonly out = mkdtempSync(join(tmpdir(), "reports-"));
  #lastOutput = "";

  /** @returns a copy of a project in test/fixtures/reports/projects */
  project(name: string): string {
    const copy = join(this.out, name);
    cpSync(join(fixtures, "projects", name), copy, { recursive: true });
    return copy;
  }

  /** @returns the exit status. Most runs fail on purpose; `keep` checks whether they wrote the expected report */
  run(cwd: string, command: string, args: readonly string[], env: Record<string, string> = {}): number | null {
    const options = { cwd, env: { ...process.env, ...env }, encoding: "utf8", timeout: deadlineMs } as const;
    const result = spawnSync(command, args, options);
    if (result.error) throw result.error;
    this.#lastOutput = (result.stdout + result.stderr).slice(-2_000);
    return result.status;
  }

  /**
   * Runs a command that must succeed, such as an installation.
   * @throws Error with the end of its output
   */
  must(cwd: string, command: string, args: readonly string[], env: Record<string, string> = {}): void {
    const status = this.run(cwd, command, args, env);
    if (status !== 0) throw new Error(`${command} ${args.join(" ")}: exit ${status}\n${this.#lastOutput}`);
  }

  /**
   * Stores the report at `from` as the fixture `to`.
   * @throws Error with the end of the runner's output if there is no report
   */
  keep(from: string, to: string): void {
    if (!existsSync(from)) throw new Error(`${to}: no report was written\n${this.#lastOutput}`);
    this.keepText(readFileSync(from, "utf8"), to);
  }

  keepText(report: string, to: string): void {
    const target = join(fixtures, to);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, this.#anonymous(report));
    console.log(`test/fixtures/reports/${to}`);
  }

  [Symbol.dispose](): void {
    // Go's module cache is read-only.
    this.run(tmpdir(), "chmod", ["-R", "u+w", this.out]);
    rmSync(this.out, { recursive: true, force: true });
  }

  /** Removes text that identifies this machine, because fixtures are committed. Surefire's properties contain nothing else. */
  #anonymous(report: string): string {
    return report
      .replace(/^\s*<property [^\n]*\/>\n/gm, "")
      .replace(/[^\s"]*\/lib\/python3/g, "/usr/lib/python3")
      .replaceAll(this.out, "/workspace")
      .replaceAll(repository, "/workspace")
      .replaceAll(`hostname="${hostname()}"`, 'hostname="runner"');
  }
}
