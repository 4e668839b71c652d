import type { Endpoint } from "../config/schema.ts";

/** The properties that distinguish an endpoint. */
export type Asked = Pick<Endpoint, "name" | "path" | "method" | "status" | "signIn">;

/**
 * One id per endpoint, from its name or path. Earlier runs and alerts only know a check by its id. If several would share one,
 * they are distinguished by how they are called, which is clearer than a number and doesn't depend on the order; otherwise by a
 * number.
 * @param taken ids of other checks
 */
export function endpointIds(group: string, endpoints: readonly Asked[], taken: readonly string[] = []): string[] {
  const wanted = endpoints.map((endpoint) => {
    const plain = `${group}.${wordsOf(endpoint)}`;
    return { plain, precise: [plain, ...particulars(endpoint)].join("-") };
  });
  return apart(wanted, taken);
}

/** The same ids, with numbers where they are shared. */
export function numberedIds(ids: readonly string[]): string[] {
  const wanted = ids.map((id) => ({ plain: id, precise: id }));
  return apart(wanted, []);
}

/** @param wanted for each the id to use if it is unique, and the one if it is not */
function apart(wanted: readonly { plain: string; precise: string }[], taken: readonly string[]): string[] {
  const count = (id: string) => wanted.filter(({ plain }) => plain === id).length;
  const isShared = (id: string) => taken.includes(id) || count(id) > 1;
  // A unique id stays the same, whatever comes before it.
  const used = new Set([...taken, ...wanted.map(({ plain }) => plain).filter((id) => !isShared(id))]);
  return wanted.map(({ plain, precise }) => {
    if (!isShared(plain)) return plain;
    const free = firstFree(precise, used);
    used.add(free);
    return free;
  });
}

/** A name in another alphabet leaves no words; its path leaves some, if only as codes. */
function wordsOf({ name, path }: Asked): string {
  return slug(name ?? path) || slug(path) || slug(encodeURI(path.toWellFormed())) || "root";
}

/** Lower case, `a-z0-9` and dashes; empty if nothing is left. */
export function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}

/** Empty for an ordinary request. */
function particulars({ method, signIn, status }: Asked): string[] {
  return [
    ...(method === "GET" ? [] : [method.toLowerCase()]),
    ...(signIn ? ["signed-in"] : []),
    ...(status.length === 1 && status[0] === 200 ? [] : status.map(String)),
  ];
}

function firstFree(id: string, used: ReadonlySet<string>): string {
  let free = id;
  for (let number = 2; used.has(free); number++) free = `${id}-${number}`;
  return free;
}
