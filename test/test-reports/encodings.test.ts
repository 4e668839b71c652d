import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Decoder } from "../../src/test-reports/text/encoding.ts";
import { ForbiddenCharacters } from "../../src/test-reports/text/forbidden.ts";
import { readText } from "./reports.ts";

// What a report declares is decoded. What cannot be read is replaced and said, and never costs a report.

const body =
  '<testsuite name="s" tests="2" failures="1"><testcase name="größer"/><testcase name="b"><failure message="ä"/></testcase>';
const junit = (encoding?: string) => `${encoding ? `<?xml version="1.0" encoding="${encoding}"?>\n` : ""}${body}</testsuite>`;
const swapped = (text: string) => Buffer.from(text, "utf16le").swap16();

describe("an encoding", () => {
  test.each<[string, Uint8Array]>([
    ["UTF-8", Buffer.from(junit("utf-8"))],
    ["UTF-8 with a mark", Buffer.from(`\u{feff}${junit()}`)],
    ["UTF-8 with a mark that declares another", Buffer.from(`\u{feff}${junit("iso-8859-1")}`)],
    ["UTF-8 that declares the UTF-16 of a .NET string", Buffer.from(junit("utf-16"))],
    ["UTF-16 LE with a mark", Buffer.from(`\u{feff}${junit("UTF-16")}`, "utf16le")],
    ["UTF-16 BE with a mark", swapped(`\u{feff}${junit("UTF-16")}`)],
    ["UTF-16 LE without", Buffer.from(junit("UTF-16LE"), "utf16le")],
    ["UTF-16 BE without", swapped(junit())],
    ["ISO-8859-1", Buffer.from(junit("ISO-8859-1"), "latin1")],
    ["ISO-8859-15", Buffer.from(junit("ISO-8859-15"), "latin1")],
    ["windows-1252", Buffer.from(junit("windows-1252"), "latin1")],
    ["Cp1252, Java's name", Buffer.from(junit("Cp1252"), "latin1")],
    ["ISO8859_1, Java's name", Buffer.from(junit("ISO8859_1"), "latin1")],
    ["single quotes and spaces", Buffer.from(`<?xml version = '1.0' encoding = 'latin1' ?>${junit()}`, "latin1")],
  ])("%s is decoded", async (_name, bytes) => {
    const seen: string[] = [];
    const results = await readText(bytes, (one) => seen.push(one.name));
    expect(results).toMatchObject({ total: 2, failed: 1, failures: [{ message: "ä" }] });
    expect(seen).toEqual(["größer", "b"]);
    expect(results.sources).toEqual([{ file: "report", format: "junit", tests: 2 }]);
  });

  test("windows-1251 and windows-1252's own characters are decoded", async () => {
    const cyrillic = Buffer.from('<?xml version="1.0" encoding="windows-1251"?><testsuite><testcase name="??"><error/>');
    cyrillic.set([0xe4, 0xe0], cyrillic.indexOf("??"));
    const results = await readText(Buffer.concat([cyrillic, Buffer.from("</testcase></testsuite>")]));
    expect(results.failures[0]?.name).toBe("да");
    const euro = Buffer.from(
      '<?xml version="1.0" encoding="iso-8859-1"?><testsuite><testcase name="?"><error/></testcase></testsuite>',
    );
    euro[euro.lastIndexOf('?"')] = 0x80;
    expect((await readText(euro)).failures[0]?.name).toBe("€");
  });

  test("JSON in UTF-16 is decoded", async () => {
    const test = { name: "größer", status: "failed", duration: 1 };
    const ctrf = JSON.stringify({ results: { summary: { tests: 1, failed: 1, other: 0 }, tests: [test] } });
    expect((await readText(Buffer.from(`\u{feff}${ctrf}`, "utf16le"))).failures[0]?.name).toBe("größer");
    expect((await readText(swapped(ctrf))).failures[0]?.name).toBe("größer");
  });

  test("one that is not known is said, and read as UTF-8", async () => {
    const results = await readText(junit("cp850"));
    expect(results).toMatchObject({ total: 2, failed: 1 });
    expect(results.sources[0]?.notes).toEqual(["the encoding cp850 is not known, so it was read as UTF-8"]);
  });
});

