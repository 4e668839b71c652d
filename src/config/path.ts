/** The place of a value in the file: keys and list positions from the top. */
export type Path = readonly (string | number)[];

/** Turns a path into the key of a map. */
export function pathKey(path: Path): string {
  return JSON.stringify(path);
}

/** Formats a path for messages: `environments.sandbox.api.endpoints[0].path`, `testData.tables["users.teachers"].key`. */
export function showPath(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === "number") return `[${part}]`;
      if (!/^[\w-]{1,80}$/.test(part)) return `[${JSON.stringify(part.slice(0, 80))}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join("");
}

/** The value at a path of plain data; `undefined` if there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const part of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, part)) return undefined;
    current = (current as Record<string | number, unknown>)[part];
  }
  return current;
}
