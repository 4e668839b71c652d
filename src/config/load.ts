import { isUtf8 } from "node:buffer";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { suggestion } from "../lib/nearest.ts";
import { loadPatterns } from "../lib/pattern.ts";
import { isSecretName } from "../lib/redaction/variables.ts";
import { z } from "../lib/zod.ts";
import type { ErrorCode } from "../model/error-codes/catalogue.ts";
import { UserError } from "../model/user-error.ts";
import { whyWithoutSecrets } from "./fork.ts";
import {
  type Blank,
  type Filled,
  type Interpolated,
  interpolate,
  type Variables,
  withUnifiedVariables,
} from "./interpolation.ts";
import { codeOf, explain, type Mistake, mistakesError, type PlaceOf, placedError, positionOf, type Span } from "./mistakes.ts";
import { group, type Path, pathKey, valueAt } from "./path.ts";
import { withPreset } from "./preset.ts";
import { conflicts } from "./rules.ts";
import type { Config, Environment } from "./schema.ts";
import { hiddenSpans, hiddenSpansOfBroken, secretsOf, writtenSecrets } from "./secrecy.ts";
import type { Secret } from "./secret.ts";
import { type Reader, readerFor } from "./sections.ts";
import { keysOf, recordValue, type Schema, schemaNodeAt } from "./shape.ts";
import { type StagingPlace, stagingPlace } from "./staging-rules.ts";
import { type Entry, type ParsedYaml, parseYaml } from "./yaml.ts";

export interface LoadOptions {
  /** The path as the user gave it; messages start with it. */
  file: string;
  cwd: string;
  env: Variables;
  /** The environment of the run; defaults to the file's `defaultEnvironment`. */
  environment?: string;
  /** The default is the environment under `staging.copy`. */
  ofCopy?: boolean;
  /** The file's content, if it was read earlier. The file may have changed or disappeared since then. */
  text?: string;
}

export interface LoadedConfig {
  /**
   * Excludes the environments in {@link unresolved}. `defaultEnvironment` is filled in if the file declares only one environment.
   */
  config: Config;
  file: string;
  /** The file's text, without variables filled in. */
  text: string;
  /** The line of a value, or of the nearest group around it, for mistakes that only a stage sees. */
  placeOf: PlaceOf;
  /** Values to mask before anything is printed. */
  secrets: Secret[];
  /**
   * Other environments that cannot be used here, with the variables they lack. A sandbox job, for example, has no production
   * secrets.
   */
  unresolved: Record<string, string[]>;
  /** What `staging.copy` is a copy of, also if its environment is among the {@link unresolved}. */
  original: StagingPlace | undefined;
}

/** Keys that accept a regular expression. */
const mayHavePattern = /"(?:matches|message|log)":/;

/** Far above the size of any real configuration. */
const mostBytes = 4_000_000;

/**
 * Reads and checks the configuration file.
 * @throws UserError with every mistake in the file, each with its place and fix
 */
export async function loadConfig({ file, cwd, env, environment, ofCopy, ...read }: LoadOptions): Promise<LoadedConfig> {
  const text = read.text ?? (await readText(file, cwd));
  const yaml = parseYaml(text);
  if (yaml.broken) throw mistakesError({ name: file, text, hidden: hiddenSpansOfBroken(text) }, yaml.mistakes);
  if (yaml.data === undefined || yaml.data === null)
    throw placedError("EA1002", { file, line: 1, column: 1, message: `the file is empty: ${howToWriteOne}` });

  if (mayHavePattern.test(JSON.stringify(yaml.data))) await loadPatterns();
  const unified = withUnifiedVariables(yaml.data, env);
  const reader = (await readerFor(yaml.data)) ?? (await wholeReader());
  const filled = interpolate(unified.data, env, (path) => schemaNodeAt(reader.schema, path)?.handling === "shell");
  const secrets = secretsOf(reader.schema, filled, env);
  const copy = ofCopy ? stagingPlace(filled.value, "copy", () => false)?.name : undefined;
  const selected = environment || copy || defaultEnvironmentOf(filled.value);
  const mistakes = await mistakesIn(reader, yaml, unified, filled, { env, selected });
  if (mistakes.length > 0) {
    const hidden = hiddenSpans(await wholeSchema(), yaml.data, yaml.entries);
    throw mistakesError(
      { name: file, text, hidden },
      mistakes,
      secrets.map((secret) => secret.reveal()),
    );
  }

  refuseUnknown(yaml.data, environment);
  const unresolved = unresolvedEnvironments(filled.blanks);
  const config = reader.read(withoutEnvironments(filled.value, Object.keys(unresolved)));
  if (!config) throw new Error(`${file} could be read, but not without the environments ${Object.keys(unresolved).join(", ")}`);
  const meant = withPreset(config, filled.value);
  const placeOf: PlaceOf = (path) => ({ file, ...positionOf(text, spanAt(yaml.entries, path).start) });
  return {
    config: { ...meant, defaultEnvironment: defaultEnvironmentOf(filled.value) },
    file,
    text,
    placeOf,
    secrets,
    unresolved,
    original: stagingPlace(filled.value, "original", isBlankIn(filled.blanks)),
  };
}

