import type { Path } from "./path.ts";

/** `${NAME}` or `${NAME:-fallback}`. */
export interface Reference {
  name: string;
  fallback?: string;
}

export type Part = string | Reference;

/** The parsed parts of a text, or the reason why it cannot be parsed. */
export type Template = { parts: Part[] } | { problem: string };

const escaped = "$${";
const reference = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}/;

export function parseTemplate(text: string): Template {
  const parts: Part[] = [];
  let literal = "";
  let offset = 0;
  while (offset < text.length) {
    const rest = text.slice(offset);
    if (rest.startsWith(escaped)) {
      literal += "${";
      offset += escaped.length;
    } else if (rest.startsWith("${")) {
      const match = reference.exec(rest);
      if (!match) return { problem: problemOf(rest) };
      if (literal !== "") parts.push(literal);
      literal = "";
      parts.push({ name: match[1] ?? "", ...(match[2] === undefined ? {} : { fallback: match[2] }) });
      offset += match[0].length;
    } else {
      const next = text.indexOf("$", offset + 1);
      const end = next < 0 ? text.length : next;
      literal += text.slice(offset, end);
      offset = end;
    }
  }
  if (literal !== "" || parts.length === 0) parts.push(literal);
  return { parts };
}

function problemOf(rest: string): string {
  if (rest.startsWith("${{"))
    return "${{ … }} is not replaced in this file: pass the value in the workflow's env, and write ${NAME} here";
  return "expected ${NAME} or ${NAME:-default} with the name of an environment variable; for a literal ${ write $${";
}

/** The reference, if the text is exactly one reference, as secrets must be; otherwise `undefined`. */
export function soleReference(text: string): string | undefined {
  const template = parseTemplate(text);
  if ("problem" in template || template.parts.length !== 1) return undefined;
  const [part] = template.parts;
  return typeof part === "object" && part.fallback === undefined ? part.name : undefined;
}

export interface Variables {
  [name: string]: string | undefined;
}

/** A value whose variable is not set or empty. */
export interface Blank {
  path: Path;
  name: string;
  /** The variable is set but empty. A missing GitHub secret becomes an empty string. */
  empty: boolean;
}

export interface Interpolated {
  /** The data with variables filled in; missing values hold {@link placeholder}. */
  value: unknown;
  blanks: Blank[];
  problems: { path: Path; problem: string }[];
  /** The variables that each text refers to. */
  references: { path: Path; names: string[] }[];
}

/** As in a shell, `:-` also applies to an empty variable. */
function lookUp({ name, fallback }: Reference, variables: Variables): string | undefined {
  const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
  return value === "" ? fallback : (value ?? fallback);
}

/** Replaces a missing value, so that the rest can be checked. Never part of a loaded configuration. */
const placeholder = "unset";

/**
 * Fills variables into the texts of parsed data. Working on data instead of the file's text prevents a value from changing the
 * structure.
 * @param staysAsWritten whether something else, such as a shell, expands the text at a path
 */
export function interpolate(data: unknown, variables: Variables, staysAsWritten: (path: Path) => boolean): Interpolated {
  const result: Interpolated = { value: undefined, blanks: [], problems: [], references: [] };

  const fillText = (text: string, path: Path): string => {
    if (staysAsWritten(path)) return text;
    const template = parseTemplate(text);
    if ("problem" in template) {
      result.problems.push({ path, problem: template.problem });
      return placeholder;
    }
    const names = template.parts.flatMap((part) => (typeof part === "string" ? [] : [part.name]));
    if (names.length > 0) result.references.push({ path, names });
    const values = template.parts.map((part) => (typeof part === "string" ? part : lookUp(part, variables)));
    if (values.every((value) => value !== undefined)) return values.join("");
    for (const [index, part] of template.parts.entries())
      if (typeof part !== "string" && values[index] === undefined)
        result.blanks.push({ path, name: part.name, empty: Object.hasOwn(variables, part.name) });
    return placeholder;
  };

  const fill = (value: unknown, path: Path): unknown => {
    if (typeof value === "string") return fillText(value, path);
    if (Array.isArray(value)) return value.map((item, index) => fill(item, [...path, index]));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, [...path, key])]));
  };

  result.value = fill(data, []);
  return result;
}
