import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseLedger, readLedger } from "../../src/cleanup/ledger/ledger.ts";

// A hundred megabytes, on two cores that run other tests too.

test("a missing ledger is empty", async () => {
  const ledger = await readLedger("/nowhere/ledger.jsonl");
  expect(ledger).toEqual({ rows: new Map(), keys: new Set(), problems: [] });
});

test("rows and keys are read, and anything else is reported with its line", () => {
  const ledger = parseLedger(
    '{"table":"sessions.classroom_sessions","id":"a"}\n{"key":"session:a"}\nnonsense\n{"table":"x"}\n{"key":""}\n',
  );
  expect(ledger.rows.get("sessions.classroom_sessions")).toEqual(new Set(["a"]));
  expect(ledger.keys).toEqual(new Set(["session:a"]));
  expect(ledger.problems).toEqual([3, 4, 5].map((line) => `ledger line ${line} is not {"table", "id"} or {"key"}`));
});

test("wherever a writer is stopped in its last line, every line before it counts", () => {
  const entry = fc.oneof(
    fc.record({ table: fc.constantFrom("a.b", "c.d"), id: fc.string({ minLength: 1 }) }),
    fc.record({ key: fc.string({ minLength: 1 }) }),
  );
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), fc.nat(), (entries, cut) => {
      const lines = entries.map((item) => `${JSON.stringify(item)}\n`);
      const whole = parseLedger(lines.join(""));
      const last = lines.at(-1) ?? "";
      const torn = parseLedger(lines.slice(0, -1).join("") + last.slice(0, cut % last.length));
      const expected = parseLedger(lines.slice(0, -1).join(""));
      // Cut just before its line end, the last entry is still complete.
      return [expected, whole].some(
        (ledger) =>
          JSON.stringify([...ledger.rows].map(([table, ids]) => [table, [...ids]])) ===
            JSON.stringify([...torn.rows].map(([table, ids]) => [table, [...ids]])) &&
          [...ledger.keys].join() === [...torn.keys].join(),
      );
    }),
  );
});

