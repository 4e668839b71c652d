import { invalid } from "./errors.ts";

/** The fields of a JSON body. @throws ApiError 400 if it is not an object */
export function fieldsOf(body: unknown): Record<string, unknown> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw invalid("expected a JSON object");
  return body as Record<string, unknown>;
}

const longestText = 200;

/** @throws ApiError 400 if it is not text, empty, or longer than `longest` characters */
export function text(fields: Record<string, unknown>, name: string, longest = longestText): string {
  const value = optionalText(fields, name, longest);
  if (value === undefined) throw invalid(`${name} is required`);
  return value;
}

export function optionalText(fields: Record<string, unknown>, name: string, longest = longestText): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string" || value.trim() === "" || value.length > longest)
    throw invalid(`${name} must be text of 1 to ${longest} characters`);
  return value;
}

/** An absent list is empty. @throws ApiError 400 */
export function list(fields: Record<string, unknown>, name: string, longest: number): unknown[] {
  const value = fields[name] ?? [];
  if (!Array.isArray(value) || value.length > longest) throw invalid(`${name} must be a list of at most ${longest}`);
  return value;
}
