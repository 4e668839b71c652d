import { pluralsOf, singularsOf } from "../../lib/count.ts";
import type { ColumnStructure, TableStructure } from "../structure/structure.ts";
import { type ColumnType, parseColumnType } from "./column-type.ts";
import type { ColumnPolicy, SyntheticKind } from "./model.ts";
import type { Shape } from "./shapes.ts";

/** What a column's name, type, tags and shape suggest. Only a suggestion: a person reviews the file. */

export interface Suggestion {
  policy: ColumnPolicy;
  why?: string;
  /** A person has to decide. */
  unsure?: boolean;
}

export interface Subject {
  /** `schema.table` */
  table: string;
  column: ColumnStructure;
  type: ColumnType;
  shape: Shape | undefined;
  /** The domain of this column, if it is an id. */
  domain: string | undefined;
  /** The column that made-up values of the row's person should follow from. */
  person: string | undefined;
  /** Whether rows are about people, so that times identify. */
  personal: boolean;
  /** Whether a preset knows the table, so that a name means what it says. */
  preset: boolean;
}

const synthetic = (kind: SyntheticKind, of?: string): ColumnPolicy => ({
  how: "synthetic",
  kind,
  ...(of === undefined ? {} : { of }),
});
const nothing: ColumnPolicy = { how: "null" };

/** Tags of Databricks' data classification. */
const byTag: Readonly<Record<string, SyntheticKind>> = {
  email_address: "email",
  name: "fullName",
  phone_number: "phone",
  ip_address: "ip",
  url: "url",
  location: "city",
  us_street_address: "street",
};

/** The first that matches the column's name. */
const byName: readonly (readonly [RegExp, SyntheticKind])[] = [
  [/(?:^|_)e_?mail(?:_address)?$|recipient_address$/, "email"],
  [/(?:^|_)(?:phone|mobile|fax)(?:_number)?$/, "phone"],
  [/(?:^|_)(?:given|first|preferred|nick|middle)_?name$/, "firstName"],
  [/(?:^|_)(?:family|last|sur)_?name$/, "lastName"],
  [/(?:^|_)(?:ip|ip_address|remote_addr)$/, "ip"],
  [/(?:^|_)(?:street|address|address_line_?\d?)$/, "street"],
  [/(?:^|_)(?:city|town|region|county)$/, "city"],
  [/(?:^|_)(?:zip|zip_?code|postcode|postal_code)$/, "postcode"],
  [/(?:^|_)(?:url|website|homepage|picture|avatar|avatar_url|photo|link)$/, "url"],
  [/^school_name$/, "school"],
  [
    /(?:^|_)(?:display|full|user|teacher|student|parent|guardian|speaker|superintendent|contact|author|owner|principal|sender|recipient)_?name$/,
    "fullName",
  ],
  [/(?:^|_)(?:title|subject|subject_template|goal|headline)$/, "sentence"],
  [
    /(?:^|_)(?:content|transcript|transcription|body|body_template|text|notes?|comments?|feedback|feedback_text|description|message|bio|about)$/,
    "text",
  ],
];

const peopleTables =
  /(?:^|[._])(?:teachers?|students?|pupils?|users?|members?|participants?|parents?|guardians?|people|persons?|contacts?|customers?|employees?|accounts?)$/;
const institutions = /(?:^|[._])(?:schools?|districts?|institutions?|academies)$/;
const documents =
  /(?:^|_)(?:payload|metadata|json|data|config|configuration|settings?|parameters|result|details|variables|breakdown|insights|events|recommendations|context)$|_json$|_metadata$|_data$/;
const secretive =
  /(?:token|secret|password|credential|cookie|api_?key|access_code|(?:^|_)hash$|file_path|storage_path|audio|voice|recording_url|signature)/;
const voice = /(?:audio|voice|recording|file_path)/;
const choices =
  /(?:^|_)(?:status|type|role|level|category|kind|state|priority|severity|urgency|channel|method|language|language_code|locale|timezone|time_zone|version|model_version|codec|format|tier|phase|trend|sentiment|arc|quality|freshness|basis|unit|currency|country|country_code|reason_code|end_reason|grade|grade_level|subject_area|component|endpoint|target_metric|metric_name|relationship|setting_key|job_name|migration_name|migration_file|sql_hash|source_tables|timing|area)$/;
