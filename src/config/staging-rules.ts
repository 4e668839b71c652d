import { suggestion } from "../lib/nearest.ts";
import { type Conflict, type Data, group, isGroup, type Path, quote, text, valueAt } from "./path.ts";

/** Rules between the group `staging` and the environments that it names. */

/** What `databricks.catalog` is if it is left out. */
export const defaultCatalog = "classwaves";

/** Where one side of the copy is, as far as the file and its variables say. */
export interface StagingPlace {
  /** The environment's name. */
  name: string;
  /** Undefined if a variable of it is not set here. */
  host: string | undefined;
  catalog: string | undefined;
}

/** @param isBlank whether a value depends on a variable that is not set */
export function stagingPlace(data: Data, side: "original" | "copy", isBlank: (path: Path) => boolean): StagingPlace | undefined {
  const name = text(valueAt(data, ["staging", side]));
  if (name === undefined) return undefined;
  const base = ["environments", name, "databricks"];
  const known = (key: string) => (isBlank([...base, key]) ? undefined : text(valueAt(data, [...base, key])));
  return {
    name,
    host: known("host"),
    catalog: isBlank([...base, "catalog"]) ? undefined : (known("catalog") ?? defaultCatalog),
  };
}

export function stagingConflicts(data: Data, written: Data): Conflict[] {
  const staging = valueAt(data, ["staging"]);
  if (!isGroup(staging)) return [];
  const environments = group(valueAt(data, ["environments"]));
  const names = Object.keys(environments);
  const [original, copy] = [text(staging.original), text(staging.copy)];
  const found: Conflict[] = [];
  for (const [side, name] of [["original", original] as const, ["copy", copy] as const]) {
    if (name === undefined) continue;
    const path = ["staging", side];
    if (!names.includes(name))
      found.push({
        code: "EA2130",
        path,
        message: `no environment has the name ${quote(written, path)}; ${suggestion(name, names)}`,
      });
    else if (!isGroup(valueAt(environments, [name, "databricks"])))
      found.push({
        code: "EA2130",
        path,
        message: `the environment ${name} has no databricks, so it has no catalog: add databricks: { host: …, catalog: … } to it`,
      });
  }
  if (original !== undefined && original === copy)
    return [
      ...found,
      {
        code: "EA2131",
        path: ["staging", "copy"],
        message: "expected another environment than the original: it is its own copy",
      },
    ];
  if (original !== undefined) found.push(...access(environments, original, "read-only"));
  if (copy !== undefined) found.push(...access(environments, copy, "test-data"));
  if (original !== undefined && copy !== undefined) found.push(...sameCatalog(data, { original, copy }));
  return found;
}

function access(environments: Record<string, unknown>, name: string, needed: "read-only" | "test-data"): Conflict[] {
  const written = valueAt(environments, [name, "access"]);
  if (written === needed || typeof written !== "string") return [];
  const why =
    needed === "read-only"
      ? "it is the original of a copy (staging.original), and the tasks must not be able to write there"
      : "it is the copy (staging.copy), which the tasks create and fill";
  return [{ code: "EA2132", path: ["environments", name, "access"], message: `expected ${needed}: ${why}` }];
}

/** A copy in the original's own catalog would replace what it copies. */
function sameCatalog(data: Data, { original, copy }: { original: string; copy: string }): Conflict[] {
  const of = (name: string, key: string) => text(valueAt(data, ["environments", name, "databricks", key]))?.toLowerCase();
  const host = (name: string) => of(name, "host")?.replace(/^https:\/\//, "");
  if (![original, copy].every((name) => isGroup(valueAt(data, ["environments", name, "databricks"])))) return [];
  // Another workspace may share the metastore, and with it the catalog: only different names are surely different catalogs.
  if ((of(original, "catalog") ?? defaultCatalog) !== (of(copy, "catalog") ?? defaultCatalog)) return [];
  const elsewhere = host(original) === host(copy) ? "" : " (workspaces can share a catalog)";
  return [
    {
      code: "EA2133",
      path: ["environments", copy, "databricks", "catalog"],
      message: `the copy has the same catalog as its original, ${original}${elsewhere}: write the name of a catalog of its own`,
    },
  ];
}
