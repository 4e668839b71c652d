import { spawnSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, hostname, release } from "node:os";
import { basename, dirname, join } from "node:path";

const repository = join(import.meta.dirname, "../..");
const cache = join(repository, ".cache/corpus");
const corpus = join(repository, "test/test-reports/corpus");

/** Building a tool from its sources takes minutes; anything longer than this is a hang. */
const deadlineMs = 1_500_000;

/** The tool cannot be had on this machine. The message says why. */
export class NotHere extends Error {}

/**
 * What a run must give when it is read. A key is a count of the results (`passed`, `failed`, `flaky`, `skipped`, `crashed`), or
 * several whose sum is known: a tool that counts hooks and tests together says only `failed+crashed`. With `>` or `<`
 * at its end, the count must be larger or smaller.
 */
export type Counts = Record<string, number>;

/** One run of a tool: what it said at its end, and what it wrote. */
export interface Run {
  /** What is special about it, such as "reruns, 4 workers". */
  name: string;
  tool: string;
  /** The lines at the end of its output from which the counts were taken, word for word. */
  said: string[];
  /** Files beside it. More than one are read as one run. */
  reports: string[];
  counts: Counts;
}

export interface Output {
  status: number | null;
  /** All that it printed, without colours. */
  text: string;
  stdout: string;
}

/** Where one tool is installed and run, and what it made. */
export class Workbench {
  readonly tool: string;
  /** A fresh copy of the tool's small project. */
  readonly work: string;
  readonly #runs: Run[] = [];

  constructor(tool: string, project = tool) {
    this.tool = tool;
    this.work = join(cache, "work", tool);
    rmSync(this.work, { recursive: true, force: true });
    mkdirSync(this.work, { recursive: true });
    const source = join(import.meta.dirname, "projects", project);
    if (existsSync(source)) cpSync(source, this.work, { recursive: true });
  }

