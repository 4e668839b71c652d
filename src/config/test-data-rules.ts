import { singularsOf } from "../lib/count.ts";
import { layersOf } from "../lib/layers.ts";
import { suggestion } from "../lib/nearest.ts";
import { applicationKeys, presetProtection, resolveTables } from "./classwaves.ts";
import { defaults as defaultsOfFile } from "./defaults.ts";
import { type Conflict, type Data, group, list, type Path, quote, text, texts, valueAt } from "./path.ts";
import { type Preset, presetOf } from "./preset.ts";
import { isProtected } from "./protection.ts";
import type { Table } from "./schema.ts";

/** The readable parts of `testData`, with defaults for the rest. */
interface Known {
  preset: Preset;
  tables: Record<string, Table>;
  protectedTables: string[];
  protectedKeys: string[];
}

const { testData: defaults } = defaultsOfFile;

/**
 * Finds contradictions between the parts of `testData`. It rejects everything that could take a production row for test data, or
 * that makes a plan impossible, before anything is sent.
 */
export async function testDataConflicts(data: Data, written: Data): Promise<Conflict[]> {
  const own = group(valueAt(data, ["testData", "tables"]));
  const preset = presetOf(data);
  const known: Known = {
    preset,
    tables: resolveTables({
      preset,
      tables: await readable(own),
    }),
    protectedTables: texts(valueAt(data, ["testData", "protectedTables"])) ?? defaults.protectedTables,
    protectedKeys: texts(valueAt(data, ["testData", "protectedKeys"])) ?? defaults.protectedKeys,
  };
  // A table with a mistake of its own still counts as declared.
  const declared = new Set([...Object.keys(known.tables), ...Object.keys(own)]);
  const suggest = suggestions([...declared]);
  const inCircles = tablesInCircles(known.tables);
  return [
    ...prefixesOfProduction(data, known),
    ...Object.entries(own).flatMap(([name, table]) => [
      ...protectedDeclaration(name, known.protectedTables),
      ...unknownParents(name, table, declared, { suggest, written }),
      ...(inCircles.has(name) ? [circle(name)] : []),
    ]),
    ...unknownSweeps(data, known),
    ...unknownKeeps(data, known, own),
    ...namespacesOfProduction(data, known),
    ...missingProtection(known),
  ];
}

async function readable(own: Record<string, unknown>): Promise<Record<string, Table>> {
  const written = Object.entries(own);
  if (written.length === 0) return {};
  const { tableSchema } = await import("./test-data-schema.ts");
  const read = written.flatMap(([name, table]) => {
    const result = tableSchema.safeParse(table);
    return result.success ? [[name, result.data] as const] : [];
  });
  return Object.fromEntries(read);
}

/** For example, `teacher_` is long enough for a prefix, but starts the id of every real teacher. */
function prefixesOfProduction(data: Data, known: Known): Conflict[] {
  const listed = (list(valueAt(data, ["testData", "prefixes"])) ?? []).map((_, index): Path => ["testData", "prefixes", index]);
  const paths: Path[] = [...listed, ["stages", "integration", "prefix"], ["stages", "e2e", "prefix"]];
  const things = new Set(Object.keys(known.tables).flatMap(thingsOf));
  return paths.flatMap((path) => {
    const prefix = text(valueAt(data, path));
    // Shorter prefixes are already rejected by the schema.
    if (prefix === undefined || prefix.length < 6) return [];
    const stem = prefix.toLowerCase().replace(/[^\p{L}\p{N}]+$/u, "");
    const thing = stem === "" ? undefined : [...things].find((candidate) => candidate.startsWith(stem));
    if (thing !== undefined)
      return [
        {
          code: "EA1024",
          path,
          message: `production ids or names could begin with this, such as ${thing}_…: write a prefix that only tests use, such as ${thing}_test_`,
        },
      ];
    const key = known.protectedKeys.find((pattern) => pattern.startsWith(prefix));
    return key === undefined
      ? []
      : [{ code: "EA1024", path, message: `the protected key ${key} begins with this: write a prefix that only tests use` }];
  });
}

/** The kind of things in a table, from its name: `sessions.classroom_sessions` holds sessions. */
function thingsOf(table: string): string[] {
  return singularsOf(table.toLowerCase().split(/[._]/).at(-1) ?? "");
}

/** A value that matches no rule has no effect: after a typo, test data would be left behind without any message. */
function unknownSweeps(data: Data, { tables }: Known): Conflict[] {
  const values = Object.values(tables).flatMap(({ match }) => match.flatMap(({ suffix, equals }) => suffix ?? equals ?? []));
  const known = [...new Set(values)];
  return (list(valueAt(data, ["testData", "sweep"])) ?? []).flatMap((value, index): Conflict[] => {
    if (typeof value !== "string" || value === "" || known.includes(value)) return [];
    const near = suggestion(value, known);
    const message = `no table under testData.tables has a rule suffix or equals with this value; ${near}`;
    return [{ code: "EA1025", path: ["testData", "sweep", index], message }];
  });
}

