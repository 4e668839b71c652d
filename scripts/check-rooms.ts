import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { parseSync, Visitor } from "rolldown/utils";

/**
 * Checks the rules of the rooms: imports go downwards only, each foreign service is known to one room, no folder has a single
 * file, and no file is too long. `node scripts/check-rooms.ts` lists every violation, and exits 1 if there are any. Type imports
 * count too, because using a room's type means depending on the room.
 */

/** Imports nothing of ours: files, locks, retries, globs, redaction. */
const floor = ["lib"];
const ground = ["config"];
const drivers = ["warehouse", "redis", "github"];
/** Pure: turns reports into text. */
const words = ["report"];
/**
 * The declaration of a kind of check: its key in the configuration, and its dependencies. It counts as configuration, although it
 * is in the kind's own folder. So each kind is one folder, and the configuration still knows its schema. The code that runs it is
 * loaded lazily.
 */
const kinds = ["kinds"];
const isKind = /^src\/checks\/(?:registry|[^/]+\/kind)\.ts$/;
/** The declaration of the actions' inputs and outputs, and of what they accept: the doctor compares workflows with it. */
const declared = ["interface", "input-forms", "input-limits"].map((name) => `src/action/${name}.ts`);
const workrooms = ["checks", "cleanup", "processes", "staging", "test-reports", "evidence", "audit", "history", "compare"];
const belowTheStages = [...workrooms, ...drivers, ...kinds, ...ground, ...floor];
/** Looks at a repository that is not set up yet, and writes the texts of its files. */
const arrival = ["init"];
/** Used by both doors, action and cli. */
const belowTheDoors = ["dashboard", "app", "gate", "stages", "notifications", "doctor", ...belowTheStages, ...words];

/** The terms that all rooms use. */
const model = ["model"];

/** What each room, or file directly in src, may import besides its own files and the model. */
const below: Record<string, readonly string[]> = {
  model: [],
  lib: [],
  config: [...kinds, ...floor],
  kinds: [...ground, ...floor],
  report: floor,
  ...Object.fromEntries(drivers.map((room) => [room, [...ground, ...floor]])),
  ...Object.fromEntries(workrooms.map((room) => [room, [...drivers, ...kinds, ...ground, ...floor]])),
  // Its report shares words with all other reports.
  audit: [...words, ...floor],
  // Makes texts of others plain, as reports do, before it keeps them.
  history: [...words, ...drivers, ...kinds, ...ground, ...floor],
  // Pure: records become a page.
  dashboard: ["history", "compare", ...words, ...floor],
  // Reads files, and nothing else: what it knows of an environment, its door asked.
  doctor: ["interface", ...ground, ...floor],
  interface: [...ground, ...floor],
  stages: belowTheStages,
  init: ["cleanup", ...kinds, ...ground, ...floor],
  // Rollbacks call GitHub and run commands; alerts share words with the report.
  notifications: [...belowTheStages, ...words],
  // The required check: judges what the stages of other jobs left.
  gate: [...belowTheStages, ...words],
  app: belowTheDoors,
  action: ["interface", ...belowTheDoors],
  cli: [...arrival, ...belowTheDoors],
  "main.ts": ["action", "program.ts"],
  "program.ts": ["action", "cli"],
  "index.ts": ["action", "cli", ...belowTheDoors],
};

/** Rooms that are built and loaded separately, in other people's processes. They may use Node's own modules only. */
const apart = ["testkit"];

const knownToOneRoom: Record<string, string> = {
  "@databricks/sql": "warehouse",
  ioredis: "redis",
  re2js: "lib",
  undici: "lib",
  "@actions/core": "action",
  "@actions/github": "github",
  "@sigstore/bundle": "evidence",
  "@sigstore/protobuf-specs": "evidence",
  "@sigstore/verify": "evidence",
  "@opentelemetry/exporter-metrics-otlp-http": "notifications",
  "@opentelemetry/resources": "notifications",
  "@opentelemetry/sdk-metrics": "notifications",
};

/** Folders beside src. They may import its public entry only, and src must not import them. */
const neighbours = ["local", "examples", "bench"];
const unseenFromSrc = [...neighbours, "test", "scripts"];
const sourceFile = /\.(?:ts|tsx|mts|js|mjs|jsx)$/;

/** A longer file covers more than one subject. */
const longestFile = 400;
/** Folders whose files are checked for length. */
const measured = ["src", "local"];

export interface Violation {
  /** Relative to the repository, with `/`. */
  file: string;
  line: number;
  /** Undefined if the specifier is computed, so that it cannot be checked. */
  imported: string | undefined;
  rule: string;
}

interface Import {
  line: number;
  /** How it is imported: with the file, as types only, or when the code runs. */
  how: "static" | "type" | "lazy";
  specifier: string | undefined;
}

/**
 * @param repository a folder with `src`, and possibly its neighbours
 * @throws Error for a file that cannot be parsed
 */
export function violations(repository: string): Violation[] {
  return ["src", ...neighbours]
    .filter((folder) => existsSync(join(repository, folder)))
    .flatMap((folder) => sourceFiles(join(repository, folder)))
    .flatMap((path) => {
      const file = posix(relative(repository, path));
      return importsOf(path).flatMap(({ line, specifier, how }) => {
        const rule = brokenRule(repository, file, specifier, how);
        return rule === undefined ? [] : [{ file, line, imported: specifier, rule }];
      });
    });
}

