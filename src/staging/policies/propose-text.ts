import { type Document, isMap, isScalar, type Node, parseDocument, type YAMLMap } from "yaml";
import type { ColumnPolicy } from "./model.ts";
import type { ProposedTable } from "./propose.ts";
import type { Suggestion } from "./propose-rules.ts";
import { policiesSchemaUrl } from "./schema.ts";

/** The file's text: a new one, or a present one with its comments and what is added. */

const start = `# yaml-language-server: $schema=${policiesSchemaUrl}
# What happens to each column of production in a copy. Proposed by env-actions: review every line before you use it.
# A column, field or table that isn't here is refused, never kept.
version: 1
seed: 1
locale: en
domains: {}
tables: {}
`;

export function proposalText(
  present: string | undefined,
  tables: ReadonlyMap<string, ProposedTable>,
  domains: readonly string[],
): string {
  const document = parseDocument(present ?? start);
  if (domains.length > 0) {
    const known = groupAt(document, document.contents as YAMLMap, "domains");
    for (const domain of domains) known.set(domain, document.createNode({}, { flow: true }));
  }
  const written = groupAt(document, document.contents as YAMLMap, "tables");
  for (const [name, { omit, columns, withoutChecks = [] }] of tables) {
    if (omit !== undefined) {
      const node = document.createNode("omit");
      node.comment = ` ${omit}`;
      written.set(keyIn(written, name), node);
    } else if (columns.size > 0) {
      const table = groupAt(document, written, keyIn(written, name));
      const list = groupAt(document, table, "columns");
      for (const [column, suggestion] of columns) list.set(column, suggestionNode(document, suggestion));
      if (withoutChecks.length > 0) table.set("withoutChecks", document.createNode(withoutChecks, { flow: true }));
    } else if (!written.has(keyIn(written, name))) written.set(name, document.createNode({ columns: {} }));
  }
  return document.toString({ lineWidth: 0 });
}

/** The group under a key, made if it isn't there, and written over several lines. */
function groupAt(document: Document, parent: YAMLMap, key: string): YAMLMap {
  const found: unknown = parent.get(key, true);
  const group = isMap(found) ? found : (document.createNode({}) as YAMLMap);
  if (group !== found) parent.set(key, group);
  group.flow = false;
  return group;
}

/** A name as the file writes it: the warehouse doesn't distinguish upper and lower case. */
function keyIn(group: YAMLMap, name: string): string {
  const pair = group.items.find(({ key }) => isScalar(key) && String(key.value).toLowerCase() === name);
  return pair && isScalar(pair.key) ? String(pair.key.value) : name;
}

function suggestionNode(document: Document, { policy, why, unsure }: Suggestion): Node {
  const node = document.createNode(written(policy), { flow: true });
  const remark = [unsure ? "TODO" : "", why ?? ""].filter((part) => part !== "").join(": ");
  if (remark !== "") node.comment = ` ${remark.replaceAll(/[\r\n]+/g, " ")}`;
  return node;
}

/** As in the file. */
export function written(policy: ColumnPolicy): unknown {
  switch (policy.how) {
    case "keep":
      return policy.reason === undefined ? "keep" : { keep: policy.reason };
    case "null":
      return null;
    case "constant":
      return { constant: policy.value };
    case "surrogate":
    case "pseudonym":
      return { [policy.how]: policy.domain };
    case "generalise":
      return { generalise: policy.to };
    case "synthetic": {
      const { how: _, kind, ...rest } = policy;
      return { synthetic: kind, ...rest };
    }
    case "fields":
      return { fields: Object.fromEntries(Object.entries(policy.fields).map(([name, field]) => [name, written(field)])) };
    case "elements":
      return { elements: written(policy.elements) };
    case "entries":
      return { keys: written(policy.keys), values: written(policy.values) };
    case "json":
      return { json: policy.type, ...(written(policy.within) as object) };
  }
}
