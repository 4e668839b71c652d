import { isCommonWord, isSecretName } from "../lib/redaction/variables.ts";
import { type Interpolated, soleReference, type Variables } from "./interpolation.ts";
import type { Entries } from "./load.ts";
import type { Mistake, Span } from "./mistakes.ts";
import { group, isGroup, list, type Path, valueAt } from "./path.ts";
import { decodedPart } from "./redis-address.ts";
import { Secret } from "./secret.ts";
import { type Schema, type SchemaNode, schemaNodeAt, takesScalar } from "./shape.ts";

/** Finds secrets in the file that should be references to variables. The message does not repeat them. */
export function writtenSecrets(schema: Schema, data: unknown, entries: Entries): Mistake[] {
  return [...entries.values()].flatMap(({ path, value }) => {
    const written = valueAt(data, path);
    if (schemaNodeAt(schema, path)?.handling !== "secret" || typeof written !== "string" || soleReference(written) !== undefined)
      return [];
    const message =
      "a secret must not be written in this file: expected ${NAME} without default, with the value in that environment variable";
    return [{ code: "EA1013", at: value, path, message }];
  });
}

/**
 * The ranges that a message must hide: everything except names, references and values that the schema knows to be harmless. The
 * key of a misspelt `token:` is unknown, so its value is hidden too.
 */
export function hiddenSpans(schema: Schema, data: unknown, entries: Entries): Span[] {
  return [...entries.values()].flatMap(({ path, value, scalar }) => {
    const written = valueAt(data, path);
    if (!scalar || written === null || written === undefined) return [];
    return isHarmless(schemaNodeAt(schema, path), String(written)) ? [] : [value];
  });
}

function isHarmless(node: SchemaNode | undefined, written: string): boolean {
  if (soleReference(written) !== undefined) return true;
  if (!node || node.free || node.handling === "secret" || !takesScalar(node.schema)) return false;
  const holdsPassword = /:\/\/[^/]*@/.test(written);
  return !holdsPassword;
}

/** If a file cannot be parsed, only its keys are shown, because any value may be a secret. */
export function hiddenSpansOfBroken(text: string): Span[] {
  return [...text.matchAll(/^(\s*(?:- +)?(?:[\w.-]+:(?=\s|$))?)(.*)$/gm)].map((match) => {
    const start = match.index + (match[1] ?? "").length;
    return { start, end: start + (match[2] ?? "").length };
  });
}

/** Headers whose value is a credential, whatever the variable in it is called. */
const secretHeader = /^(?:authorization|proxy-authorization|cookie)$|(?:^|-)(?:key|token|secret)$/i;

/** The values to mask before anything is printed: variables that a secret refers to, or whose name suggests a secret. */
export function secretsOf(schema: Schema, interpolated: Interpolated, variables: Variables): Secret[] {
  const contentOf = (name: string): string => (Object.hasOwn(variables, name) ? (variables[name] ?? "") : "");
  const excepted = new Set(list(valueAt(interpolated.value, ["secrets", "not"])) ?? []);
  const named = (name: string) => isSecretName(name) && !excepted.has(name) && !isCommonWord(contentOf(name));
  const values = [
    ...interpolated.references.flatMap(({ path, names }) => {
      const known = names.filter((name) => isSecretPath(schema, path) || named(name)).map(contentOf);
      // An address may combine several variables. Text that is only in the file is not secret.
      const whole = names.some((name) => contentOf(name) !== "") ? [String(valueAt(interpolated.value, path))] : [];
      return [...known, ...[...names.map(contentOf), ...whole].flatMap(passwordsIn)];
    }),
    // Commands and servers inherit these variables without a reference in the file.
    ...demandedVariables(interpolated.value).flatMap((name) => [
      ...(named(name) ? [contentOf(name)] : []),
      ...passwordsIn(contentOf(name)),
    ]),
  ];
  return [...new Set(values)].filter((value) => value !== "").map((value) => new Secret(value));
}

function isSecretPath(schema: Schema, path: Path): boolean {
  const isSecretHeader = path.at(-2) === "headers" && secretHeader.test(String(path.at(-1)));
  return isSecretHeader || schemaNodeAt(schema, path)?.handling === "secret";
}

/** The names under `variables` in all environments. */
function demandedVariables(data: unknown): string[] {
  return Object.values(group(valueAt(data, ["environments"]))).flatMap((environment) =>
    (list(valueAt(environment, ["variables"])) ?? []).flatMap((variable) => {
      const name = isGroup(variable) ? variable.name : variable;
      return typeof name === "string" ? [name] : [];
    }),
  );
}

/** Matches addresses that URL cannot parse: with several hosts, as databases use, or with invalid characters. */
const userInfo = /^[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:(\S+)@/i;

/** Some libraries print an address's password alone, as written or decoded, so both forms are masked. */
function passwordsIn(value: string): string[] {
  const password = URL.canParse(value) ? new URL(value).password : (userInfo.exec(value)?.[1] ?? "");
  return password === "" || isCommonWord(password) ? [] : [...new Set([password, decodedPart(password)])];
}