function isBlankIn(blanks: readonly Blank[]): (path: Path) => boolean {
  const paths = new Set(blanks.map(({ path }) => pathKey(path)));
  return (path) => paths.has(pathKey(path));
}

/** The code for every section, whatever the file has: to say what is wrong, and what could be there instead. */
async function wholeSchema(): Promise<z.ZodType<Config>> {
  return (await import("./schema.ts")).configSchema;
}

async function wholeReader(): Promise<Reader> {
  const schema = await wholeSchema();
  return { schema, read: (data) => schema.safeParse(data).data };
}

/**
 * @param name the environment; `undefined` or empty means the default
 * @throws UserError that lists the known environments and suggests the nearest
 */
export function selectEnvironment(config: Config, name: string | undefined): { name: string; environment: Environment } {
  const known = Object.keys(config.environments);
  const wanted = name || config.defaultEnvironment;
  if (wanted === undefined)
    throw new UserError(
      "EA1015",
      `no environment is selected: expected one of ${known.join(", ")}. Name it with --environment (in a workflow: the input environment), or set defaultEnvironment in the configuration`,
    );
  const environment = Object.hasOwn(config.environments, wanted) ? config.environments[wanted] : undefined;
  if (!environment) throw new UserError("EA1014", unknownEnvironment(wanted, known, Boolean(name)));
  return { name: wanted, environment };
}

function unknownEnvironment(name: string, known: string[], isNamed: boolean): string {
  const near = suggestion(name, known);
  const hint = near.startsWith("did you mean") ? `${near} Known: ${known.join(", ")}` : near;
  // The file is right; the mistake is in the option or input that names it.
  const where = isNamed ? "--environment (in a workflow: the input environment): " : "";
  return `${where}the environment ${JSON.stringify(name)} does not exist or cannot be used here; ${hint}`;
}

/** @throws UserError that names the file, if it cannot be read */
export async function readText(file: string, cwd: string): Promise<string> {
  const bytes = await readFile(resolve(cwd, file)).catch((error: NodeJS.ErrnoException) => {
    throw new UserError("EA1001", unreadable(file, cwd, error.code), { cause: error });
  });
  if (bytes.length > mostBytes)
    throw new UserError(
      "EA1004",
      `${file}: expected at most ${mostBytes} bytes, got ${bytes.length}: check whether this is the right file`,
    );
  if (!isUtf8(bytes))
    throw placedError("EA1003", {
      file,
      line: lineOfBadByte(bytes),
      column: 1,
      message: "the file is not UTF-8: save it as UTF-8",
    });
  return new TextDecoder("utf-8").decode(bytes);
}

const howToWriteOne =
  "`env-actions init` writes one that fits the repository, and docs/guides/your-own-project.md says what a project needs";

/**
 * The same file of an outer folder of the git repository. Commands and paths of a configuration are relative to its project's folder, so
 * it must be used there.
 */
function outerFile(file: string, cwd: string): string {
  if (isAbsolute(file) || file.startsWith("..")) return "";
  let inner = resolve(cwd);
  for (let folder = ".."; !existsSync(join(inner, ".git")) && inner !== dirname(inner); folder += "/..") {
    inner = dirname(inner);
    if (existsSync(join(inner, file))) return ` There is ${folder}/${file}: \`cd ${folder}\`, and start the same command there.`;
  }
  return "";
}

function unreadable(file: string, cwd: string, code: string | undefined): string {
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return `${file}: the file does not exist; looked for ${resolve(cwd, file)}.${outerFile(file, cwd)} If it is elsewhere, name it with --config, or its project's folder (in a workflow: the inputs config and working-directory). Otherwise ${howToWriteOne}`;
    case "EISDIR":
      return `${file}: expected a file, got a directory`;
    default:
      return `${file}: cannot be read (${code ?? "unknown reason"})`;
  }
}