describe("after an incomplete entry on the same line", () => {
  const found = (content: string | Uint8Array) => {
    const { rows, keys, problems } = parseLedger(content);
    return { entries: [...[...rows].flatMap(([table, ids]) => [...ids].map((id) => `${table}/${id}`)), ...keys], problems };
  };
  const torn = (place: string) => `ledger line ${place} is incomplete: the writer was stopped while writing it`;

  test.each([
    ['{"table":"a","i{"key":"x"}\n', ["x"], [torn("1, bytes 1 to 15,")]],
    ['{"table":"a","id":"{"key":"x"}\n', ["x"], [torn("1, bytes 1 to 19,")]],
    ['{"table":"a","id":"b\\{"key":"x"}\n', ["x"], [torn("1, bytes 1 to 21,")]],
    ['{{"key":"x"}\n', ["x"], [torn("1, bytes 1 to 1,")]],
    ['{"table":"a","id":"b"}{"key":"x"}\n', ["a/b", "x"], []],
    ['{"table":"a","id":"b"}{"key":"x"', ["a/b"], [torn("1, bytes 23 to 32,")]],
    ['{"ke{"ke{"key":"x"} {"key":"y"}\r{"k\n', ["x", "y"], [torn("1, bytes 1 to 8,"), torn("1, bytes 32 to 35,")]],
    ['{"table":"a","i{"table":"b","id":"x","by":{"pid":1,"at":["{",{"n":2}]}}\n', ["b/x"], [torn("1, bytes 1 to 15,")]],
    // A part of an incomplete entry doesn't count, although it looks like one.
    ['{"by":{"key":"x"},"table":"a","i\n', [], [torn("1")]],
    ['{"table":"a","id":"{\\"key\\":\\"x\\"}\n', [], ['ledger line 1 is not {"table", "id"} or {"key"}']],
    ['{"by": {"key":"x"} , "table":"a","i\n', [], [torn("1")]],
    ['{"by":[{"key":"x"}],"table":"a","i\n', [], [torn("1")]],
    // Read as a whole, this is an entry whose id looks like one.
    ['{"table":"a","id":"{\\"key\\":\\"x\\"}"}\n', ['a/{"key":"x"}'], []],
    [
      'nonsense {"key":"x"} nonsense\n{"key":"y"}',
      ["x", "y"],
      [1, 2].map((n) => `ledger line 1, bytes ${n === 1 ? "1 to 9" : "21 to 29"}, is not {"table", "id"} or {"key"}`),
    ],
  ])("%j", (content, entries, problems) => {
    expect(found(content)).toEqual({ entries, problems });
  });

  test("byte order marks and Windows line ends are accepted anywhere", () => {
    expect(found('\ufeff{"key":"x"}\r\n\r\n\ufeff{"key":"y"}\r\n\ufeff\n{"ke\ufeff{"key":"z"}\n')).toEqual({
      entries: ["x", "y", "z"],
      problems: [torn("5, bytes 1 to 7,")],
    });
  });

  test("invalid UTF-8 is reported, and hides nothing", () => {
    const latin = Buffer.from('{"table":"a","id":"caf\xe9"}\n{"key":"x"}\n', "latin1");
    expect(found(latin)).toEqual({ entries: ["x"], problems: ["ledger line 1 is not UTF-8"] });
    const cut = Buffer.concat([Buffer.from('{"key":"café"}').subarray(0, -3), Buffer.from('{"key":"x"}\n')]);
    expect(found(cut)).toEqual({ entries: ["x"], problems: [torn("1, bytes 1 to 12,")] });
    const utf16 = Buffer.from('{"key":"y"}\r\n{"key":"z"}\r\n', "utf16le");
    expect(found(Buffer.concat([utf16, Buffer.from('\n{"key":"x"}\n')]))).toMatchObject({
      entries: ["x"],
      problems: [expect.stringContaining("ledger line 1 "), expect.stringContaining("ledger line 2 "), expect.anything()],
    });
  });

  test("NUL bytes from a machine crash are reported, and hide nothing", () => {
    const nul = "has only NUL bytes, as after a power failure";
    expect(found(`{"key":"x"}\n${"\0".repeat(4096)}{"key":"y"}\n\0\0\n{"key":"z"}\0\n`)).toEqual({
      entries: ["x", "y", "z"],
      problems: [`ledger line 2, bytes 1 to 4096, ${nul}`, `ledger line 3 ${nul}`, `ledger line 4, bytes 12 to 12, ${nul}`],
    });
    // With one inside, it is another name.
    expect(found('{"key":"x\0y"}\n').entries).toEqual([]);
  });

  test("names that are too long are refused and named", () => {
    const long = [{ key: "x".repeat(4097) }, { table: "a", id: "x".repeat(4097) }, { table: "x".repeat(768), id: "b" }];
    expect(found(long.map((entry) => `${JSON.stringify(entry)}\n`).join(""))).toEqual({
      entries: [],
      problems: [
        ["key", 4096],
        ["id", 4096],
        ["table", 767],
      ].map(([what, most], index) => `ledger line ${index + 1} names a ${what} of more than ${most} characters`),
    });
  });

  /** How a writer writes its entries, and what happens to some of them. */
  const name = fc.string({
    unit: fc.oneof(fc.constantFrom("{", "}", '"', "\\", "\n", "é", "😀", ":", ","), fc.string({ minLength: 1, maxLength: 1 })),
    minLength: 1,
    maxLength: 8,
  });
  const entry = fc.oneof(fc.record({ table: fc.constantFrom("a.b", "c.d"), id: name }), fc.record({ key: name }));
  const writes = fc.record({
    entry,
    ends: fc.constantFrom<[string, string]>(["", "\n"], ["\n", "\n"], ["", "\r\n"], ["\n", ""], ["\ufeff", "\n"]),
    more: fc.constantFrom({}, { by: { tool: '{"key":"no"}', pid: 7 } }),
    indent: fc.constantFrom(undefined, "\t"),
  });
  const accident = fc.oneof(
    { weight: 3, arbitrary: fc.tuple(writes, fc.double({ min: 0, max: 0.99, noNaN: true })) },
    { weight: 1, arbitrary: fc.constantFrom("\0\0\0", "\xff\xfe", "nonsense") },
  );

  test("every whole entry is found between incomplete ones, and none that was never written", () => {
    const bytesOf = ({
      entry: own,
      ends,
      more,
      indent,
    }: {
      entry: object;
      ends: [string, string];
      more: object;
      indent?: string;
    }) => Buffer.from(`${ends[0]}${JSON.stringify({ ...own, ...more }, undefined, indent).replaceAll("\n", "")}${ends[1]}`);
    const text = (item: { table?: string; id?: string; key?: string }) => item.key ?? `${item.table}/${item.id}`;
    fc.assert(
      fc.property(fc.array(fc.oneof(writes, accident), { minLength: 1, maxLength: 12 }), (pieces) => {
        const acknowledged: string[] = [];
        // An incomplete one may lack only its line end.
        const possible: string[] = [];
        let broken = false;
        const content = pieces.map((piece) => {
          if (typeof piece === "string") return Buffer.from(piece, "latin1");
          if (!Array.isArray(piece)) {
            acknowledged.push(text(piece.entry));
            return bytesOf(piece);
          }
          const [cut, share] = piece;
          possible.push(text(cut.entry));
          broken = true;
          const whole = bytesOf(cut);
          return whole.subarray(0, Math.floor(whole.length * share));
        });
        const { entries, problems } = found(Buffer.concat(content));
        expect(entries).toEqual(expect.arrayContaining(acknowledged));
        for (const one of entries) expect([...acknowledged, ...possible]).toContain(one);
        if (!broken && pieces.every((piece) => typeof piece !== "string")) expect(problems).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test("a file is read like the text, wherever its chunks end", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ledger-"));
    try {
      const file = join(folder, "ledger.jsonl");
      const line = (n: number) => `{"key":"${n}:é😀${"x".repeat(n % 997)}"}${n % 5 ? "\n" : '{"torn'}`;
      const content = Array.from({ length: 5000 }, (_, n) => line(n)).join("");
      writeFileSync(file, content);
      const read = await readLedger(file);
      expect(read.keys.size).toBe(5000);
      expect(read).toEqual(parseLedger(content));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("a ledger of unexpected size", () => {
  test("every entry is found without a single line end", () => {
    const content = Array.from({ length: 100_000 }, (_, n) => `{"key":"${n}:${"x".repeat(20)}"}`).join("");
    expect(content.length).toBeGreaterThan(3_000_000);
    const { keys, problems } = parseLedger(content);
    expect([keys.size, problems]).toEqual([100_000, []]);
  });

  test("an entry after megabytes of nonsense on its line is found, and line and bytes are reported", () => {
    const { keys, problems } = parseLedger(`\n${"x".repeat(3_000_000)}{"key":"k"}\n`);
    expect(keys).toEqual(new Set(["k"]));
    expect(problems.at(-1)).toMatch(/^ledger line 2, bytes \d+ to 3000000, is not/);
  });

  // With work quadratic in the length, each would take hours.
  test.each([
    ["objects in objects", '{"a":'],
    ["lists in lists", "["],
    ["lists and objects", '[{"a":'],
    ["braces", "{"],
    ["unterminated texts", '{"'],
    ["texts with braces", '{"a":"b'],
    ["escapes", '{"\\"'],
    ["invalid entries", '{"a":1}'],
    ["entries in texts", '"{"key":"'],
    ["NUL bytes", "\0"],
    ["lines", "x\n"],
  ])("four million bytes of %s take no more than a few seconds", (_, unit) => {
    const { keys, rows, problems } = parseLedger(unit.repeat(Math.ceil(4e6 / unit.length)));
    expect([keys.size, rows.size]).toEqual([0, 0]);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.length).toBeLessThanOrEqual(1001);
  });

  // In the long suite, because it takes as long as all others together.
  test.runIf(process.env.LONG)(
    "a hundred megabytes are read in little memory, and at most a thousand problems are reported",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "ledger-"));
      try {
        const file = join(folder, "ledger.jsonl");
        const block = Array.from(
          { length: 10_000 },
          (_, n) => `\n{"table":"sessions.classroom_sessions","id":"integration_test_${n}"}\n`,
        );
        for (let n = 0; n < 150; n++) writeFileSync(file, `${block.join("")}{"table":"a.b","i`, { flag: "a" });
        expect(statSync(file).size).toBeGreaterThan(100e6);
        const code = `import { readLedger } from ${JSON.stringify(join(import.meta.dirname, "../../src/cleanup/ledger/ledger.ts"))};
        const before = process.resourceUsage().maxRSS;
        const started = performance.now();
        const { rows, problems } = await readLedger(${JSON.stringify(file)});
        const kilobytes = process.resourceUsage().maxRSS - before;
        console.log(JSON.stringify({ ids: rows.get("sessions.classroom_sessions").size, problems: problems.length, kilobytes, ms: Math.round(performance.now() - started) }));`;
        const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", code], { encoding: "utf8" });
        expect(stderr).toBe("");
        const told = JSON.parse(stdout) as { ids: number; problems: number; kilobytes: number; ms: number };
        console.log(
          `a ledger of ${Math.round(statSync(file).size / 1e6)} MB: ${told.ms} ms, ${Math.round(told.kilobytes / 1000)} MB`,
        );
        expect(told).toMatchObject({ ids: 10_000, problems: 150 });
        expect(told.kilobytes).toBeLessThan(200_000);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
});
