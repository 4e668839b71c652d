/** As much of a manifest in TOML as shows what a project installs. */
export interface TomlLists {
  /** Table → key → the texts of its value: one for a plain value, and those of a list. */
  tables: Map<string, Map<string, string[]>>;
}

/** Reads tables, and keys with texts and lists of texts. What else a file has is skipped; nothing of it decides what is installed. */
export function listsOf(text: string): TomlLists {
  const tables = new Map<string, Map<string, string[]>>();
  let table = "";
  const lines = withoutTomlComments(text).split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    const heading = /^\s*\[{1,2}([^[\]]+)\]{1,2}\s*$/.exec(line)?.[1];
    if (heading !== undefined) {
      table = nameOf(heading);
      tables.set(table, tables.get(table) ?? new Map());
      continue;
    }
    const [, key, first = ""] = /^\s*([\w."'-]+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (key === undefined) continue;
    let value = first;
    while (value.trimStart().startsWith("[") && !isClosed(value) && index + 1 < lines.length) value += `\n${lines[++index]}`;
    // `optional-dependencies.dev` of a table is `dev` of a table in it.
    const path = [...(table === "" ? [] : [table]), ...nameOf(key).split(".")];
    const [of, own] = [path.slice(0, -1).join("."), path.at(-1) ?? ""];
    tables.set(of, (tables.get(of) ?? new Map<string, string[]>()).set(own, textsOf(value)));
  }
  return { tables };
}

/** `"a" . b` and `a.b` are one name. */
function nameOf(written: string): string {
  return written.replace(/["'\s]/g, "");
}

/** A `#` inside of a text begins no comment. */
function withoutTomlComments(text: string): string {
  return text.replace(/"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*/g, (found) => (found.startsWith("#") ? "" : found));
}

function isClosed(value: string): boolean {
  const bare = value.replace(/"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/g, "");
  return bare.split("[").length <= bare.split("]").length;
}

/** A group that includes another one is written as a table of its own. */
function textsOf(value: string): string[] {
  const plain = /^\s*(true|false|\d+)\s*$/.exec(value)?.[1];
  if (plain !== undefined) return [plain];
  const found = value.matchAll(/include-group\s*=\s*["']([^"']+)["']|"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'/g);
  return [...found].map(([, included, double, single]) =>
    included === undefined ? (double ?? single ?? "") : `include-group:${included}`,
  );
}