/** In UTF-8, no byte of a longer character is a line break, so each line can be checked alone. */
function lineOfBadByte(bytes: Buffer): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line += 1) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.length : newline;
    if (!isUtf8(bytes.subarray(start, end))) return line;
    start = end + 1;
  }
  return line;
}

async function mistakesIn(
  reader: Reader,
  yaml: ParsedYaml,
  unified: Filled,
  filled: Interpolated,
  { env, selected }: { env: Variables; selected: string | undefined },
): Promise<Mistake[]> {
  const { data, entries } = yaml;
  const malformed = filled.problems.map(({ path, problem }) => ({
    code: "EA1012" as const,
    at: spanAt(entries, path),
    path,
    message: problem,
  }));
  const malformedPaths = new Set(malformed.map(({ path }) => pathKey(path)));
  const written = writtenSecrets(reader.schema, data, entries).filter(({ path }) => !malformedPaths.has(pathKey(path)));
  const needed = filled.blanks.filter(({ path }) => isNeeded(path, selected));
  const why = needed.some(({ empty }) => empty) ? await whyWithoutSecrets(env) : undefined;
  const lacking = needed.map((blank) =>
    missingVariable(reader.schema, yaml, blank, { said: unified.added.get(pathKey(blank.path)), why }),
  );

  // Values that could not be read are not checked.
  const unread = new Set([...yaml.unread, ...[...malformed, ...written, ...filled.blanks].map(({ path }) => path)].map(pathKey));
  const ambiguous = unified.conflicts.filter(({ path }) => isNeeded(path, selected));
  const between = [...(await conflicts(filled.value, data)), ...ambiguous]
    .filter(({ path }) => !unread.has(pathKey(path)))
    .map(({ code, path, message }) => ({ code, at: spanAt(entries, path), path, message }));
  const shape = reader.read(filled.value) ? [] : await shapeMistakes(filled.value, entries, unread);
  return [...yaml.mistakes, ...malformed, ...written, ...lacking, ...shape, ...between];
}

/** Other environments may lack their variables: a sandbox job has no production secrets. */
function isNeeded(path: Path, selected: string | undefined): boolean {
  return path[0] !== "environments" || path.length < 2 || path[1] === selected;
}

function missingVariable(
  schema: Schema,
  { entries }: ParsedYaml,
  { path, name, empty }: Blank,
  { said, why }: { said: string | undefined; why: string | undefined },
): Mistake {
  const isSecret = schemaNodeAt(schema, path)?.handling === "secret";
  if (empty && why !== undefined && (isSecret || isSecretName(name)))
    return { code: "EA1011", at: spanAt(entries, path), path, message: `the environment variable ${name} is empty. ${why}` };
  if (said !== undefined) return { code: "EA1008", at: spanAt(entries, path), path, message: said };
  const state = empty ? "is empty (a GitHub secret that does not exist becomes an empty string)" : "is not set";
  const cure = isSecret ? "set it" : `set it, or write \${${name}:-default}`;
  return { code: "EA1011", at: spanAt(entries, path), path, message: `the environment variable ${name} ${state}: ${cure}` };
}

/** The file is right, and the option or input names something else. @throws UserError */
function refuseUnknown(data: unknown, asked: string | undefined): void {
  const environments = group(valueAt(data, ["environments"]));
  if (asked && !Object.hasOwn(environments, asked))
    throw new UserError("EA1014", unknownEnvironment(asked, Object.keys(environments), true));
}

/** The default environment in the file, or its only environment. */
function defaultEnvironmentOf(data: unknown): string | undefined {
  const named = valueAt(data, ["defaultEnvironment"]);
  if (typeof named === "string") return named;
  const declared = Object.keys(valueAt(data, ["environments"]) ?? {});
  return declared.length === 1 ? declared[0] : undefined;
}

function unresolvedEnvironments(blanks: readonly Blank[]): Record<string, string[]> {
  const lacking = new Map<string, Set<string>>();
  for (const { path, name } of blanks) {
    const environment = String(path[1]);
    lacking.set(environment, (lacking.get(environment) ?? new Set()).add(name));
  }
  return Object.fromEntries([...lacking].map(([environment, names]) => [environment, [...names]]));
}

