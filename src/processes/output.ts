import { constants } from "node:fs";
import { type FileHandle, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { StringDecoder } from "node:string_decoder";
import { excerpt } from "../lib/log-excerpt.ts";
import { makeOwnDirectory, openOwn } from "../lib/plain-file.ts";
import type { Redaction } from "../lib/redaction/redactor.ts";

const tailLines = 40;

/** Kept until the end, because the error may stand before a long goodbye. */
const searchedLines = 400;
const searchedLetters = 256 * 1024;

/** A log is kept as an artifact, so a flood of output must fill neither the disk nor the artifact store. */
const longestLogBytes = 64 * 1024 * 1024;

/** How long to keep reading after the processes ended: an undetected process may still hold the pipe open. */
const drainMs = 1_000;

/** A line that a process still writes is complete sooner. */
const unfinishedMs = 100;

export interface OutputOptions {
  /** Called with every line, without its line end, as soon as it is complete. */
  onLine: (line: string) => void;
  /** Called with a line that has no line end yet, such as a prompt, once nothing follows it for a moment. It is not redacted. */
  onUnfinished?: (text: string) => void;
  /** Redacts the lines before they reach the log, the tail or `onLine`. */
  redaction?: Pick<Redaction, "lines">;
}

export interface CapturedOutput {
  /** At most 40 lines, oldest first: around the error near the end, otherwise the last ones. */
  tail(): string[];
  /** Reads what is still in the pipes and closes the log. Call once, after the processes ended. */
  close(): Promise<void>;
}

interface Log {
  logFile: string;
  file: FileHandle;
}

/** Replaces an existing file; never writes through a link. */
export async function openLog(logFile: string): Promise<Log> {
  await makeOwnDirectory(dirname(logFile));
  // Removes whatever is there. Of a link, only the link itself.
  await rm(logFile, { force: true });
  const file = await openOwn(logFile, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
  return { logFile, file };
}

/** Streams line by line. If the log cannot be written fast enough, the process has to wait, so memory doesn't grow. */
export function captureOutput(
  streams: readonly Readable[],
  { logFile, file }: Log,
  { onLine, onUnfinished, redaction }: OutputOptions,
): CapturedOutput {
  const log = file.createWriteStream();
  const tail: string[] = [];
  let tailLetters = 0;
  let logBytes = 0;
  let logging = true;

  // A full disk must not stop the tests. The message appears where readers of the log would look for the rest.
  log.on("error", (error) => {
    logging = false;
    keep(`(the log ${logFile} could not be written: ${error.message})`);
    for (const stream of streams) stream.resume();
  });

  function keep(line: string): void {
    tail.push(line);
    tailLetters += line.length;
    while (tail.length > searchedLines || (tailLetters > searchedLetters && tail.length > tailLines))
      tailLetters -= tail.shift()?.length ?? 0;
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
    let waiting: NodeJS.Timeout | undefined;
    stream.on("data", (chunk: Buffer) => {
      clearTimeout(waiting);
      take(redact(splitter.write(chunk)));
      const { unfinished } = splitter;
      if (onUnfinished && unfinished !== "") waiting = setTimeout(onUnfinished, unfinishedMs, unfinished);
    });
    stream.once("close", () => {
      clearTimeout(waiting);
      take(redact(splitter.end()));
      closed.resolve();
    });
    return closed.promise;
  });

  return {
    tail: () => excerpt(tail, tailLines),
    async close() {
      const giveUp = setTimeout(() => {
        for (const stream of streams) stream.destroy();
      }, drainMs);
      await Promise.all(ends);
      clearTimeout(giveUp);
      log.end();
      // The listener above has already reported its failure.
      await finished(log).catch(() => undefined);
    },
  };
}

/** Longer lines are cut, so that output without line ends cannot fill the memory. In UTF-16 units. */
const longestLine = 8_192;

/** Splits a stream of bytes into lines. A chunk may end anywhere, even inside a character. */
export class LineSplitter {
  readonly #decoder = new StringDecoder("utf8");
  #line = "";
  #cut = false;

  write(chunk: Buffer): string[] {
    return this.#split(this.#decoder.write(chunk));
  }

  /** What follows the last line end. */
  get unfinished(): string {
    return this.#line;
  }

  /** The last line, if it has no line end. */
  end(): string[] {
    const lines = this.#split(this.#decoder.end());
    return this.#line === "" ? lines : [...lines, this.#take()];
  }

  #split(text: string): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      this.#append(text.slice(start, end));
      lines.push(this.#take());
      start = end + 1;
    }
    this.#append(text.slice(start));
    return lines;
  }

  #append(part: string): void {
    const room = longestLine - this.#line.length;
    if (part.length > room) this.#cut = true;
    this.#line += part.slice(0, room);
  }

  #take(): string {
    const line = this.#cut ? `${this.#line} … (line cut)` : this.#line.replace(/\r$/, "");
    this.#line = "";
    this.#cut = false;
    return line;
  }
}