const bookkeeping = /\.(?:\w+_)?(?:migrations?|schema_history|schema_version)$/;

export function suggestionFor(subject: Subject): Suggestion {
  const { column, type, domain, table, personal } = subject;
  const name = column.name.toLowerCase();
  switch (type.kind) {
    case "text":
      return domain === undefined ? textSuggestion(subject, name) : { policy: { how: "surrogate", domain } };
    case "whole":
    case "decimal":
      if (domain !== undefined) return { policy: { how: "surrogate", domain } };
      return /(?:^|_)age$|birth/.test(name)
        ? { policy: { how: "generalise", to: { band: 5 } }, why: "an age identifies" }
        : { policy: { how: "keep" } };
    case "date":
    case "timestamp":
      if (/birth|(?:^|_)dob$/.test(name)) return { policy: { how: "generalise", to: "year" }, why: "a date of birth identifies" };
      if (!personal || bookkeeping.test(table)) return { policy: { how: "keep" } };
      return type.kind === "date"
        ? { policy: { how: "generalise", to: "month" }, why: "class and date identify" }
        : { policy: { how: "generalise", to: "day" }, why: "class and time identify" };
    case "boolean":
    case "float":
      return { policy: { how: "keep" } };
    default:
      return { policy: nothing, why: "it can hold anything" };
  }
}

function textSuggestion({ column, table, shape, person, domain, preset }: Subject, name: string): Suggestion {
  const tag = Object.keys(column.tags ?? {}).find((key) => key.toLowerCase().startsWith("class."));
  if (tag !== undefined) {
    const kind = byTag[tag.slice("class.".length).toLowerCase()];
    return kind === undefined
      ? { policy: nothing, why: `tagged ${tag}` }
      : { policy: synthetic(kind, person), why: `tagged ${tag}` };
  }
  if (voice.test(name)) return { policy: nothing, why: "a voice is personal" };
  if (secretive.test(name)) return { policy: nothing, why: "it may open something" };
  if (bookkeeping.test(table) && choices.test(name)) return { policy: { how: "keep", reason: "written by a migration" } };
  if (/_?by$|_ids?$/.test(name) && domain === undefined)
    return { policy: nothing, why: "it refers to several kinds of rows, or to none that is known", unsure: true };
  const found = byName.find(([pattern]) => pattern.test(name))?.[1];
  if (found !== undefined) return { policy: synthetic(found, follows(found) ? person : undefined) };
  if (name === "name") return nameOf(table, person);
  if (name === "domain") return { policy: synthetic("url"), why: "it names a school" };
  if (shape && shape.filled > 0) {
    const shaped = shapeSuggestion(shape, person);
    if (shaped) return shaped;
  }
  if (documents.test(name)) return { policy: nothing, why: "JSON can hold anything; declare its type to keep parts of it" };
  if (choices.test(name)) return choiceSuggestion(name, shape, preset);
  return { policy: nothing, why: "free text", unsure: !preset };
}

/** Names and addresses of one person are the same in each table. */
function follows(kind: SyntheticKind): boolean {
  return ["fullName", "firstName", "lastName", "email"].includes(kind);
}

function nameOf(table: string, person: string | undefined): Suggestion {
  if (peopleTables.test(table)) return { policy: synthetic("fullName", person) };
  if (institutions.test(table)) return { policy: synthetic("school") };
  return { policy: synthetic("sentence"), why: "names are free text", unsure: true };
}

/** Shares of the sample's values. */
function shapeSuggestion(
  { filled, email, phone, uuid, json, url, ip }: Shape,
  person: string | undefined,
): Suggestion | undefined {
  const most = (count: number) => count / filled >= 0.5;
  const why = (what: string) => `most values look like ${what}`;
  if (most(email)) return { policy: synthetic("email", person), why: why("e-mail addresses") };
  if (most(ip)) return { policy: synthetic("ip"), why: why("IP addresses") };
  if (most(url)) return { policy: synthetic("url"), why: why("URLs") };
  if (most(phone)) return { policy: synthetic("phone"), why: why("phone numbers") };
  if (most(json)) return { policy: nothing, why: `${why("JSON")}, which can hold anything` };
  if (most(uuid)) return { policy: nothing, why: `${why("ids")}: name a domain to keep them together`, unsure: true };
  if (email > 0 || phone > 0) return { policy: nothing, why: "some values have addresses or phone numbers" };
  return undefined;
}

