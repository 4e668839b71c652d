import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CanonicalBytes } from "../../src/audit/canonical.ts";
import { type AuditEntry, AuditVerifier, auditLine } from "../../src/audit/chain.ts";

/** The bytes of a line are hashed without parsing it. What the check of today and the check of before say must be the same. */

/** RFC 8785 in the plainest form. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) {
    if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError("not finite");
    return JSON.stringify(value);
  }
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(",")}}`;
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** As every line was checked before: parsed, and written again. */
function isItself(bytes: Uint8Array): boolean {
  try {
    const line = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const { hash, ...content } = JSON.parse(line) as Record<string, unknown>;
    return typeof hash === "string" && sha256(canonical(content)) === hash && canonical({ ...content, hash }) === line;
  } catch {
    return false;
  }
}

/** Whether the bytes alone show that the line is right, and whether the verifier accepts it. */
function judged(bytes: Uint8Array): { isCanonical: boolean; isValid: boolean } {
  const buffer = Buffer.from(bytes);
  const verifier = new AuditVerifier();
  verifier.take(buffer, 0, buffer.length, true);
  return { isCanonical: new CanonicalBytes().read(buffer, 0, buffer.length), isValid: verifier.isValid };
}

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("", '"', "\\", "a\nb\tc", "\u007f", "\u2028", "é", "😀", "\u0000", "\ud800", "__proto__", "hash", "mac", "run"),
);
/** JSON.parse of Node 24 now and then reads a name of a single escaped sign, such as `"\\""`, as a backslash. We write no such name. */
const name = text.filter((each) => each.length !== 1 || JSON.stringify(each).length === 3);
const value = fc.oneof(
  text,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1e21, 1e-7, 999_999_999_999_999, 1_000_000_000_000_000, -1, 0.1),
  fc.boolean(),
  fc.constant(null),
);
const entry = fc
  .record({
    at: fc.constant("2026-11-23T17:14:12.300Z"),
    who: text,
    run: text,
    environment: text,
    stage: fc.constant("cleanup"),
    action: fc.constantFrom("decision", "statement"),
    details: fc.dictionary(name, fc.oneof(value, fc.array(value, { maxLength: 2 }), fc.dictionary(name, value, { maxKeys: 2 }))),
    counts: fc.dictionary(name, value),
  })
  .map((each) => each as unknown as AuditEntry);

const usual = auditLine(
  "0".repeat(64),
  {
    at: "2026-11-23T17:14:12.300Z",
    who: "Zoë",
    run: "1763917800000_9f3c1a7e",
    gate: "1763917800000_00000000",
    environment: "sandbox",
    stage: "cleanup",
    action: "statement",
    details: { what: "delete", statement: 'DELETE FROM "a\\b"', problem: "503 – later", ok: true, left: false },
    counts: { "sessions.a": 12, "sessions.b": -3, keys: 0 },
  } as unknown as AuditEntry,
  { sequence: 7, key: "a-key-of-the-audit-log-4711" },
).line;

