import { type Conflict, type Data, group, isGroup, type Path, quote, text, valueAt } from "./path.ts";

/** As `src/staging/branch/name.ts` names them. */
const branchNamePattern = /_ea_\d{13}_[0-9a-f]{8}$/i;
/** Of `databricks.catalog`. */
const defaultCatalog = "classwaves";

/** Contradictions between `testData.isolation` and the environments. */
export function isolationConflicts(data: Data, written: Data): Conflict[] {
  const path: Path = ["testData", "isolation"];
  const isolation = valueAt(data, path);
  const environments = Object.entries(group(valueAt(data, ["environments"])));
  return [
    ...(isGroup(isolation) ? keysOfIsolation(path, isolation, written, environments) : []),
    ...(isolation === "clone" || (isGroup(isolation) && isolation.by !== "prefix") ? branchesOfBranches(environments) : []),
  ];
}

function keysOfIsolation(
  path: Path,
  isolation: Record<string, unknown>,
  written: Data,
  environments: [string, unknown][],
): Conflict[] {
  const conflict = (key: string, message: string): Conflict => ({ code: "EA5101", path: [...path, key], message });
  const { by, as, into, managedLocation } = isolation;
  if (by === "prefix") {
    const ignored = Object.keys(isolation).filter((key) => key !== "by");
    return ignored.map((key) => conflict(key, "has no effect with by: prefix: remove it, or write by: clone"));
  }
  const found: Conflict[] = [];
  const isSchemas = as === "schemas";
  if (isSchemas && into === undefined)
    found.push(conflict("as", "as: schemas needs into: an existing catalog in which the schemas of all branches are created"));
  if (!isSchemas && into !== undefined)
    found.push(conflict("into", "has no effect: a branch is a catalog of its own. Write as: schemas, or remove this key"));
  if (isSchemas && managedLocation !== undefined)
    found.push(conflict("managedLocation", "has no effect with as: schemas, whose catalog is there already: remove it"));
  if (
    isSchemas &&
    !Object.values(group(isolation.variables)).some(
      (value) => text(value)?.includes("{schema:") || text(value)?.includes("{run}"),
    )
  )
    found.push(
      conflict(
        isolation.variables === undefined ? "as" : "variables",
        'with as: schemas the application must learn the schemas\' names: hand them over in variables, such as { SESSIONS_SCHEMA: "{schema:sessions}" }',
      ),
    );
  const catalog = text(into)?.toLowerCase();
  for (const [name, environment] of environments)
    if (catalog !== undefined && catalogOf(environment) === catalog)
      found.push(
        conflict(
          "into",
          `${quote(written, [...path, "into"])} is the catalog of the environment ${name}: name another catalog, so that no run finds the branches of others in its own`,
        ),
      );
  return found;
}

/** In lower case; undefined without a warehouse. */
function catalogOf(environment: unknown): string | undefined {
  const databricks = valueAt(environment, ["databricks"]);
  return isGroup(databricks) ? (text(databricks.catalog) ?? defaultCatalog).toLowerCase() : undefined;
}

/** A sweep would take the environment's own catalog for a lost branch of another one. */
function branchesOfBranches(environments: [string, unknown][]): Conflict[] {
  return environments.flatMap(([name, environment]): Conflict[] => {
    const path: Path = ["environments", name, "databricks", "catalog"];
    return branchNamePattern.test(catalogOf(environment) ?? "")
      ? [
          {
            code: "EA5101",
            path,
            message: "the catalog is named like a branch of a run: name the catalog that branches are copies of",
          },
        ]
      : [];
  });
}
