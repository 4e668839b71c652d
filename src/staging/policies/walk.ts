import { quoteName } from "../../warehouse/statements.ts";
import { type ColumnType, ddlOf, parseColumnType } from "./column-type.ts";
import { type ColumnPolicy, isStandIn, isWithin, type Leaf, type Within } from "./model.ts";
import { textLiteral } from "./sql.ts";

/** One leaf of a column: a value that has a policy of its own. */
export interface LeafPlace {
  /** From the column: `address.city`, `tags[]`, `scores{key}`, `scores{value}`. Empty for the column itself. */
  path: string;
  policy: Leaf;
  type: ColumnType;
  nullable: boolean;
  /** Whether the column can have several of it: it is in an array or a map. */
  repeated: boolean;
  /**
   * SQL of the value, or of an array of all values if it is repeated.
   * @param column SQL of the column
   */
  read: (column: string) => string;
  /** Of the column's JSON, not of a declared type. */
  inJson: boolean;
}

const other: ColumnType = { kind: "other" };

/** The type of a field, whatever the case of its name. */
export function fieldOf(type: ColumnType, name: string): { name: string; type: ColumnType; nullable: boolean } | undefined {
  if (type.kind !== "struct") return undefined;
  return type.fields.find((field) => field.name.toLowerCase() === name.toLowerCase());
}

interface Step {
  path: string;
  type: ColumnType;
  nullable: boolean;
  repeated: boolean;
  read: (column: string) => string;
  inJson: boolean;
}

/** All leaves that a policy has, in the order of the policy. */
export function leavesOf(policy: ColumnPolicy, type: ColumnType, nullable = true): LeafPlace[] {
  return walk(policy, { path: "", type, nullable, repeated: false, read: (column) => column, inJson: false });
}

function walk(policy: ColumnPolicy, step: Step): LeafPlace[] {
  if (policy.how === "json") {
    const type = parseColumnType(policy.type) ?? other;
    return walk(policy.within, { ...step, type, read: (column) => parsed(step.read(column), policy.type), inJson: true });
  }
  if (!isWithin(policy)) return [{ ...step, policy }];
  return childrenOf(policy, step).flatMap(([child, below]) => walk(child, below));
}

function childrenOf(policy: Within, step: Step): [ColumnPolicy, Step][] {
  const join = (path: string, part: string) => (path === "" && part.startsWith(".") ? part.slice(1) : path + part);
  if (policy.how === "fields")
    return Object.entries(policy.fields).map(([name, child]) => {
      const field = fieldOf(step.type, name);
      const read = (value: string) => `${value}.${quoteName(field?.name ?? name)}`;
      return [
        child,
        {
          ...step,
          path: join(step.path, `.${name}`),
          type: field?.type ?? other,
          nullable: field?.nullable ?? true,
          read: (column) => (step.repeated ? `transform(${step.read(column)}, x -> ${read("x")})` : read(step.read(column))),
        },
      ];
    });
  const within = (part: string, type: ColumnType, items: (value: string) => string, nullable: boolean): Step => ({
    ...step,
    path: step.path + part,
    type,
    nullable,
    repeated: true,
    read: (column) =>
      step.repeated
        ? `flatten(transform(${step.read(column)}, x -> coalesce(${items("x")}, array())))`
        : items(step.read(column)),
  });
  if (policy.how === "elements") {
    const element = step.type.kind === "array" ? step.type.element : other;
    return [[policy.elements, within("[]", element, (value) => value, true)]];
  }
  const [key, value] = step.type.kind === "map" ? [step.type.key, step.type.value] : [other, other];
  return [
    [policy.keys, within("{key}", key, (map) => `map_keys(${map})`, false)],
    [policy.values, within("{value}", value, (map) => `map_values(${map})`, true)],
  ];
}

export function parsed(json: string, type: string): string {
  return `from_json(${json}, ${textLiteral(ddlOf(type))})`;
}

/** Leaves whose stand-in comes from this domain, in arrays and maps. */
export function repeatedStandIns(leaves: readonly LeafPlace[], domain: string): LeafPlace[] {
  return leaves.filter(({ repeated, policy }) => repeated && isStandIn(policy) && policy.domain === domain);
}

/** The values of these leaves in one array, sorted and without duplicates, so that equal contents have equal arrays. */
export function leafValues(leaves: readonly LeafPlace[], column: string): string {
  const arrays = leaves.map(({ read }) => `coalesce(array_compact(${read(column)}), array())`);
  const [only] = arrays;
  return `array_sort(array_distinct(${arrays.length === 1 && only ? only : `flatten(array(${arrays.join(", ")}))`}))`;
}
