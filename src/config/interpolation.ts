import { type Conflict, type Data, group, isGroup, type Path, pathKey } from "./path.ts";

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

/**
 * Databricks' own tools read DATABRICKS_* variables, so they are often set already. We fill the gaps of an environment's
 * `databricks` with references to them. The loader then resolves, checks and masks them like references in the file.
 */

export interface Filled {
  data: Data;
  /** What was added where, and the message if its variable is not set; by `pathKey`. */
  added: ReadonlyMap<string, string>;
  /** Variables that contradict each other. */
  conflicts: Conflict[];
}

type Group = Record<string, unknown>;

/** The keys for sign-in; they must describe exactly one of the three ways. */
const signInKeys = ["token", "clientId", "clientSecret", "oidc"];

export function withUnifiedVariables(data: Data, variables: Variables): Filled {
  const added = new Map<string, string>();
  const found: Conflict[] = [];
  if (!isGroup(data) || !isGroup(data.environments)) return { data, added, conflicts: found };
  const environments = Object.entries(data.environments).map(([name, environment]): [string, unknown] => {
    if (!isGroup(environment) || !isGroup(environment.databricks)) return [name, environment];
    const path = ["environments", name, "databricks"];
    return [name, { ...environment, databricks: filled(environment.databricks, { path, variables, added, found }) }];
  });
  return { data: { ...data, environments: Object.fromEntries(environments) }, added, conflicts: found };
}

interface Filling {
  path: Path;
  variables: Variables;
  added: Map<string, string>;
  found: Conflict[];
}

function filled(written: Group, filling: Filling): Group {
  const { path, variables, added, found } = filling;
  const isSet = (name: string) => Object.hasOwn(variables, name) && variables[name] !== "" && variables[name] !== undefined;
  const result: Group = { ...written };
  const put = (into: Group, below: Path, key: string, name: string, otherwise?: string) => {
    if (key in into || (otherwise === undefined && !isSet(name))) return;
    into[key] = `\${${name}}`;
    if (otherwise !== undefined) added.set(pathKey([...path, ...below, key]), otherwise);
  };

  put(
    result,
    [],
    "host",
    "DATABRICKS_HOST",
    "missing: expected the host of the workspace here, or the environment variable DATABRICKS_HOST",
  );
  if (!("warehouse" in result) && !("path" in result)) {
    const [id, httpPath] = [variables.DATABRICKS_WAREHOUSE_ID ?? "", variables.DATABRICKS_HTTP_PATH ?? ""];
    if (id !== "" && httpPath !== "" && !httpPath.endsWith(`/${id}`))
      found.push({
        code: "EA1029",
        path: [...path, "warehouse"],
        message:
          "DATABRICKS_WAREHOUSE_ID and DATABRICKS_HTTP_PATH name different warehouses: unset one of them, or write warehouse or path here",
      });
    if (isSet("DATABRICKS_HTTP_PATH") && !isSet("DATABRICKS_WAREHOUSE_ID")) put(result, [], "path", "DATABRICKS_HTTP_PATH");
    else
      put(
        result,
        [],
        "warehouse",
        "DATABRICKS_WAREHOUSE_ID",
        "missing: expected warehouse or path here, or one of the environment variables DATABRICKS_WAREHOUSE_ID and DATABRICKS_HTTP_PATH",
      );
  }
  put(result, [], "catalog", "DATABRICKS_CATALOG");

  if (!signInKeys.some((key) => key in result)) signIn(result, filling, isSet);
  else if ("clientId" in result !== "clientSecret" in result && !("token" in result) && !("oidc" in result)) {
    put(
      result,
      [],
      "clientId",
      "DATABRICKS_CLIENT_ID",
      "missing: clientSecret requires clientId: add it here, or set the environment variable DATABRICKS_CLIENT_ID",
    );
    put(
      result,
      [],
      "clientSecret",
      "DATABRICKS_CLIENT_SECRET",
      "missing: clientId requires clientSecret: add it here, or set the environment variable DATABRICKS_CLIENT_SECRET. For GitHub's id token, write oidc: { clientId: … }",
    );
  }
  if (isGroup(result.oidc)) {
    const oidc = { ...result.oidc };
    put(oidc, ["oidc"], "clientId", "DATABRICKS_CLIENT_ID");
    put(oidc, ["oidc"], "audience", "DATABRICKS_TOKEN_AUDIENCE");
    // Databricks uses the account's id if a policy names no audience.
    put(oidc, ["oidc"], "audience", "DATABRICKS_ACCOUNT_ID");
    result.oidc = oidc;
  }
  return result;
}

