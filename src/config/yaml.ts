import { type Alias, isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseDocument, type Scalar, visit } from "yaml";
import { type Mistake, positionOf, type Span } from "./mistakes.ts";
import { type Path, pathKey } from "./path.ts";
import { syntaxMistakes } from "./yaml-faults.ts";

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
  if (faults.length > 0) return broken(syntaxMistakes(faults, text));
  if (document.directives?.yaml.explicit && document.directives.yaml.version !== "1.2")
    return broken([{ code: "EA1005", at: { start: 0, end: 0 }, path: [], message: "expected YAML 1.2: remove the %YAML line" }]);
  return new Reader(document.contents, ({ start }) => positionOf(text, start).line).read();
}

function broken(mistakes: Mistake[]): ParsedYaml {
  return { data: undefined, entries: new Map(), mistakes, unread: [], broken: true };
}

/** Converts the document's nodes to plain data, and records their positions. */
class Reader {
  readonly #top: Node | null;
  readonly #lineOf: (span: Span) => number;
  readonly #targets: ReadonlyMap<Alias, Node>;
  readonly #entries = new Map<string, Entry>();
  readonly #mistakes: Mistake[] = [];
  readonly #unread: Path[] = [];
  /** The collections being read. An alias to one of them would never end. */
  readonly #open = new Set<Node>();
  #tooMany = false;

  /** @param lineOf the line of a place, from 1 */
  constructor(top: Node | null, lineOf: (span: Span) => number) {
    this.#top = top;
    this.#lineOf = lineOf;
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
    const firsts = new Map<string, Span>();
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
      else {
        const first = firsts.get(name);
        firsts.set(name, first ?? keyAt);
        if (first === undefined) group[name] = this.#value(value, [...path, name], keyAt, keyAt);
        else
          this.#mistakes.push({
            code: "EA1006",
            at: keyAt,
            path: [...path, name],
            message: `duplicate key: line ${this.#lineOf(first)} has it, too; remove one of the two`,
          });
      }
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
