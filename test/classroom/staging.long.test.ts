import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

// `npm start -- staging`: production is copied without a person in it, tested on branches of the copy, and not touched.

const root = join(import.meta.dirname, "..", "..");

test("drift, sync, refresh, and the gate on branches of the sanitised copy", { timeout: 600_000 }, async () => {
  const child = spawn(process.execPath, [join(root, "scripts", "start.ts"), "staging"], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [output, [status]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  expect(status, output).toBe(0);
  const inOrder = [
    /drift failed on staging/,
    /sync passed on staging/,
    /drift passed on staging/,
    /refresh passed on staging/,
    /47 tables, [\d,]+ rows, 0 production values found/,
    /preflight passed on staging/,
    /integration passed on staging/,
    /e2e passed on staging/,
    /smoke passed on production/,
    /cleanup passed on staging/,
    /integration .*books: shared tables touched 0, unexplained keys 0/,
    /production untouched: the same checksum over 48 tables and Redis/,
    /nothing left in the copy: no branch of a run, and no working schema/,
  ];
  let from = 0;
  for (const line of inOrder) {
    const at = output.slice(from).search(line);
    expect(at, `${line} after ${from} in:\n${output}`).toBeGreaterThanOrEqual(0);
    from += at;
  }
  const branches = new Set<string>();
  for (const stage of ["integration", "e2e"]) {
    const file = join(root, "examples", "classroom", ".env-actions", "reports", `${stage}.json`);
    const { isolation, books } = JSON.parse(await readFile(file, "utf8"));
    expect(isolation).toMatchObject({ by: "catalog", gone: true, shared: { touched: { least: 0, most: 0 } } });
    expect(isolation.written.rows.least).toBeGreaterThan(0);
    expect(books.line).toMatch(/^shared tables touched 0/);
    for (const branch of isolation.branch) branches.add(branch);
  }
  expect([...branches]).toHaveLength(2);
});
