/** Where things are in a report, found by its text alone, so that nothing here depends on the reader. */
export interface Anatomy {
  syntax: "xml" | "json" | "lines" | "tap";
  /** One character for each byte. */
  text: string;
  /** What says that a test failed. Nothing may be inserted there: then nobody can tell that it was a failure. */
  markers: Span[];
  /** Numbers of tests in headers, plans and summaries. */
  counts: Span[];
  /** The words that say how a test ended, without quotes. */
  words: Span[];
  /** Whole elements, objects in an array, or lines. */
  parts: Span[];
  /** Single closing tags, brackets, or lines that are no failure. */
  ends: Span[];
}

export interface Span {
  start: number;
  end: number;
}

function spans(text: string, pattern: RegExp, group = 0): Span[] {
  const found: Span[] = [];
  for (const match of text.matchAll(pattern)) {
    const part = match[group];
    if (part === undefined) continue;
    const start = match.index + (group === 0 ? 0 : match[0].lastIndexOf(part));
    found.push({ start, end: start + part.length });
  }
  return found;
}

const statusAttribute = /\b(?:outcome|result|status|success|executed)="([^"]*)"/g;
const countAttribute =
  /\b(?:tests|failures|errors|skipped|disabled|total|passed|failed|ignored|inconclusive|not-run|invalid|executed|pass|fail|skip)="(\d+)"/g;
const statusKey = /"(?:status|state|outcome|result)":\s*"(\w+)"/g;
const countKey =
  /"(?:num\w+Tests|num\w+TestSuites|tests|passes|pending|failures|passed|failed|skipped|other|total|expected|unexpected|example_count|failure_count|pending_count|errors_outside_of_examples_count)":\s*(\d+)/g;
const failureKey =
  /"(?:status|state|outcome|result|expectedStatus|fail|failed|pass|passed|err|error|errors|failureMessages|ok|Action|success|pending|skipped|numFailed\w*|failures|failure_count|errors_outside_of_examples_count|unexpected)":\s*(?:"[^"]*"|true|false|null|-?\d+|\[|\{\s*"?)/g;

/** @param name its extension tells TAP and lines from the rest */
export function anatomyOf(name: string, bytes: Uint8Array): Anatomy {
  const text = Buffer.from(bytes).toString("latin1");
  if (name.endsWith(".tap"))
    return {
      syntax: "tap",
      text,
      markers: spans(text, /^ *not ok.*$/gm),
      counts: [...spans(text, /^ *1\.\.(\d+)/gm, 1), ...spans(text, /^# (?:pass|fail|skip|todo|tests) +(\d+)/gm, 1)],
      words: spans(text, /^ *((?:not )?ok)\b/gm, 1),
      parts: spans(text, /^.*\n/gm),
      // Without its first line, a block is text that says nothing.
      ends: spans(text, /^(?! *(?:not ok|---)).*\n/gm),
    };
  if (/\.(?:jsonl|ndjson)$/.test(name))
    return {
      syntax: "lines",
      text,
      markers: spans(text, failureKey),
      counts: [],
      words: [...spans(text, /"Action":"(pass|fail|skip)"/g, 1), ...spans(text, /"(?:status|result)":"(\w+)"/g, 1)],
      parts: spans(text, /^.*\n/gm),
      ends: spans(text, /\}(?=\n)/g),
    };
  if (text.startsWith("<"))
    return {
      syntax: "xml",
      text,
      markers: [
        ...spans(text, /<\/?\w*(?:failure|error|Failure|Error)\b[^>]*>/g),
        ...spans(text, statusAttribute),
        ...spans(text, countAttribute),
      ],
      counts: spans(text, countAttribute, 1),
      words: spans(text, statusAttribute, 1),
      parts: elements(text),
      ends: spans(text, /<\/[\w-]+>/g),
    };
  const { objects, closings } = brackets(text);
  return {
    syntax: "json",
    text,
    markers: spans(text, failureKey),
    counts: spans(text, countKey, 1),
    words: spans(text, statusKey, 1),
    parts: objects,
    ends: closings,
  };
}

const testElements = /<(testcase|testsuite|test-case|test-suite|test-method|UnitTestResult|test|suite)\b[^>]*>/g;

/** The elements of tests and suites, with all that is in them. */
function elements(text: string): Span[] {
  const found: Span[] = [];
  for (const match of text.matchAll(testElements)) {
    const [tag, name] = match;
    const end = tag.endsWith("/>") ? match.index + tag.length : closing(text, name ?? "", match.index);
    if (end !== undefined) found.push({ start: match.index, end });
  }
  return found;
}

function closing(text: string, name: string, from: number): number | undefined {
  const tags = new RegExp(`<(/?)${name}(?=[\\s>/])[^>]*>`, "g");
  tags.lastIndex = from;
  let depth = 0;
  for (let match = tags.exec(text); match; match = tags.exec(text)) {
    if (match[1]) depth--;
    else if (!match[0].endsWith("/>")) depth++;
    if (depth === 0) return tags.lastIndex;
  }
  return undefined;
}

/** The objects that are in an array, and all brackets that close something. Those in texts are none. */
function brackets(text: string): { objects: Span[]; closings: Span[] } {
  const objects: Span[] = [];
  const closings: Span[] = [];
  const open: { start: number; inArray: boolean }[] = [];
  let last = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    if (character === '"') {
      at++;
      while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
    } else if (character === "{" || character === "[") {
      open.push({ start: at, inArray: character === "{" && (last === "[" || last === ",") });
    } else if (character === "}" || character === "]") {
      const begun = open.pop();
      closings.push({ start: at, end: at + 1 });
      if (begun?.inArray) objects.push({ start: begun.start, end: at + 1 });
    }
    if (character.trim() !== "") last = character;
  }
  return { objects, closings };
}