/** @returns one line for each folder of `src` with a single file, and for each file that is too long */
export function layoutViolations(repository: string): string[] {
  const files = measured
    .filter((folder) => existsSync(join(repository, folder)))
    .flatMap((folder) => sourceFiles(join(repository, folder)))
    .map((path) => posix(relative(repository, path)));
  return [...singleFiles(files), ...files.flatMap((file) => tooLong(repository, file))].sort();
}

function singleFiles(files: readonly string[]): string[] {
  const inFolder = new Map<string, string[]>();
  for (const file of files)
    for (let folder = dirname(file); folder.startsWith("src/"); folder = dirname(folder))
      inFolder.set(folder, [...(inFolder.get(folder) ?? []), file]);
  return [...inFolder].flatMap(([folder, [first, ...others]]) =>
    others.length > 0 ? [] : [`${folder}: has a single file, ${first}; put the file into the folder above`],
  );
}

function tooLong(repository: string, file: string): string[] {
  const lines = readFileSync(join(repository, file), "utf8").split("\n").length - 1;
  if (lines <= longestFile) return [];
  return [`${file}: has ${lines} lines, more than ${longestFile}; split it by what it is about`];
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && sourceFile.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.split(sep).includes("node_modules"))
    .sort();
}

function importsOf(path: string): Import[] {
  const text = readFileSync(path, "utf8");
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  const found: Import[] = [];
  const add = (node: { start: number }, source: { type: string; value?: unknown }, how: Import["how"] = "static") => {
    const specifier = source.type === "Literal" && typeof source.value === "string" ? source.value : undefined;
    found.push({ line: text.slice(0, node.start).split("\n").length, specifier, how });
  };
  new Visitor({
    ImportDeclaration: (node) => add(node, node.source, node.importKind === "type" ? "type" : "static"),
    ExportAllDeclaration: (node) => add(node, node.source),
    ExportNamedDeclaration: (node) => {
      if (node.source) add(node, node.source);
    },
    ImportExpression: (node) => add(node, node.source, "lazy"),
    TSImportType: (node) => add(node, node.source, "type"),
  }).visit(program);
  return found;
}

/** @returns the rule that this import breaks; undefined if it is allowed */
function brokenRule(repository: string, file: string, specifier: string | undefined, how: Import["how"]): string | undefined {
  const inSrc = file.startsWith("src/");
  if (specifier === undefined) return inSrc ? "what src imports must be written out, or nobody can check it" : undefined;
  if (!specifier.startsWith(".")) return inSrc ? brokenByPackage(file, specifier) : undefined;
  const target = posix(relative(repository, resolve(repository, dirname(file), specifier)));
  return inSrc ? brokenWithinSrc(file, target, how) : brokenByNeighbour(target);
}

function brokenByPackage(file: string, specifier: string): string | undefined {
  if (apart.includes(roomOf(file)) && !specifier.startsWith("node:"))
    return `${roomOf(file)} may import its own files and node:*, nothing else`;
  const name = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
  const owner = knownToOneRoom[name];
  return owner === undefined || owner === roomOf(file) ? undefined : `only ${owner} knows ${name}`;
}

function brokenWithinSrc(file: string, target: string, how: Import["how"]): string | undefined {
  const top = target.split("/")[0] ?? "";
  if (unseenFromSrc.includes(top)) return `src does not know ${top}`;
  if (top !== "src") return undefined;
  const from = roomOf(file);
  const to = roomOf(target);
  if (apart.includes(from)) return from === to ? undefined : `${from} may import its own files and node:*, nothing else`;
  if (isKind.test(file) && isOfKind(file, target, how)) return undefined;
  const allowed = below[from];
  if (allowed === undefined) return `${from} is no room of the house; scripts/check-rooms.ts lists them`;
  const known = [...floor, ...model].includes(from) ? allowed : [...model, ...allowed];
  if (from === to || known.includes(to)) return undefined;
  return known.length === 0
    ? `${from} may import nothing of another room, not ${to}`
    : `${from} may import ${known.join(", ")}, not ${to}`;
}

/** A kind's declaration may import the shared type, and lazily load the check beside it. */
function isOfKind(file: string, target: string, how: Import["how"]): boolean {
  return (how === "type" && target === "src/checks/kind.ts") || (how === "lazy" && target === `${dirname(file)}/check.ts`);
}

function brokenByNeighbour(target: string): string | undefined {
  if (!target.startsWith("src/") || target === "src/index.ts") return undefined;
  return "beside src, only its public entry src/index.ts is known";
}

/** @returns the folder below src; for a file directly in src, its name */
function roomOf(file: string): string {
  if (isKind.test(file)) return "kinds";
  if (declared.includes(file)) return "interface";
  return file.split("/")[1] ?? "";
}

function posix(path: string): string {
  return path.split(sep).join("/");
}

if (import.meta.main) {
  const found = violations(join(import.meta.dirname, ".."));
  for (const { file, line, imported, rule } of found)
    console.error(`${file}:${line}: ${imported ?? "a computed import"}: ${rule}`);
  const layout = layoutViolations(join(import.meta.dirname, ".."));
  for (const line of layout) console.error(line);
  process.exitCode = found.length + layout.length > 0 ? 1 : 0;
}