  run(command: string, args: readonly string[], env: Record<string, string> = {}, cwd = this.work): Output {
    const clean = { ...process.env, NO_COLOR: "1", TERM: "dumb", CI: "", ...env };
    for (const name of Object.keys(clean))
      if (name.startsWith("VITEST") || name === "NODE_OPTIONS") Reflect.deleteProperty(clean, name);
    const options = { cwd, env: clean, encoding: "utf8", timeout: deadlineMs, maxBuffer: 64 * 1024 * 1024 } as const;
    const { error, stdout, stderr, status } = spawnSync(command, args, options);
    if (error) throw error;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of a terminal
    return { status, stdout, text: `${stdout}\n${stderr}`.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "").replaceAll("\r", "\n") };
  }

  /** @throws NotHere with the end of the output if the command fails, as an installation does that is refused */
  must(command: string, args: readonly string[], env: Record<string, string> = {}, cwd = this.work): string {
    const { status, text } = this.run(command, args, env, cwd);
    if (status !== 0) throw new NotHere(`${command} ${args.join(" ")}: exit ${status}: ${text.trim().slice(-300)}`);
    return text;
  }

  /** @throws NotHere if the command is missing and Debian's packages, if any, cannot be installed */
  need(command: string, ...packages: string[]): void {
    const found = () => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;
    if (found()) return;
    if (packages.length === 0) throw new NotHere(`${command} is not installed, and no registry that this machine reaches has it`);
    const installed = spawnSync("apt-get", ["install", "-y", "-q", ...packages], { encoding: "utf8" });
    if (installed.error || !found())
      throw new NotHere(`${command} is not installed, and apt-get cannot install ${packages.join(" ")}`);
  }

  /** @throws NotHere if Debian's package cannot be installed; for one that has no command, such as a header */
  needFile(path: string, ...packages: string[]): void {
    if (existsSync(path)) return;
    spawnSync("apt-get", ["install", "-y", "-q", ...packages]);
    if (!existsSync(path)) throw new NotHere(`${path} is missing, and apt-get cannot install ${packages.join(" ")}`);
  }

  /** @returns the folder of the programs of a virtual environment with these packages */
  python(...packages: string[]): string {
    const folder = this.#installed("python", packages);
    const bin = join(folder, "bin");
    if (!existsSync(join(folder, "complete"))) {
      this.must("python3", ["-m", "venv", folder]);
      this.must(join(bin, "pip"), ["install", "--quiet", ...packages]);
      writeFileSync(join(folder, "complete"), "");
    }
    return bin;
  }

  /** @returns the folder `node_modules` with these packages. The project finds them, too. */
  npm(...packages: string[]): string {
    const folder = this.#installed("npm", packages);
    const modules = join(folder, "node_modules");
    if (!existsSync(join(folder, "complete"))) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "package.json"), "{}\n");
      this.must(
        "npm",
        ["install", "--no-audit", "--no-fund", "--save-exact", ...packages],
        { CYPRESS_INSTALL_BINARY: "0" },
        folder,
      );
      writeFileSync(join(folder, "complete"), "");
    }
    // Without it, tools look for their configuration further up.
    writeFileSync(join(this.work, "package.json"), "{}\n");
    cpSync(modules, join(this.work, "node_modules"), { recursive: true, verbatimSymlinks: true });
    return join(this.work, "node_modules");
  }

  /** @returns the folder of programs that `install` puts there, once */
  programs(name: string, install: (folder: string) => void): string {
    const folder = join(cache, name);
    if (!existsSync(join(folder, "complete"))) {
      mkdirSync(folder, { recursive: true });
      install(folder);
      writeFileSync(join(folder, "complete"), "");
    }
    return folder;
  }

  #installed(kind: string, packages: readonly string[]): string {
    return join(cache, `${kind}-${packages.join("-").replaceAll(/[^\w.-]+/g, "-")}`);
  }

  /** Stores reports and what they must give. `files` names a report for each path or glob, relative to the work folder. */
  keep(name: string, said: readonly string[], files: Record<string, string>, counts: Counts, tool = this.tool): void {
    const reports: string[] = [];
    for (const [from, to] of Object.entries(files)) {
      const found = globSync(from, { cwd: this.work }).sort();
      if (found.length === 0) throw new Error(`${this.tool}, ${name}: no report at ${from}`);
      for (const path of found) {
        const target = to === "" || to.endsWith("/") ? to + basename(path) : to;
        this.#write(target, this.#anonymous(readFileSync(join(this.work, path), "utf8")));
        reports.push(target);
      }
    }
    this.#runs.push({
      name,
      tool,
      said: said.map((line) => this.#anonymous(line.trim())).filter((line) => line !== ""),
      reports,
      counts,
    });
  }

  /** @returns a summary for the terminal */
  finish(): string {
    if (this.#runs.length === 0) throw new Error(`${this.tool} made nothing`);
    const kept = new Set(this.#runs.flatMap((run) => run.reports));
    const folder = join(corpus, this.tool);
    // What an earlier version of this script made.
    for (const file of globSync("**/*.*", { cwd: folder })) if (!kept.has(file)) rmSync(join(folder, file));
    this.#write("runs.json", `${JSON.stringify(this.#runs, null, 2)}\n`);
    return `${this.#runs.length} runs, ${this.#runs.reduce((sum, run) => sum + run.reports.length, 0)} reports`;
  }

  #write(file: string, text: string): void {
    const target = join(corpus, this.tool, file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }

  /** Removes what identifies this machine, because reports are committed. @throws Error if something is left */
  #anonymous(text: string): string {
    const clean = text
      .replace(/^\s*<property [^\n]*\/>\n/gm, "")
      .replace(/"(os(?:Release|Version))": ?"[^"]*"/g, '"$1": "runner"')
      .replace(/\b(os-version|user)="[^"]*"/g, '$1="runner"')
      .replaceAll(release(), "runner")
      .replace(/[^\s"'<>]*\/lib\/python3/g, "/usr/lib/python3")
      .replaceAll(this.work, "/workspace")
      .replaceAll(cache, "/tools")
      .replaceAll(repository, "/workspace")
      .replaceAll(hostname(), "runner");
    const left = [homedir(), hostname(), repository].find((part) => clean.includes(part));
    if (left !== undefined)
      throw new Error(
        `${this.tool}: a report still names ${left}: ${clean.slice(Math.max(0, clean.indexOf(left) - 80)).slice(0, 200)}`,
      );
    return clean;
  }
}

/** The number that stands in a line, such as the 3 of "3 failed"; 0 if the line does not mention it. */
export function number(line: string, pattern: RegExp): number {
  return Number(pattern.exec(line)?.[1] ?? 0);
}

/** @throws Error if no line matches: then the counts would be zero for no reason */
export function lastLine(text: string, pattern: RegExp): string {
  const found = text.split("\n").filter((line) => pattern.test(line));
  const last = found.at(-1);
  if (last === undefined) throw new Error(`no line matches ${pattern}:\n${text.slice(-3_000)}`);
  return last;
}