const ways = ["pat", "oauth-m2m", "github-oidc"] as const;
type Way = (typeof ways)[number];

/** The file does not say how to sign in, so the variables decide if they allow exactly one way. */
function signIn(result: Group, { path, variables, added, found }: Filling, isSet: (name: string) => boolean): void {
  const way = wayOf(variables, isSet);
  if (typeof way !== "string") {
    found.push({ code: "EA1029", path, message: way.problem });
    return;
  }
  const put = (key: string, name: string, message: string) => {
    result[key] = `\${${name}}`;
    added.set(pathKey([...path, key]), message);
  };
  const because = isSet("DATABRICKS_AUTH_TYPE") ? `DATABRICKS_AUTH_TYPE is ${way}, so ` : "";
  if (way === "github-oidc") result.oidc = {};
  else if (way === "pat")
    put(
      "token",
      "DATABRICKS_TOKEN",
      because
        ? `${because}the variable DATABRICKS_TOKEN must be set`
        : "missing: expected token, clientId with clientSecret, or oidc here; or the environment variables DATABRICKS_TOKEN, DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET, or DATABRICKS_AUTH_TYPE=github-oidc",
    );
  else {
    for (const [key, name] of [
      ["clientId", "DATABRICKS_CLIENT_ID"],
      ["clientSecret", "DATABRICKS_CLIENT_SECRET"],
    ] as const)
      put(
        key,
        name,
        `${because || "only one of DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET is set: "}the variable ${name} must be set`,
      );
  }
}

function wayOf(variables: Variables, isSet: (name: string) => boolean): Way | { problem: string } {
  if (isSet("DATABRICKS_AUTH_TYPE")) {
    const asked = ways.find((way) => way === variables.DATABRICKS_AUTH_TYPE);
    return (
      asked ?? {
        problem: `expected the environment variable DATABRICKS_AUTH_TYPE to be one of ${ways.join(", ")}, got another value`,
      }
    );
  }
  const hasSecret = isSet("DATABRICKS_CLIENT_SECRET");
  if (isSet("DATABRICKS_TOKEN") && hasSecret)
    return {
      problem:
        "DATABRICKS_TOKEN and DATABRICKS_CLIENT_SECRET are both set: set DATABRICKS_AUTH_TYPE to pat or oauth-m2m, or write token, or clientId and clientSecret, here",
    };
  return hasSecret ? "oauth-m2m" : "pat";
}

/** Finds environments in the file with more than one way to sign in. */
export function signInConflicts(environments: Data): Conflict[] {
  return Object.entries(group(environments)).flatMap(([name, environment]) => {
    const databricks = group(group(environment).databricks);
    const path = ["environments", name, "databricks"];
    const has = (key: string) => key in databricks;
    const written = ["token", "clientSecret", "oidc"].filter(has);
    const second = written[1];
    if (second !== undefined)
      return [
        {
          code: "EA1029",
          path: [...path, second],
          message: `more than one way to sign in, ${written.join(" and ")}: keep one of token, clientId with clientSecret, and oidc`,
        },
      ];
    if (has("clientId") && written[0] === "token")
      return [
        { code: "EA1029", path: [...path, "clientId"], message: "token and clientId cannot be combined: remove one of them" },
      ];
    if (has("clientId") && written[0] === "oidc")
      return [
        { code: "EA1029", path: [...path, "clientId"], message: "with oidc, write clientId inside it: oidc: { clientId: … }" },
      ];
    return [];
  });
}