describe("a line's bytes", () => {
  test("are enough for lines as they are, also with other letters, escapes and an HMAC", () => {
    expect(judged(Buffer.from(usual))).toEqual({ isCanonical: true, isValid: true });
  });

  test("of any entry are judged as before, and what we write is valid", () => {
    fc.assert(
      fc.property(entry, fc.option(text, { nil: undefined }), fc.option(fc.nat(), { nil: undefined }), (one, key, sequence) => {
        const { line } = auditLine(undefined, one, { key: key || undefined, sequence });
        const bytes = Buffer.from(line);
        const { isCanonical, isValid } = judged(bytes);
        expect(isValid, line).toBe(true);
        expect(isItself(bytes)).toBe(true);
        // The shortcut may decline, but never accept what is not canonical.
        if (isCanonical) expect(canonical(JSON.parse(line))).toBe(line);
      }),
      { numRuns: 1_000 },
    );
  });

  test("with any single byte changed, removed or added are judged as before: not valid", () => {
    const bytes = Buffer.from(usual);
    for (let at = 0; at < bytes.length; at++) {
      const before = bytes[at] as number;
      for (let byte = 0; byte < 256; byte++) {
        if (byte === before || byte === 0x0a) continue;
        bytes[at] = byte;
        if (judged(bytes).isValid) expect.fail(`byte ${at} may be ${byte} in place of ${before}`);
      }
      bytes[at] = before;
      const removed = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
      if (judged(removed).isValid) expect.fail(`byte ${at} may be missing`);
      for (const byte of ' \t\r",:0a\\'.split("").map((sign) => sign.charCodeAt(0))) {
        const added = Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at)]);
        if (judged(added).isValid) expect.fail(`${byte} may be added before byte ${at}`);
      }
    }
    expect(judged(bytes).isValid).toBe(true);
  });

  test("that say the same in another way are not canonical, though their hash is right", () => {
    const line = JSON.parse(usual) as Record<string, unknown>;
    const details = canonical(line.details);
    const changes: Record<string, string> = {
      "white space after a comma": usual.replace(',"at"', ', "at"'),
      "white space after a colon": usual.replace('"at":', '"at": '),
      "white space at the end": `${usual} `,
      "white space at the start": ` ${usual}`,
      "a byte order mark": `\ufeff${usual}`,
      "members in another order": usual.replace(/^\{("action":"statement"),(.*)\}$/, "{$2,$1}"),
      "an inner object in another order": usual.replace(details, details.replace(/^\{("left":false),("ok":true)/, "{$2,$1")),
      "a member twice": usual.replace('"action":"statement"', '"action":"statement","action":"statement"'),
      "an inner member twice": usual.replace('"ok":true', '"ok":true,"ok":true'),
      "a hash twice": usual.replace(/("hash":"[0-9a-f]+")/, '"hash":"x",$1'),
      "an escaped letter": usual.replace("sandbox", "s\\u0061ndbox"),
      "an escaped letter in a name": usual.replace('"who"', '"\\u0077ho"'),
      "an escaped slash": usual.replace("DELETE", "DEL\\/ETE"),
      "an escaped letter outside ASCII": usual.replace("ë", "\\u00eb"),
      "a longer escape": usual.replaceAll("\\\\", "\\u005c"),
      "an exponent": usual.replace('"sessions.a":12', '"sessions.a":1.2e1'),
      "a fraction of zero": usual.replace('"sessions.a":12', '"sessions.a":12.0'),
      "a leading zero": usual.replace('"sessions.a":12', '"sessions.a":012'),
      "minus zero": usual.replace('"keys":0', '"keys":-0'),
      "too many digits": usual.replace('"sessions.a":12', '"sessions.a":12000000000000000001'),
      "more after it": `${usual}{}`,
      "a hash in capitals": usual.replace(/"hash":"([0-9a-f]+)"/, (_, hash: string) => `"hash":"${hash.toUpperCase()}"`),
    };
    for (const [what, changed] of Object.entries(changes)) {
      if (!what.startsWith("an inner object")) expect(changed, what).not.toBe(usual);
      if (changed === usual) continue;
      const bytes = Buffer.from(changed);
      expect(judged(bytes).isValid, what).toBe(false);
      expect(isItself(bytes), what).toBe(false);
    }
  });

  // Whoever changes a line can also give it the hash of what it says now. Then only its form decides, and the chain.
  test("that somebody wrote in another form and hashed are judged as before", () => {
    const bits = fc.constantFrom(
      " ",
      "\\u0061",
      "\\/",
      "1.0",
      "1e2",
      "-0",
      "01",
      '"a":1,',
      '"b":1,"a":1,',
      "\ufeff",
      "[",
      "nul",
      "\u0001",
      "\u0080",
    );
    fc.assert(
      fc.property(entry, fc.nat(), bits, (one, at, bit) => {
        const { line } = auditLine(undefined, one);
        const place = at % line.length;
        const forged = line.slice(0, place) + bit + line.slice(place);
        const hashes = [
          // Of the bytes without the member `hash`, which is what the shortcut computes; and of the canonical text.
          sha256(forged.replace(/,"hash":"[0-9a-f]{64}"/, "")),
          rehashed(forged),
        ];
        for (const hash of hashes) {
          const bytes = Buffer.from(forged.replace(/"hash":"[0-9a-f]{64}"/, `"hash":"${hash}"`));
          expect(judged(bytes).isValid).toBe(isItself(bytes));
        }
      }),
      { numRuns: 1_500 },
    );
  });

  test("that are no UTF-8 are never valid, even if their hash is right", () => {
    for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc3]]) {
      const place = Buffer.from(usual).indexOf("sandbox");
      const whole = Buffer.from(usual);
      const changed = Buffer.concat([whole.subarray(0, place), Buffer.from(bytes), whole.subarray(place)]);
      const start = changed.indexOf(',"hash"');
      const content = Buffer.concat([changed.subarray(0, start), changed.subarray(start + 74)]);
      changed.write(createHash("sha256").update(content).digest("hex"), start + 9);
      expect(judged(changed).isValid).toBe(false);
    }
  });
});

function rehashed(line: string): string {
  try {
    const { hash: _, ...content } = JSON.parse(line) as Record<string, unknown>;
    return sha256(canonical(content));
  } catch {
    return "0".repeat(64);
  }
}

test("the HMAC of a line is that of its canonical text without hash and HMAC", () => {
  fc.assert(
    fc.property(entry, fc.string({ minLength: 1 }), (one, key) => {
      const { line } = auditLine(undefined, one, { key, sequence: 1 });
      const { hash: _, mac, ...content } = JSON.parse(line) as Record<string, unknown>;
      expect(mac).toBe(createHmac("sha256", key).update(canonical(content)).digest("hex"));
      for (const [given, fault] of [
        [key, undefined],
        [`${key}x`, "wrongMac"],
      ] as const) {
        const bytes = Buffer.from(line);
        expect(new AuditVerifier(given).take(bytes, 0, bytes.length, true)).toBe(fault);
      }
    }),
  );
});
