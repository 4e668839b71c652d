import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  visit,
  type YAMLError,
} from "yaml";
import type { Mistake, Span } from "./mistakes.ts";
import { type Path, pathKey } from "./path.ts";

/** The position of one entry in the file. */
export interface Entry {
  path: Path;
  /** The key's position; absent at the top and in lists. */
  key?: Span;
  value: Span;
  /** Whether this is a single value, not a group or a list. */
  scalar: boolean;
}

export interface ParsedYaml {
  /** The data with aliases resolved; texts are unchanged. */
  data: unknown;
  /** By `pathKey`. */
  entries: Map<string, Entry>;
  mistakes: Mistake[];
  /** Paths of values that could not be read. */
  unread: Path[];
  /** Whether the file is so broken that its data are unusable. */
  broken: boolean;
}

/** After the first faults of a broken file, further ones are mostly noise. */
const brokenPlaces = 3;

/** A table takes about ten, so 5,000 of them fit twice. Nested aliases can create billions of entries in a few lines. */
const mostEntries = 100_000;

/** YAML 1.2, core schema: `no` and `on` are text, and the file can only produce plain data. */
export function parseYaml(text: string): ParsedYaml {
  const document = parseDocument(text, {
    version: "1.2",
    schema: "core",
    resolveKnownTags: false,
    prettyErrors: false,
    // The reader below reports duplicate keys itself and continues.
    uniqueKeys: false,
  });
  const faults = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  if (faults.length > 0)
    return broken(
      firstOfEachLine(faults, text)
        .slice(0, brokenPlaces)
        .map((fault) => syntaxMistake(fault, text)),
    );
  if (document.directives?.yaml.explicit && document.directives.yaml.version !== "1.2")
    return broken([{ code: "EA1005", at: { start: 0, end: 0 }, path: [], message: "expected YAML 1.2: remove the %YAML line" }]);
  return new Reader(document.contents).read();
}

function broken(mistakes: Mistake[]): ParsedYaml {
  return { data: undefined, entries: new Map(), mistakes, unread: [], broken: true };
}

function firstOfEachLine(faults: YAMLError[], text: string): YAMLError[] {
  const lineOf = (fault: YAMLError): number => text.lastIndexOf("\n", fault.pos[0] - 1);
  return faults.filter((fault, index) => index === 0 || lineOf(fault) !== lineOf(faults[index - 1] ?? fault));
}

/** Our own messages, because the library's messages quote the file, and a broken line may hold a secret. */
const faultWords: Partial<Record<YAMLError["code"], string>> = {
  BAD_ALIAS: "the alias names an anchor that is not defined above it (&name)",
  BAD_DIRECTIVE: "remove the line that begins with %: directives are not supported",
  BAD_DQ_ESCAPE: "unknown escape after \\: inside \"…\" write \\\\ for a backslash, or use '…'",
  BAD_INDENT: "wrong indentation: keys of one group begin in the same column, and nested keys further to the right",
  BAD_SCALAR_START: 'put a text that begins with this character in quotes: "…"',
  BLOCK_AS_IMPLICIT_KEY:
    'expected one value, got another "key: value": check the indentation, or put a text that contains ": " in quotes',
  BLOCK_IN_FLOW: "an indented block cannot be inside { } or [ ]: write it without the brackets",
  MISSING_CHAR: "a closing quote, a closing bracket or the colon after a key is missing",
  MULTILINE_IMPLICIT_KEY: 'expected "key: value" on one line: check for a missing colon',
  MULTIPLE_DOCS: "expected one document: remove the line ---",
  RESOURCE_EXHAUSTION: "nested too deeply: use fewer levels",
  TAB_AS_INDENT: "indented with a tab: use spaces",
  TAG_RESOLVE_FAILED: "tags are not supported: remove the word that begins with !",
  UNEXPECTED_TOKEN: "unexpected text: check brackets, quotes and indentation",
};

