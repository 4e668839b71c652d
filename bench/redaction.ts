import { randomBytes } from "node:crypto";
import { Redactor } from "../src/index.ts";
import { report, short } from "./result.ts";

/**
 * Measures the speed of redaction: `node bench/redaction.ts`. Redacts 100 MB of test output of several kinds, in chunks as from a
 * pipe, with 10 and with 200 secrets. Compared with the earlier method: replaceAll for each secret. Exit status 1 when slower
 * than the bound.
 */

const megabytes = Number(process.argv.slice(2).find((argument) => /^\d+$/.test(argument)) ?? (short ? 10 : 100));
/** A stage may become 150 ms slower: the time for the output of a large run, 2 MB. */
const slowest = 25;
/** Beside replaceAll, whose time grows with the number of secrets. */
const ratios = { few: 3, many: 0.2 };
const fewSecrets = 10;
const chunkBytes = 65_536;

const kinds: Record<string, (at: number) => string> = {
  "plain lines": (at) =>
    `[12:00:${at % 60}] INFO  service=api request ${at} GET /api/v1/sessions/${at * 7919} took ${at % 97} ms`,
  "coloured lines": (at) => `\u001b[32m  ✓\u001b[39m sessions › creates session ${at} \u001b[90m(${at % 97} ms)\u001b[39m`,
  "JSON lines": (at) =>
    JSON.stringify({
      at,
      msg: `request "GET /api/${at}" done`,
      path: `C:\\app\\${at}`,
      url: `https://h.example/a%20b?c=${at}&d=1`,
    }),
};

function secrets(number: number): string[] {
  return Array.from({ length: number }, (_, at) =>
    at % 5 === 0
      ? `postgres://app:${randomBytes(9).toString("hex")}@db-${at}.example:5432/app`
      : randomBytes(24).toString("base64"),
  );
}

/** As it was at 7b61bfc. */
function replaceAllOf(texts: readonly string[]): (line: string) => string {
  const known = new Set(texts.flatMap((text) => [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text)]));
  return (line) => {
    let result = line;
    for (const secret of [...known].sort((a, b) => b.length - a.length)) result = result.replaceAll(secret, "***");
    return result;
  };
}

function chunksOf(kind: (at: number) => string, bytes: number): string[][] {
  const chunks: string[][] = [];
  for (let size = 0, at = 0; size < bytes; ) {
    const lines: string[] = [];
    for (let length = 0; length < chunkBytes; at++) {
      const line = kind(at);
      lines.push(line);
      length += line.length + 1;
    }
    size += chunkBytes;
    chunks.push(lines);
  }
  return chunks;
}

function megabytesPerSecond(
  chunks: readonly string[][],
  redact: (lines: readonly string[]) => string[],
  most: number,
): { rate: number; lines: number } {
  const startedAt = cpu();
  let lines = 0;
  let size = 0;
  for (const chunk of chunks) {
    lines += redact(chunk).length;
    size += chunkBytes;
    if (cpu() - startedAt > most) break;
  }
  const seconds = (cpu() - startedAt) / 1000;
  return { rate: size / 1e6 / seconds, lines: lines / seconds };
}

const cpu = () => process.cpuUsage().user / 1000;
const row = ({ rate, lines }: { rate: number; lines: number }) =>
  `${rate.toFixed(0).padStart(6)} MB/s ${Math.round(lines).toLocaleString("en").padStart(12)} lines/s`;

for (const number of [10, 200]) {
  const texts = secrets(number);
  const redactor = new Redactor();
  const startedAt = cpu();
  for (const text of texts) redactor.add(text);
  console.log(`\n${number} secrets, made ready in ${(cpu() - startedAt).toFixed(1)} ms`);
  for (const [name, kind] of Object.entries(kinds)) {
    const chunks = chunksOf(kind, megabytes * 1e6);
    const before = replaceAllOf(texts);
    const old = megabytesPerSecond(chunks, (lines) => lines.map(before), short ? 500 : 5_000);
    const now = megabytesPerSecond(chunks, redactor.lines(), 60_000);
    console.log(`${name.padEnd(16)} before ${row(old)}   now ${row(now)}`);
    const milliseconds = ({ rate }: { rate: number }) => (megabytes / rate) * 1_000;
    const isRight = report({
      name: `${number} secrets in ${megabytes} MB of ${name}`,
      unit: "ms of CPU",
      peer: "replaceAll for each, from the first seconds",
      bounds: { ratio: number > fewSecrets ? ratios.many : ratios.few, value: (megabytes / slowest) * 1_000 },
      points: [{ value: milliseconds(now), peer: milliseconds(old) }],
    });
    if (!isRight || now.rate < slowest) process.exitCode = 1;
  }
}
