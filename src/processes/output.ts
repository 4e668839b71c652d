import { constants } from "node:fs";
import { type FileHandle, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { makeOwnDirectory, openOwn } from "../lib/plain-file.ts";
import type { Redaction } from "../lib/redaction/redactor.ts";
import { LineSplitter } from "./lines.ts";

const tailLines = 40;

/** A log is kept as an artifact: a flood must fill neither the disk nor the artifact store. */
const longestLogBytes = 64 * 1024 * 1024;

/** How long to go on reading after the processes ended: somebody whom we could not find may still hold the pipe open. */
const drainMs = 1_000;

export interface OutputOptions {
  /** Gets every line, without its line end, as soon as it is there. */
  onLine: (line: string) => void;
  /** Takes secrets out of the lines before anybody sees them: log, tail and `onLine`. */
  redaction?: Pick<Redaction, "lines">;
}

export interface CapturedOutput {
  /** The last lines, oldest first. */
  tail(): string[];
  /** Reads what is still in the pipes, and closes the log. Call it once, after the processes ended. */
  close(): Promise<void>;
}

interface Log {
  logFile: string;
  file: FileHandle;
}

/** Replaces what is there, and never writes behind a link. */
export async function openLog(logFile: string): Promise<Log> {
  await makeOwnDirectory(dirname(logFile));
  // Whatever stands there goes, a link as well; what it leads to stays.
  await rm(logFile, { force: true });
  const file = await openOwn(logFile, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
  return { logFile, file };
}

/** Streams line by line, and never faster than the log can be written: the writer waits, memory does not grow. */
export function captureOutput(
  streams: readonly Readable[],
  { logFile, file }: Log,
  { onLine, redaction }: OutputOptions,
): CapturedOutput {
  const log = file.createWriteStream();
  const tail: string[] = [];
  let logBytes = 0;
  let logging = true;

  // A full disk must not end the tests; it is said where the reader of the log would look for the rest.
  log.on("error", (error) => {
    logging = false;
    keep(`(the log ${logFile} could not be written: ${error.message})`);
    for (const stream of streams) stream.resume();
  });

  function keep(line: string): void {
    tail.push(line);
    if (tail.length > tailLines) tail.shift();
    onLine(line);
  }

  function writeLog(text: string): void {
    if (!logging) return;
    logBytes += Buffer.byteLength(text);
    logging = logBytes <= longestLogBytes;
    if (log.write(logging ? text : `(log cut here: more than ${longestLogBytes / 1024 / 1024} MiB)\n`)) return;
    for (const stream of streams) stream.pause();
    log.once("drain", () => {
      for (const stream of streams) stream.resume();
    });
  }

  function take(shown: string[]): void {
    if (shown.length === 0) return;
    for (const line of shown) keep(line);
    writeLog(`${shown.join("\n")}\n`);
  }

  const ends = streams.map((stream) => {
    const splitter = new LineSplitter();
    const redact = redaction?.lines() ?? ((lines: string[]) => lines);
    const closed = Promise.withResolvers<void>();
    stream.on("data", (chunk: Buffer) => take(redact(splitter.write(chunk))));
    stream.once("close", () => {
      take(redact(splitter.end()));
      closed.resolve();
    });
    return closed.promise;
  });

  return {
    tail: () => [...tail],
    async close() {
      const giveUp = setTimeout(() => {
        for (const stream of streams) stream.destroy();
      }, drainMs);
      await Promise.all(ends);
      clearTimeout(giveUp);
      log.end();
      // Its failure was already said by the listener above.
      await finished(log).catch(() => undefined);
    },
  };
}