describe("a character that cannot be read is replaced and said", () => {
  const failing = (text: string) =>
    `<testsuite tests="1" failures="1"><testcase name="a"><failure>${text}</failure></testcase></testsuite>`;

  test.each<[string, Uint8Array | string, string, string]>([
    [
      "a bad byte",
      Buffer.from(failing("broken \u{e3}( bytes"), "latin1"),
      "broken \u{fffd}( bytes",
      "1 place that is not UTF-8 became U+FFFD",
    ],
    ["a reference", failing("esc &#27;[31m"), "esc \u{fffd}[31m", "1 forbidden character became U+FFFD"],
    [
      "references",
      failing("&#0;&#x1b;&#xD800;&#xFFFF;&#x110000;.&#9;."),
      "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}.\t.",
      "5 forbidden characters became U+FFFD",
    ],
    ["a huge reference", failing(`&#${"9".repeat(400)};`), "\u{fffd}", "1 forbidden character became U+FFFD"],
    [
      "raw characters",
      failing("\u{0}a\u{1b}[31mb\u{ffff}"),
      "\u{fffd}a\u{fffd}[31mb\u{fffd}",
      "3 forbidden characters became U+FFFD",
    ],
    [
      "half a pair in UTF-16",
      Buffer.from(`\u{feff}${failing("a\u{d800}b")}`, "utf16le"),
      "a\u{fffd}b",
      "1 place that is not UTF-16LE became U+FFFD",
    ],
  ])("%s", async (_what, content, message, note) => {
    const results = await readText(content);
    expect(results).toMatchObject({ total: 1, failed: 1, failures: [{ message }] });
    expect(results.sources[0]?.notes).toEqual([note]);
  });

  test("in an attribute, too", async () => {
    const results = await readText(
      '<testsuite><testcase name="a&#8;"><failure message="esc &#27;[31m">x</failure></testcase></testsuite>',
    );
    expect(results.failures[0]).toMatchObject({ name: "a\u{fffd}", message: "esc \u{fffd}[31m" });
  });

  test("a reference in CDATA is plain text, and U+FFFD that the tool wrote is no bad byte", async () => {
    const results = await readText(failing("<![CDATA[a &#27; b]]>\u{fffd}<!-- &#27; -->"));
    expect(results.failures[0]?.message).toBe("a &#27; b\u{fffd}");
    expect(results.sources[0]?.notes).toBeUndefined();
  });

  test("raw control characters in JSON", async () => {
    const ctrf = `{"results":{"summary":{"tests":1,"failed":1,"other":0},"tests":[{"name":"a\u{1b}","status":"failed","duration":1}]}}`;
    expect((await readText(ctrf)).failures[0]?.name).toBe("a\u{fffd}");
  });

  test("half a pair in JSON", async () => {
    const failed = { name: "a\ud800", status: "failed", duration: 1, message: "b\udc00 😀" };
    const ctrf = JSON.stringify({ results: { summary: { tests: 1, failed: 1, other: 0 }, tests: [failed] } });
    expect((await readText(ctrf)).failures[0]).toMatchObject({ name: "a\u{fffd}", message: "b\u{fffd} 😀" });
  });

  test("an undefined or unfinished reference stays an error", async () => {
    await expect(readText(failing("&nbsp;"))).rejects.toThrow("undefined entity");
    await expect(readText(failing("&#;"))).rejects.toThrow("malformed XML");
    await expect(readText("<testsuite>&#2")).rejects.toThrow("truncated");
  });
});

const piece = fc.constantFrom(
  ...[
    "&#27;",
    "&#",
    "27;",
    "&amp;",
    "&#x1b;",
    "&#65;",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<!",
    "<",
    "]",
    "-",
    "&",
    ";",
    "x",
    "\u{1b}",
    "é",
    "😀",
  ],
);

function inChunks(text: string, cuts: readonly number[], write: (chunk: string) => string, end: () => string): string {
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
  return (
    places
      .slice(1)
      .map((to, index) => write(text.slice(places[index], to)))
      .join("") + end()
  );
}

test("wherever the chunks are cut, forbidden characters are found", () => {
  const property = fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat(200), { maxLength: 40 }), (pieces, cuts) => {
    const text = pieces.join("");
    const [one, many] = [new ForbiddenCharacters("xml"), new ForbiddenCharacters("xml")];
    const whole = one.write(text) + one.end();
    expect(
      inChunks(
        text,
        cuts,
        (chunk) => many.write(chunk),
        () => many.end(),
      ),
    ).toBe(whole);
    expect(many.replaced).toBe(one.replaced);
    // The same rule without chunks.
    const parts = whole.split(/(<!\[CDATA\[[\s\S]*?(?:\]\]>|$)|<!--[\s\S]*?(?:-->|$))/);
    expect(parts.filter((_, index) => index % 2 === 0).join(" ")).not.toMatch(/&#27;|&#x1b;/);
  });
  fc.assert(property, { numRuns: 2_000 });
});

test("wherever the chunks are cut, bytes are decoded and bad ones counted", () => {
  const names = fc.constantFrom("utf-8", "utf-16le", "utf-16be", "shift_jis", "windows-1252");
  const bytes = fc.array(fc.constantFrom(0xef, 0xbf, 0xbd, 0x41, 0xc3, 0xa9, 0xff, 0xd8, 0xf0, 0x9f), { maxLength: 40 });
  const property = fc.property(names, bytes, fc.integer({ min: 1, max: 5 }), (name, list, size) => {
    const text = Uint8Array.from(list);
    const whole = new TextDecoder(name).decode(text);
    const decoder = new Decoder({ name });
    let decoded = "";
    for (let at = 0; at < text.length; at += size) decoded += decoder.write(text.subarray(at, at + size));
    decoded += decoder.end();
    expect(decoded).toBe(whole);
    if (name !== "utf-8") return;
    const own = Buffer.from(text).toString("latin1").split("\u{ef}\u{bf}\u{bd}").length - 1;
    expect(decoder.replaced).toBe(whole.split("\u{fffd}").length - 1 - own);
  });
  fc.assert(property, { numRuns: 2_000 });
});

test("a chunk full of unfinished marks takes milliseconds", () => {
  for (const mark of ["&#", "<!", "<![CDATA", "&", "&#1", "<!--"]) {
    const characters = new ForbiddenCharacters("xml");
    const chunk = mark.repeat(200_000 / mark.length);
    const before = process.cpuUsage();
    for (let again = 0; again < 5; again++) characters.write(chunk);
    const { user, system } = process.cpuUsage(before);
    expect(user + system, mark).toBeLessThan(500_000);
  }
});
