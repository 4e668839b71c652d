import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { FoundDelta } from "../../scripts/delta.ts";

/** A value as Spark's answer has it: times as ISO 8601 without a zone (the session is in UTC), decimals as text, binary as `0x…`. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export interface Answer {
  /** Name and type of each column. */
  columns: [name: string, type: string][];
  rows: Json[][];
  /** Files that each scan read, if asked for. */
  files?: number[];
  ms: number;
}

export interface SparkFailure {
  condition: string | null;
  sqlState: string | null;
  message: string;
  java: string | null;
}

export interface Spark {
  readonly version: string;
  /** @throws SparkError */
  run(sql: string, args?: Record<string, unknown> | unknown[], options?: { files?: boolean }): Promise<Answer>;
  /** Appends rows to a table: a file with one JSON object per line. @param schema in DDL notation */
  load(table: string, schema: string, path: string): Promise<void>;
  stop(): Promise<void>;
}

/** A line of the server: the first has the number 0 and the version. */
interface Said extends Answer {
  id: number;
  version: string;
  error?: SparkFailure;
}

/** What Spark says about a statement that it did not run. */
export class SparkError extends Error {
  override name = "SparkError";
  readonly failure: SparkFailure;
  constructor(failure: SparkFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Settings for many small tables: Hadoop starts a process for each file that it makes, renames or gives rights, and makes two for each. */
export const withoutProcesses = {
  "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
  "spark.hadoop.fs.AbstractFileSystem.file.impl": "org.apache.hadoop.fs.local.RawLocalFs",
  "spark.delta.logStore.file.impl": "io.delta.storage.LocalLogStore",
  "spark.databricks.delta.writeChecksumFile.enabled": "false",
};

/**
 * Starts Spark with Delta in a process of its own, with an empty warehouse.
 * @param settings override those of `server.py`
 */
export async function startSpark(
  found: Extract<FoundDelta, { python: string }>,
  settings: Record<string, string> = {},
): Promise<Spark> {
  const folder = mkdtempSync(join(tmpdir(), "delta-"));
  const log = join(folder, "log");
  const script = `exec "$@" 2>"$LOG"`;
  const server = spawn("sh", ["-c", script, "sh", found.python, join(import.meta.dirname, "server.py"), found.jars, folder], {
    cwd: folder,
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, LOG: log, PYSPARK_PYTHON: found.python, SPARK_SETTINGS: JSON.stringify(settings) },
  });
  const ended = once(server, "exit");
  const waiting = new Map<number, { resolve: (answer: Said) => void; reject: (error: Error) => void }>();
  const answerTo = (id: number): Promise<Said> => new Promise((resolve, reject) => void waiting.set(id, { resolve, reject }));
  createInterface({ input: server.stdout }).on("line", (line) => {
    // Delta prints to the same output: "Deleted 1 files".
    if (!line.startsWith('{"id":')) return;
    const said = JSON.parse(line) as Said;
    waiting.get(said.id)?.resolve(said);
    waiting.delete(said.id);
  });
  ended.then(() => {
    const said = readFileSync(log, "utf8").trim().split("\n").slice(-5).join("\n");
    for (const one of waiting.values()) one.reject(new Error(`Spark has ended:\n${said}`));
  });
  const { version } = await answerTo(0);
  let requests = 0;

  async function ask(request: object): Promise<Answer> {
    const id = ++requests;
    const answer = answerTo(id);
    server.stdin.write(`${JSON.stringify({ id, ...request })}\n`);
    const said = await answer;
    if (said.error) throw new SparkError(said.error);
    return said;
  }

  return {
    version,
    run: (sql, args = {}, { files = false } = {}) => ask({ op: "exec", sql, args, files }),
    async load(table, schema, path) {
      await ask({ op: "load", table, schema, path });
    },
    async stop() {
      server.stdin.end();
      server.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