function syntaxMistake(fault: YAMLError, text: string): Mistake {
  const [start, end] = fault.pos;
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const inBrackets = /[{[,].*:?\s*\$\{/.test(text.slice(lineStart, start + 2));
  const message = inBrackets ? 'put a reference inside { } or [ ] in quotes: "${NAME}"' : faultWords[fault.code];
  return { code: "EA1005", at: { start, end }, path: [], message: `invalid YAML: ${message ?? "this line cannot be parsed"}` };
}

/** Converts the document's nodes to plain data, and records their positions. */
class Reader {
  readonly #top: Node | null;
  readonly #targets: ReadonlyMap<Alias, Node>;
  readonly #entries = new Map<string, Entry>();
  readonly #mistakes: Mistake[] = [];
  readonly #unread: Path[] = [];
  /** The collections being read. An alias to one of them would never end. */
  readonly #open = new Set<Node>();
  #tooMany = false;

  constructor(top: Node | null) {
    this.#top = top;
    this.#targets = aliasTargets(top);
  }

  read(): ParsedYaml {
    const data = this.#top ? this.#value(this.#top, [], undefined, { start: 0, end: 0 }) : undefined;
    return { data, entries: this.#entries, mistakes: this.#mistakes, unread: this.#unread, broken: this.#tooMany };
  }

  #value(node: Node | null, path: Path, key: Span | undefined, fallback: Span): unknown {
    if (isAlias(node)) return this.#alias(node, path, key);
    const at = node ? spanOf(node) : fallback;
    const collection = isMap(node) || isSeq(node);
    if (!this.#note({ path, ...(key ? { key } : {}), value: at, scalar: !collection })) return undefined;
    if (isScalar(node)) return node.value;
    if (!collection) return null;
    this.#open.add(node);
    const value = isMap(node)
      ? this.#group(node.items as Pair<Node, Node | null>[], path)
      : this.#list(node.items as Node[], path, at);
    this.#open.delete(node);
    return value;
  }

  #alias(node: Alias, path: Path, key: Span | undefined): unknown {
    const at = spanOf(node);
    const target = this.#targets.get(node);
    if (target && !this.#open.has(target)) return this.#value(target, path, key, at);
    const message = target
      ? "the alias is inside the value that it refers to: write the value out"
      : "the alias names an anchor that is not defined above it (&name)";
    this.#note({ path, ...(key ? { key } : {}), value: at, scalar: true });
    this.#mistakes.push({ code: "EA1005", at, path, message });
    this.#unread.push(path);
    return undefined;
  }

  #group(pairs: Pair<Node, Node | null>[], path: Path): Record<string, unknown> {
    const group: Record<string, unknown> = {};
    for (const { key, value } of pairs) {
      const keyAt = spanOf(key);
      const name = isScalar(key) ? nameOf(key) : undefined;
      if (name === undefined)
        this.#mistakes.push({
          code: "EA1005",
          at: keyAt,
          path,
          message: "expected a plain word as key: << and aliases are not supported",
        });
      else if (Object.hasOwn(group, name))
        this.#mistakes.push({
          code: "EA1006",
          at: keyAt,
          path: [...path, name],
          message: "duplicate key: remove one of the two",
        });
      else group[name] = this.#value(value, [...path, name], keyAt, keyAt);
    }
    return group;
  }

  #list(items: Node[], path: Path, at: Span): unknown[] {
    return items.map((item, index) => this.#value(item, [...path, index], undefined, at));
  }

  #note(entry: Entry): boolean {
    if (this.#tooMany) return false;
    this.#entries.set(pathKey(entry.path), entry);
    if (this.#entries.size <= mostEntries) return true;
    this.#tooMany = true;
    const message = `more than ${mostEntries} entries, including what aliases repeat: check whether this is the right file`;
    this.#mistakes.push({ code: "EA1004", at: { start: 0, end: 0 }, path: [], message });
    return false;
  }
}

/** A key as written (`1`, `true`); `undefined` for keys with a special meaning in JavaScript or YAML 1.1. */
function nameOf(key: Scalar): string | undefined {
  const name = typeof key.value === "string" ? key.value : (key.source ?? "");
  return name === "__proto__" || name === "<<" || name === "" ? undefined : name;
}

/** Maps each alias to the last anchor of its name above it. */
function aliasTargets(top: Node | null): Map<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(top, {
    Alias(_, alias) {
      const target = anchors.get(alias.source);
      if (target) targets.set(alias, target);
    },
    Value(_, node) {
      if (node.anchor) anchors.set(node.anchor, node);
    },
  });
  return targets;
}

function spanOf(node: Node): Span {
  // Nodes parsed from a file always have a range; only generated nodes lack one.
  const [start, end] = node.range ?? [0, 0];
  return { start, end };
}
