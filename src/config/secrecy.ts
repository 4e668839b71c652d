import { isSecretName } from "../lib/redaction/names.ts";
import { isCommonWord } from "../lib/redaction/values.ts";
import { decodedPart } from "./address-part.ts";
import type { Entries } from "./check.ts";
import { type Interpolated, soleReference, type Variables } from "./interpolation.ts";
import { group, isGroup, list } from "./loose.ts";
import type { Mistake, Span } from "./mistakes.ts";
import { type Path, valueAt } from "./path.ts";
import { configSchema } from "./schema.ts";
import { Secret } from "./secret.ts";
import { type SchemaNode, schemaNodeAt, takesScalar } from "./shape.ts";

/** Secrets that stand in the file, in place of a reference to a variable. The message does not repeat them. */
export function writtenSecrets(data: unknown, entries: Entries): Mistake[] {
  return [...entries.values()].flatMap(({ path, value }) => {
    const written = valueAt(data, path);
    if (
      schemaNodeAt(configSchema, path)?.handling !== "secret" ||
      typeof written !== "string" ||
      soleReference(written) !== undefined
    )
      return [];
    const message =
      "a secret must not be written in this file: expected ${NAME} without default, with the value in that environment variable";
    return [{ code: "EA1013", at: value, path, message }];
  });
}

/**
 * The stretches that a message must not show: everything but names, references and the values of places that the schema knows to
 * be harmless. A misspelt `token:` is an unknown place, so its value is hidden too.
 */
export function hiddenSpans(data: unknown, entries: Entries): Span[] {
  return [...entries.values()].flatMap(({ path, value, scalar }) => {
    const written = valueAt(data, path);
    if (!scalar || written === null || written === undefined) return [];
    return isHarmless(schemaNodeAt(configSchema, path), String(written)) ? [] : [value];
  });
}

function isHarmless(node: SchemaNode | undefined, written: string): boolean {
  if (soleReference(written) !== undefined) return true;
  if (!node || node.free || node.handling === "secret" || !takesScalar(node.schema)) return false;
  const holdsPassword = /:\/\/[^/]*@/.test(written);
  return !holdsPassword;
}

/** Of a file that cannot be parsed only the keys may be shown: nobody knows what its values are. */
export function hiddenSpansOfBroken(text: string): Span[] {
  return [...text.matchAll(/^(\s*(?:- +)?(?:[\w.-]+:(?=\s|$))?)(.*)$/gm)].map((match) => {
    const start = match.index + (match[1] ?? "").length;
    return { start, end: start + (match[2] ?? "").length };
  });
}

/** What such a header carries signs in, whatever the variable in it is called. */
const secretHeader = /^(?:authorization|proxy-authorization|cookie)$|(?:^|-)(?:key|token|secret)$/i;

/** The values to be masked before anything prints: of every variable that a secret refers to, or whose name says what it is. */
export function secretsOf(interpolated: Interpolated, variables: Variables): Secret[] {
  const contentOf = (name: string): string => (Object.hasOwn(variables, name) ? (variables[name] ?? "") : "");
  const excepted = new Set(list(valueAt(interpolated.value, ["secrets", "not"])) ?? []);
  const named = (name: string) => isSecretName(name) && !excepted.has(name) && !isCommonWord(contentOf(name));
  const values = [
    ...interpolated.references.flatMap(({ path, names }) => {
      const known = names.filter((name) => isSecretPath(path) || named(name)).map(contentOf);
      // An address may be put together from variables; what stands in the file alone is no secret of a variable.
      const whole = names.some((name) => contentOf(name) !== "") ? [String(valueAt(interpolated.value, path))] : [];
      return [...known, ...[...names.map(contentOf), ...whole].flatMap(passwordsIn)];
    }),
    // Commands and servers inherit these without a reference to them.
    ...demandedVariables(interpolated.value).flatMap((name) => [
      ...(named(name) ? [contentOf(name)] : []),
      ...passwordsIn(contentOf(name)),
    ]),
  ];
  return [...new Set(values)].filter((value) => value !== "").map((value) => new Secret(value));
}

function isSecretPath(path: Path): boolean {
  const isSecretHeader = path.at(-2) === "headers" && secretHeader.test(String(path.at(-1)));
  return isSecretHeader || schemaNodeAt(configSchema, path)?.handling === "secret";
}

/** The names under `variables`, of all environments. */
function demandedVariables(data: unknown): string[] {
  return Object.values(group(valueAt(data, ["environments"]))).flatMap((environment) =>
    (list(valueAt(environment, ["variables"])) ?? []).flatMap((variable) => {
      const name = isGroup(variable) ? variable.name : variable;
      return typeof name === "string" ? [name] : [];
    }),
  );
}

/** Of an address with several hosts, as databases have it, or with letters that an address should not have. */
const userInfo = /^[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:(\S+)@/i;

/** The password of an address is printed without the rest of it by some libraries, both as written and decoded. */
function passwordsIn(value: string): string[] {
  const password = URL.canParse(value) ? new URL(value).password : (userInfo.exec(value)?.[1] ?? "");
  return password === "" || isCommonWord(password) ? [] : [...new Set([password, decodedPart(password)])];
}
