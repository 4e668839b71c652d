import type { Endpoint } from "../config/schema.ts";

/** Of an endpoint, what tells it apart from others. */
export type Asked = Pick<Endpoint, "name" | "path" | "method" | "status" | "signIn">;

/**
 * One id for each endpoint, made of its name or path: earlier runs and alerts know a check by its id alone. Several that would share
 * one are told apart by how they are asked, which says more than a number and does not depend on their order; a number comes last.
 * @param taken ids of other checks
 */
export function endpointIds(group: string, endpoints: readonly Asked[], taken: readonly string[] = []): string[] {
  const plain = endpoints.map((endpoint) => `${group}.${wordsOf(endpoint)}`);
  const isShared = (id: string) => taken.includes(id) || plain.indexOf(id) !== plain.lastIndexOf(id);
  // What stands alone keeps its id, whoever comes before it.
  const used = new Set([...taken, ...plain.filter((id) => !isShared(id))]);
  return endpoints.map((endpoint, index) => {
    const id = plain[index] ?? group;
    if (!isShared(id)) return id;
    const free = firstFree([id, ...particulars(endpoint)].join("-"), used);
    used.add(free);
    return free;
  });
}

/** A name in letters of another alphabet leaves none; its path has some, if need be as codes. */
function wordsOf({ name, path }: Asked): string {
  return lettersOf(name ?? path) || lettersOf(path) || lettersOf(encodeURI(path.toWellFormed())) || "root";
}

function lettersOf(text: string): string {
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
