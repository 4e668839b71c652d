import { z } from "../../lib/zod.ts";
import { issuePath, issueText } from "../../lib/zod-issues.ts";
import { facets } from "../../model/staging.ts";
import { UserError } from "../../model/user-error.ts";
import type { Structure } from "./structure.ts";

/**
 * A structure as a file that is committed: in a stable order, one line for each column, and without the time at which it was read, so
 * that a diff shows what changed and nothing else.
 */

export interface SnapshotOptions {
  /** Whether owners and grants are written, which name people. Without them, the facet `grants` is unseen. */
  grants: boolean;
}

export function writeSnapshot(structure: Structure, { grants }: SnapshotOptions = { grants: true }): string {
  const { readAt: _, ...rest } = structure;
  const written = grants ? rest : withoutGrants(rest);
  return `${lines(inOrder(written), "")}\n`;
}

const namesPeople: ReadonlySet<string> = new Set(["owner", "grants", "readBy"]);

function withoutGrants(structure: Omit<Structure, "readAt">): unknown {
  const tables = Object.entries(structure.schemas).map(([name, schema]) => {
    const inSchema = Object.entries(schema.tables).map(([table, what]) => [table, impersonal(what)]);
    return [name, { ...impersonal(schema), tables: Object.fromEntries(inSchema) }];
  });
  const unseen = structure.unseen.filter(({ facet }) => facet !== "grants");
  return {
    ...impersonal(structure),
    schemas: Object.fromEntries(tables),
    unseen: [...unseen, { facet: "grants", within: "", why: "the snapshot was written without grants" }],
  };
}

function impersonal(object: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !namesPeople.has(key)));
}

/** Keys are sorted; lists keep their order, because that of columns has a meaning. What is empty is left out. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([, one]) => one !== undefined && !isEmpty(one))
    .map(([key, one]) => [key, inOrder(one)] as const);
  // A column begins with its name, and the file with its format.
  const rank = (key: string): number => (key === "formatVersion" || key === "name" ? 0 : 1);
  return Object.fromEntries(entries.sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1)));
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

const width = 120;

/** JSON with short objects and lists on one line. */
function lines(value: unknown, indent: string): string {
  const short = JSON.stringify(value);
  if (typeof value !== "object" || value === null || (indent !== "" && indent.length + short.length <= width)) return short;
  const deeper = `${indent}  `;
  const members = Array.isArray(value)
    ? value.map((one) => lines(one, deeper))
    : Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${lines(one, deeper)}`);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  return `${open}\n${members.map((member) => deeper + member).join(",\n")}\n${indent}${close}`;
}

const texts = z.record(z.string(), z.string());
const names = z.array(z.string());
const policy = z.strictObject({ function: z.string(), columns: names.default([]) });
const common = {
  comment: z.string().optional(),
  owner: z.string().optional(),
  grants: z.array(z.strictObject({ principal: z.string(), privilege: z.string() })).optional(),
  tags: texts.optional(),
};

const column = z.strictObject({
  name: z.string(),
  type: z.string(),
  nullable: z.boolean(),
  default: z.string().optional(),
  generatedAs: z.string().optional(),
  identity: z.strictObject({ always: z.boolean(), start: z.number().optional(), step: z.number().optional() }).optional(),
  comment: z.string().optional(),
  nested: z.record(z.string(), z.strictObject({ notNull: z.boolean().optional(), comment: z.string().optional() })).optional(),
  mask: policy.optional(),
  tags: texts.optional(),
});

const table = z.strictObject({
  ...common,
  kind: z.enum(["table", "view", "other"]),
  type: z.string(),
  columns: z.array(column).default([]),
  viewText: z.string().optional(),
  properties: texts.default({}),
  checks: texts.default({}),
  primaryKey: z.strictObject({ name: z.string(), columns: names, rely: z.boolean().optional() }).optional(),
  foreignKeys: z
    .record(
      z.string(),
      z.strictObject({ columns: names, references: z.string(), to: names.default([]), rely: z.boolean().optional() }),
    )
    .default({}),
  clusteredBy: names.default([]),
  partitionedBy: names.default([]),
  rowFilter: policy.optional(),
});

const snapshot = z.strictObject({
  ...common,
  formatVersion: z.literal(1),
  catalog: z.string(),
  readBy: z.string().default(""),
  readAt: z.string().default(""),
  schemas: z.record(z.string(), z.strictObject({ ...common, tables: z.record(z.string(), table).default({}) })).default({}),
  unseen: z.array(z.strictObject({ facet: z.enum(facets), within: z.string(), why: z.string() })).default([]),
});

/**
 * Reads a snapshot back.
 * @param file how the error names it
 * @throws UserError that names each wrong place, and what was expected there
 */
export function readSnapshot(text: string, file: string): Structure {
  const data = parsed(text, file);
  const version = typeof data === "object" && data !== null && "formatVersion" in data ? data.formatVersion : undefined;
  if (version === undefined) throw unreadable(file, "is JSON, but not a snapshot of a catalog's structure");
  if (version !== 1)
    throw unreadable(
      file,
      `was written by another version of env-actions: expected formatVersion 1, got ${JSON.stringify(version).slice(0, 20)}`,
    );
  const result = snapshot.safeParse(data, { error: issueText });
  if (result.success) return result.data;
  const places = result.error.issues.map(({ path, message }) => `  ${issuePath(path)}: ${message}`);
  const more = places.length > 10 ? `\n  and ${places.length - 10} more` : "";
  throw unreadable(file, `does not match the format of a snapshot:\n${places.slice(0, 10).join("\n")}${more}\n`);
}

function unreadable(file: string, why: string, options?: ErrorOptions): UserError {
  const end = why.endsWith("\n") ? "" : ". ";
  return new UserError(
    "EA3020",
    `${file} ${why}${end}Write it again with this version of env-actions, or take it back from the history.`,
    options,
  );
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const why = text.trim() === "" ? "is empty" : /^[<=>]{7}/m.test(text) ? "has a merge conflict" : "is not valid JSON";
    throw unreadable(file, why, { cause: error });
  }
}
