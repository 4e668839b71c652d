import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { XmlParser } from "../../../src/test-reports/formats/xml/parser.ts";
import { PlainXml, type XmlSink } from "../../../src/test-reports/formats/xml/plain.ts";
import { UnreadableReport } from "../../../src/test-reports/reported.ts";
import { Random } from "../mutations/random.ts";

/** Most XML is not read by the library. It is read as the library would read it: each event and fault, at the same place. */

const folder = join(import.meta.dirname, "../..");
const documents = globSync(["fixtures/reports/*/*.xml", "test-reports/corpus/**/*.xml"], { cwd: folder })
  .sort()
  .map((name) => ({ name, text: readFileSync(join(folder, name), "utf8").slice(0, 20_000).trimStart() }));

const mutations = Number(process.env.CASES ?? 1_500);
const seed = Number(process.env.SEED ?? 4711);

class Recorder implements XmlSink {
  readonly seen: unknown[] = [];
  position: () => string = () => "";
  #depth = 0;

  open(name: string, attributes: Record<string, string>): void {
    this.#depth++;
    this.seen.push(["open", name, Object.entries(attributes), this.position()]);
  }

  close(name: string): void {
    this.#depth--;
    this.seen.push(["close", name, this.position()]);
  }

  text(text: string): void {
    // No format has a use for the space around the outermost element.
    if (this.#depth > 0) this.seen.push(["text", text, this.position()]);
  }

  kept(text: string): string {
    return text;
  }
}

/** @param byLibrary from the beginning */
function read(pieces: readonly string[], byLibrary: boolean): unknown[] {
  const recorder = new Recorder();
  const parser = new XmlParser("report", recorder, byLibrary);
  recorder.position = () => parser.refusal("").position ?? "";
  try {
    for (const piece of pieces) parser.write(piece);
    parser.end();
  } catch (error) {
    if (!(error instanceof UnreadableReport)) throw error;
    recorder.seen.push(["fault", error.message]);
  }
  return recorder.seen;
}

function piecesOf(text: string, size: number): string[] {
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) => text.slice(index * size, (index + 1) * size));
}

test("all documents of the corpus are read as the library reads them, in pieces of any size", () => {
  expect(documents.length).toBeGreaterThan(50);
  for (const { name, text } of documents)
    for (const size of [7, 1_000, text.length])
      expect({ name, size, seen: read(piecesOf(text, size), false) }).toEqual({ name, size, seen: read([text], true) });
});

/** What begins, ends or damages a part. */
const fragments = [
  ...["<", ">", "/", "=", '"', "'", "&", ";", "]", "-", "!", "?", " ", "\n", "\t", "\r\n", "\r", "é", "😀", "a", "1", ":", "."],
  ...["]]>", "<![CDATA[", "<![CDATA[a]]>", "<!--", "-->", "--", "<!-- a -->", "<?a b?>", '<?xml version="1.0"?>', "<!DOCTYPE a>"],
  ...[
    "&amp;",
    "&lt;",
    "&#10;",
    "&#x1F600;",
    "&#0;",
    "&#xD800;",
    "&b;",
    "&;",
    "&#;",
    "&#00000000065;",
    "<a>",
    "</a>",
    "<a/>",
    "<a />",
  ],
  ...[
    ' a="1"',
    ' a="1" a="2"',
    " a='<'",
    ' a="&gt;\t\n"',
    ' a = "1"',
    " a",
    '<é b="c"/>',
    "<a\n  b='c'\n/>",
    "</testcase >",
    "\u{feff}",
  ],
];

test(`${mutations} damaged documents are read as the library reads them`, () => {
  for (let number = 0; number < mutations; number++) {
    const random = new Random(seed, number);
    const { name, text } = random.pick(documents);
    let damaged = text.slice(0, 200 + random.below(3_000));
    for (let change = random.below(4); change > 0; change--) {
      const [at, removed] = [random.below(damaged.length), random.below(3) > 0 ? 0 : random.below(30)];
      damaged = damaged.slice(0, at) + random.pick(fragments) + damaged.slice(at + removed);
    }
    const size = 1 + random.below(random.below(2) > 0 ? 40 : 4_000);
    const what = `${name} (SEED=${seed} case ${number})`;
    expect({ what, seen: read(piecesOf(damaged, size), false) }).toEqual({ what, seen: read([damaged], true) });
  }
});

test("what tools write is read without the library", () => {
  const text = `<?xml version="1.0" encoding="UTF-8"?>
<!-- by a tool -->
<testsuites><testsuite name='a > "b"' tests="2">
  <testcase name="&lt;é&gt;&#10;" time="0.1"/>
  <testcase
    name="b"
  >
    <failure message=""><![CDATA[<a> ]] ]]]>text &amp; more</failure>
  </testcase>
</testsuite></testsuites>
`;
  const recorder = new Recorder();
  const plain = new PlainXml(recorder, (text) => recorder.text(text));
  expect(plain.read(text)).toEqual({ rest: "\n", isStrange: false });
  expect(recorder.seen).toEqual(read([text], true).map((event) => (Array.isArray(event) ? [...event.slice(0, -1), ""] : event)));
});