/** A column of few words. */
const fewWords = 50;
const longestWord = 60;

function choiceSuggestion(name: string, shape: Shape | undefined, preset: boolean): Suggestion {
  const reason = `one of a few words (${name})`;
  if (!shape || shape.filled === 0)
    return preset ? { policy: { how: "keep", reason } } : { policy: { how: "keep", reason }, why: "not looked at", unsure: true };
  if (shape.distinct <= fewWords && shape.longest <= longestWord)
    return { policy: { how: "keep", reason: `${reason}: ${shape.distinct} different in a sample` } };
  return {
    policy: nothing,
    why: `${shape.distinct} different values, up to ${shape.longest} letters, are free text`,
    unsure: true,
  };
}

/** A column whose ids may be of several domains. */
const ambiguous = /^(?:actor|sender|recipient|resource|applies_to|target|entity|object|subject|owner|external|computation)_id$/;
const roles = /^(?:target|primary|secondary|assigned|original|source|parent|previous|current)_/;

/**
 * The domain of each id: `teacher_id` and the key of a table of teachers have one. Foreign keys say it where they are declared.
 * @param aliases other words for the same domain
 * @returns by `schema.table.column`
 */
export function domainsOfIds(
  tables: ReadonlyMap<string, TableStructure>,
  aliases: Readonly<Record<string, string>>,
): Map<string, string> {
  const names = [...tables.keys()].map((name) => name.split(".")[1] ?? "");
  const domains = new Map<string, string>();
  const named = (word: string) => identifier(Object.hasOwn(aliases, word) ? (aliases[word] ?? word) : word);
  for (const [table, { columns, primaryKey }] of tables) {
    const own = named(entityOf(table.split(".")[1] ?? "", names));
    const [keyColumn] = primaryKey?.columns.length === 1 ? primaryKey.columns : ["id"];
    for (const { name } of columns) {
      const lower = name.toLowerCase();
      if (lower === keyColumn?.toLowerCase() && (lower === "id" || !/_(?:id|uuid|guid)$/.test(lower)))
        domains.set(`${table}.${lower}`, own);
      else if (/.+_(?:id|uuid|guid)$/.test(lower) && !ambiguous.test(lower))
        domains.set(`${table}.${lower}`, named(lower.replace(/_(?:id|uuid|guid)$/, "").replace(roles, "")));
      else if (lower === "created_by" && Object.hasOwn(aliases, lower)) domains.set(`${table}.${lower}`, named(lower));
    }
  }
  for (const [table, { foreignKeys }] of tables)
    for (const { columns, references, to } of Object.values(foreignKeys))
      for (const [index, column] of columns.entries()) {
        const target = domains.get(
          `${references.toLowerCase().split(".").slice(-2).join(".")}.${(to[index] ?? "").toLowerCase()}`,
        );
        if (target !== undefined) domains.set(`${table}.${column.toLowerCase()}`, target);
      }
  return domains;
}

/** `session` of classroom_sessions, if nothing else is called sessions; otherwise all of its words. */
function entityOf(table: string, tables: readonly string[]): string {
  const words = table.split("_");
  const last = words.at(-1) ?? table;
  const [singular = last] = singularsOf(last);
  const same = tables.filter((other) => pluralsOf(singular).includes(other.split("_").at(-1) ?? ""));
  return same.length === 1 ? singular : [...words.slice(0, -1), singular].join("_");
}

function identifier(text: string): string {
  const plain = text.toLowerCase().replaceAll(/[^a-z0-9_]/g, "_");
  return (/^[a-z]/.test(plain) ? plain : `d_${plain}`).slice(0, 41);
}

export function typeOf({ type }: ColumnStructure): ColumnType {
  return parseColumnType(type) ?? { kind: "other" };
}
