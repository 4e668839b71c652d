import type { Endpoint } from "../config/schema.ts";

/** Of an endpoint, what tells it apart from others. */
export type Asked = Pick<Endpoint, "name" | "path" | "method" | "status" | "signIn">;

/**
 * One id for each endpoint, made of its name or path: earlier runs and alerts know a check by its id alone. Several that would share
 * one are told apart by how they are asked, which says more than a number and does not depend on their order; a number comes last.
 * @param taken ids of other checks
 */
export function endpointIds(group: string, endpoints: readonly Asked[], taken: readonly string[] = []): string[] {
  const wanted = endpoints.map((endpoint) => {
    const plain = `${group}.${wordsOf(endpoint)}`;
    return { plain, precise: [plain, ...particulars(endpoint)].join("-") };
  });
  return apart(wanted, taken);
}

/** The same ids, numbered where they are shared. */
export function numberedIds(ids: readonly string[]): string[] {
  const wanted = ids.map((id) => ({ plain: id, precise: id }));
  return apart(wanted, []);
}

/** @param wanted of each the id where it stands alone, and the one where it does not */
function apart(wanted: readonly { plain: string; precise: string }[], taken: readonly string[]): string[] {
  const count = (id: string) => wanted.filter(({ plain }) => plain === id).length;
  const isShared = (id: string) => taken.includes(id) || count(id) > 1;
  // What stands alone keeps its id, whoever comes before it.
  const used = new Set([...taken, ...wanted.map(({ plain }) => plain).filter((id) => !isShared(id))]);
  return wanted.map(({ plain, precise }) => {
    if (!isShared(plain)) return plain;
    const free = firstFree(precise, used);
    used.add(free);
    return free;
  });
}

/** A name in letters of another alphabet leaves none; its path has some, if need be as codes. */
function wordsOf({ name, path }: Asked): string {
  return slug(name ?? path) || slug(path) || slug(encodeURI(path.toWellFormed())) || "root";
}

/** Lower case, `a-z0-9` and dashes; empty if nothing of the text is left. */
export function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}

/** Nothing for the usual way to ask. */
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