function unknownKeeps(data: Data, { tables }: Known, own: Record<string, unknown>): Conflict[] {
  const known = [...new Set([...Object.keys(tables), ...Object.keys(own)])];
  return Object.keys(group(valueAt(data, ["testData", "keep"]))).flatMap((name): Conflict[] =>
    known.includes(name)
      ? []
      : [
          {
            code: "EA1025",
            path: ["testData", "keep", name],
            message: `the table is not declared; ${suggestionOf(name, known)}`,
          },
        ],
  );
}

function protectedDeclaration(name: string, patterns: string[]): Conflict[] {
  if (!isProtected(name, patterns)) return [];
  return [
    {
      code: "EA1027",
      path: ["testData", "tables", name],
      message:
        "the table also matches testData.protectedTables, so nothing is ever deleted from it: remove it from one of the two",
    },
  ];
}

function unknownParents(
  name: string,
  table: unknown,
  known: ReadonlySet<string>,
  { suggest, written }: { suggest: (name: string) => string; written: Data },
): Conflict[] {
  return Object.entries(group(valueAt(table, ["parents"]))).flatMap(([column, parent]) =>
    (["partOf", "belongsTo"] as const).flatMap((kind): Conflict[] => {
      const target = valueAt(parent, [kind]);
      if (typeof target !== "string" || known.has(target)) return [];
      const path = ["testData", "tables", name, "parents", column, kind];
      return [{ code: "EA1025", path, message: `the table ${quote(written, path)} is not declared; ${suggest(target)}` }];
    }),
  );
}

/** Each compares a name with all others, and after a search-and-replace every table may have the same mistake. */
const mostSuggestions = 50;
const declareIt = "declare it under testData.tables";

function suggestions(known: string[]): (name: string) => string {
  const made = new Map<string, string>();
  return (name) => {
    const suggested = made.get(name) ?? (made.size < mostSuggestions ? suggestionOf(name, known) : declareIt);
    if (made.size < mostSuggestions) made.set(name, suggested);
    return suggested;
  };
}

/** Listing all 48 names would hide the message. */
function suggestionOf(name: string, known: string[]): string {
  const near = suggestion(name, known);
  return near.startsWith("did you mean") ? near : declareIt;
}

/** Tables that depend on each other in a circle have no order in which to search them. A table may depend on itself. */
function circle(name: string): Conflict {
  return {
    code: "EA1026",
    path: ["testData", "tables", name, "parents"],
    message: "the table is its own ancestor through its parents: remove one of the parents",
  };
}

/** The tables that are their own ancestors. */
function tablesInCircles(tables: Record<string, Table>): Set<string> {
  const found = new Set<string>();
  // Few tables, usually none, can be in a circle, so only these are followed one by one.
  const suspects = new Set(layersOf(Object.keys(tables), (name) => parentsOf(name, tables)).circular);
  for (const start of suspects) {
    const seen = new Set<string>();
    const waiting = parentsOf(start, tables);
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (name === start) found.add(start);
      if (seen.has(name) || !suspects.has(name)) continue;
      seen.add(name);
      waiting.push(...parentsOf(name, tables));
    }
  }
  return found;
}

function parentsOf(name: string, tables: Record<string, Table>): string[] {
  return Object.values(tables[name]?.parents ?? {}).flatMap(({ table }) => (table === name ? [] : [table]));
}

/** A namespace for test data must not contain protected keys or keys that the application writes for all users. */
function namespacesOfProduction(data: Data, known: Known): Conflict[] {
  return (list(valueAt(data, ["testData", "keys"])) ?? []).flatMap((namespace, index): Conflict[] => {
    if (typeof namespace !== "string") return [];
    const path = ["testData", "keys", index];
    if (known.protectedKeys.some((key) => covers(namespace, key) || covers(key, namespace)))
      return [
        { code: "EA1024", path, message: "the namespace contains a key of testData.protectedKeys: choose a narrower namespace" },
      ];
    const shape = known.preset === "classwaves" ? applicationKeys.find((key) => covers(namespace, key)) : undefined;
    return shape === undefined
      ? []
      : [
          {
            code: "EA1024",
            path,
            message: `the namespace contains keys that ClassWaves writes in production, such as ${shape}…: choose a narrower namespace`,
          },
        ];
  });
}

function covers(pattern: string, key: string): boolean {
  return pattern.endsWith("*") ? key.startsWith(pattern.slice(0, -1)) : key === pattern;
}

/** A list in the file replaces the default list, so a user's own entry would silently remove the default protection. */
function missingProtection(known: Known): Conflict[] {
  if (known.preset !== "classwaves") return [];
  // The warehouse ignores case; Redis does not.
  const written = {
    protectedTables: known.protectedTables.map((pattern) => pattern.toLowerCase()),
    protectedKeys: known.protectedKeys,
  };
  return (["protectedTables", "protectedKeys"] as const).flatMap((list) =>
    presetProtection[list]
      .filter((needed) => !written[list].some((pattern) => covers(pattern, needed)))
      .map((needed) => ({
        code: "EA1028",
        path: ["testData", list],
        message: `legal evidence must stay protected: add "${needed}" to the list. If this is not ClassWaves, write preset: none`,
      })),
  );
}