function withoutEnvironments(data: unknown, names: readonly string[]): unknown {
  const { environments, ...rest } = data as { environments: Record<string, unknown> };
  const usable = Object.entries(environments).filter(([name]) => !names.includes(name));
  return { ...rest, environments: Object.fromEntries(usable) };
}

/** The position of each value in the file, by `pathKey`. */
export type Entries = ReadonlyMap<string, Entry>;

/**
 * Lists every difference between the data and the schema.
 * @param unread `pathKey` of the places whose value could not be read; mistakes there are not reported
 */
export async function shapeMistakes(data: unknown, entries: Entries, unread: ReadonlySet<string>): Promise<Mistake[]> {
  const whole = await wholeSchema();
  const issues = issuesOf(whole, whole, data, []).filter(({ about, path }) => about === "key" || !unread.has(pathKey(path)));
  return issues.map(({ code, path, message, about }) => {
    // A value from a DATABRICKS_* variable has no position in the file, but is not missing.
    const missing = about === "value" && !entries.has(pathKey(path)) && valueAt(data, path) === undefined;
    return {
      // A check over several keys has a more precise code for what is missing.
      code: missing && (code === "EA1009" || code === "EA1010") ? "EA1008" : code,
      at: about === "key" ? keySpanAt(entries, path) : spanAt(entries, path),
      path,
      message: missing ? `missing: ${message}` : message,
    };
  });
}

interface Issue {
  code: ErrorCode;
  path: Path;
  message: string;
  about: "key" | "value";
}

function issuesOf(whole: Schema, schema: Schema, data: unknown, base: Path): Issue[] {
  const result = z.safeParse(schema, data, { error: explain });
  if (result.success) return [];
  return result.error.issues.flatMap(insideUnion).flatMap((issue): Issue[] => {
    const path = [...base, ...issue.path.filter((part) => typeof part !== "symbol")];
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => ({
        code: "EA1007" as const,
        path: [...path, key],
        message: unknownKey(whole, path, key),
        about: "key" as const,
      }));
    if (issue.code === "invalid_key")
      return [
        ...issue.issues.map(({ message }) => ({ code: "EA1010" as const, path, message, about: "key" as const })),
        ...unread(whole, path, data, base),
      ];
    return [{ code: codeOf(issue), path, message: issue.message, about: "value" }];
  });
}

/** If the value has the type of one of several forms, what is wrong inside it. */
function insideUnion(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union") return [issue];
  const isOther = ({ code, path }: z.core.$ZodIssue) =>
    path.length === 0 && (code === "invalid_type" || code === "invalid_value");
  const meant = issue.errors.find((issues) => !issues.some(isOther));
  if (!meant) return [issue];
  return meant.flatMap((inner) => insideUnion({ ...inner, path: [...issue.path, ...inner.path] }));
}

function unknownKey(whole: Schema, path: Path, key: string): string {
  const node = schemaNodeAt(whole, path);
  return `unknown key; ${suggestion(key, node ? keysOf(node.schema) : [])}`;
}

/** Zod skips the value of an invalid key, so we check it here. Users then see all mistakes at once. */
function unread(whole: Schema, path: Path, data: unknown, base: Path): Issue[] {
  const record = schemaNodeAt(whole, path.slice(0, -1));
  const valueSchema = record && recordValue(record.schema);
  if (!valueSchema) return [];
  return issuesOf(whole, valueSchema, valueAt(data, path.slice(base.length)), path);
}

/** The range to point at: the value, the key of a group, or the nearest parent of a missing value. */
export function spanAt(entries: Entries, path: Path): Span {
  const entry = entries.get(pathKey(path));
  if (entry) return entry.scalar ? visible(entry) : (entry.key ?? startOf(entry.value));
  return path.length === 0 ? { start: 0, end: 0 } : aroundSpan(entries, path.slice(0, -1));
}

function aroundSpan(entries: Entries, path: Path): Span {
  const entry = entries.get(pathKey(path));
  return entry ? (entry.key ?? startOf(entry.value)) : spanAt(entries, path);
}

/** An empty value has no characters to point at, so we point at its key. */
function visible({ key, value }: Entry): Span {
  return value.end > value.start ? value : (key ?? value);
}

/** The range of a key instead of its value, for mistakes in the key itself. */
export function keySpanAt(entries: Entries, path: Path): Span {
  return entries.get(pathKey(path))?.key ?? spanAt(entries, path);
}

function startOf(span: Span): Span {
  return { start: span.start, end: span.start + 1 };
}
