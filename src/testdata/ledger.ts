import { readFile } from "node:fs/promises";

/** What the tests said they created, beyond what shows by itself. */
export interface Ledger {
  /** `schema.table` → keys */
  rows: Map<string, Set<string>>;
  keys: Set<string>;
  /** Lines that could not be read, with why: reported, never passed over in silence. */
  problems: string[];
}

/**
 * Reads the ledger: JSON lines, `{"table": "sessions.classroom_sessions", "id": "…"}` or `{"key": "…"}`. A file that is not
 * there is an empty ledger: no test tracked anything. A torn last line is what a killed writer leaves: it was never acknowledged.
 */
export async function readLedger(file: string): Promise<Ledger> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return parseLedger("");
    throw error;
  }
  return parseLedger(text);
}

export function parseLedger(text: string): Ledger {
  const ledger: Ledger = { rows: new Map(), keys: new Set(), problems: [] };
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const entry = parseEntry(line);
    const torn = index === lines.length - 1;
    if (entry === undefined)
      ledger.problems.push(
        torn
          ? `ledger line ${index + 1} is torn: a writer was stopped in the middle of it`
          : `ledger line ${index + 1} is not {"table", "id"} or {"key"}`,
      );
    else if ("key" in entry) ledger.keys.add(entry.key);
    else {
      const ids = ledger.rows.get(entry.table) ?? new Set();
      ledger.rows.set(entry.table, ids.add(entry.id));
    }
  }
  return ledger;
}

function parseEntry(line: string): { table: string; id: string } | { key: string } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { table, id, key } = value as Record<string, unknown>;
  if (typeof key === "string" && key !== "") return { key };
  if (typeof table === "string" && typeof id === "string" && table !== "" && id !== "") return { table, id };
  return undefined;
}
