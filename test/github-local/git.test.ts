import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readZip } from "../../src/github/zip.ts";
import { type BranchWorld, branch, repository, token } from "../history/places.ts";

/** Git's API of the stand-in on a real bare repository: it must refuse what GitHub refuses, and do what git then shows. */

let world: BranchWorld;
beforeEach(async () => {
  world = await branch();
});
afterEach(() => world.close());

interface Answer {
  status: number;
  data: Record<string, unknown> & { sha?: string; message?: string };
}

async function ask(route: string, body?: unknown, used = token): Promise<Answer> {
  const [method, path] = route.split(" ");
  const response = await fetch(`${world.github.url}/repos/${repository}${path}`, {
    method,
    headers: { authorization: `token ${used}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, data: (await response.json().catch(() => ({}))) as Answer["data"] };
}

const file = (path: string, content: string) => ({ path, mode: "100644", type: "blob", content });
const tree = async (body: object) => (await ask("POST /git/trees", body)).data.sha ?? "";
const commit = async (body: object) => (await ask("POST /git/commits", { message: "Change", ...body })).data.sha ?? "";
const main = () => world.git("rev-parse", "main");

test("a tree is made of another one: added, replaced, removed", async () => {
  const base = await tree({ tree: [file("a/b/one", "1"), file("a/two", "2"), file("three", "3")] });
  const inner = await tree({ tree: [file("new", "n")] });
  const changed = await tree({
    base_tree: base,
    tree: [
      { path: "a/b/one", mode: "100644", type: "blob", sha: null },
      file("a/two", "changed"),
      { path: "folder", mode: "040000", type: "tree", sha: inner },
    ],
  });
  expect(world.git("ls-tree", "-r", "--name-only", changed).split("\n")).toEqual(["a/two", "folder/new", "three"]);
  expect(world.git("cat-file", "blob", `${changed}:a/two`)).toBe("changed");
  const { data } = await ask(`GET /git/trees/${base}?recursive=1`);
  expect(data).toMatchObject({ truncated: false, sha: base });
  expect((data.tree as { path: string }[]).map(({ path }) => path)).toEqual(["a", "a/b", "a/b/one", "a/two", "three"]);
});

test.each([
  ["a path that leaves the tree", { tree: [file("../x", "1")] }],
  ["a path into .git", { tree: [file(".git/config", "1")] }],
  ["an object that doesn't exist", { tree: [{ path: "a", mode: "100644", type: "blob", sha: "1".repeat(40) }] }],
  ["neither object nor content", { tree: [{ path: "a", mode: "100644", type: "blob" }] }],
  ["a base that doesn't exist", { base_tree: "1".repeat(40), tree: [file("a", "1")] }],
  ["nothing", { tree: [] }],
])("a tree with %s is refused", async (_, body) => {
  expect((await ask("POST /git/trees", body)).status).toBe(422);
});

describe("a reference", () => {
  test("is created once", async () => {
    const body = { ref: "refs/heads/x", sha: main() };
    expect(await ask("POST /git/refs", body)).toMatchObject({
      status: 201,
      data: { ref: "refs/heads/x", object: { sha: main() } },
    });
    expect((await ask("POST /git/refs", body)).status).toBe(422);
    expect((await ask("POST /git/refs", { ...body, ref: "refs/heads/y", sha: "1".repeat(40) })).status).toBe(422);
    expect((await ask("POST /git/refs", { ...body, ref: "heads/z" })).status).toBe(422);
    expect((await ask("GET /git/ref/heads%2Fx")).data).toMatchObject({ object: { type: "commit", sha: main() } });
    expect((await ask("GET /git/ref/heads%2Fnone")).status).toBe(404);
    expect((await ask("GET /branches/x")).data).toMatchObject({ name: "x", commit: { sha: main() } });
    expect((await ask("GET /branches/none")).status).toBe(404);
  });

  test("moves forward, elsewhere only by force, and to the same commit without a change", async () => {
    const content = await tree({ tree: [file("a", "1")] });
    const [next, other] = [await commit({ tree: content, parents: [main()] }), await commit({ tree: content, parents: [] })];
    const move = (sha: string, force?: boolean) => ask("PATCH /git/refs/heads%2Fmain", { sha, ...(force && { force }) });
    expect((await move(other)).data.message).toBe("Update is not a fast forward");
    expect((await move(next)).status).toBe(200);
    expect((await move(next)).status).toBe(200);
    expect((await move(other)).status).toBe(422);
    expect(main()).toBe(next);
    expect((await move(other, true)).status).toBe(200);
    expect(main()).toBe(other);
    expect((await ask("PATCH /git/refs/heads%2Fnone", { sha: other })).status).toBe(422);
  });

  test("of parallel moves from one commit, one is done", async () => {
    const content = await tree({ tree: [file("a", "1")] });
    const parents = [main()];
    const commits = await Promise.all(
      Array.from({ length: 6 }, (_, index) => commit({ tree: content, parents, message: `${index}` })),
    );
    const answers = await Promise.all(commits.map((sha) => ask("PATCH /git/refs/heads%2Fmain", { sha })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 422, 422, 422, 422, 422]);
  });
});

test("a commit has the author and the time that it was given", async () => {
  const person = { name: "Mona", email: "mona@example.com", date: "2026-11-30T10:00:00.000Z" };
  const body = { message: "Say", tree: await tree({ tree: [file("a", "1")] }), parents: [main()], author: person };
  const [first, second] = [await commit(body), await commit(body)];
  expect(first).toBe(second);
  expect((await ask(`GET /git/commits/${first}`)).data).toMatchObject({
    ...{ sha: first, message: "Say", parents: [{ sha: main() }] },
    ...{ author: { name: "Mona", date: "2026-11-30T10:00:00.000Z" }, committer: { email: "mona@example.com" } },
  });
  expect((await ask(`GET /git/commits/${"1".repeat(40)}`)).status).toBe(404);
  expect((await ask("POST /git/commits", { ...body, tree: "1".repeat(40) })).status).toBe(422);
});

test("bytes of a blob come back as they were", async () => {
  const content = Buffer.from(Array.from({ length: 256 }, (_, index) => index)).toString("base64");
  const { data } = await ask("POST /git/blobs", { content, encoding: "base64" });
  const read = (await ask(`GET /git/blobs/${data.sha}`)).data;
  expect(Buffer.from(String(read.content), "base64").toString("base64")).toBe(content);
  expect(read.size).toBe(256);
  expect((await ask(`GET /git/blobs/${"1".repeat(40)}`)).status).toBe(404);
});

test("content is a file or the list of a folder", async () => {
  const { data } = await ask("GET /contents/src%2Findex.ts?ref=main");
  expect(data).toMatchObject({
    type: "file",
    path: "src/index.ts",
    encoding: "base64",
    content: Buffer.from("code\n").toString("base64"),
  });
  expect((await ask(`GET /contents/src?ref=${main()}`)).data).toMatchObject([{ type: "file", name: "index.ts" }]);
  expect((await ask("GET /contents/none?ref=main")).status).toBe(404);
});

test("an archive is behind a redirection to another host that gets no token", async () => {
  const asked = (redirect: "manual" | "follow") =>
    fetch(`${world.github.url}/repos/${repository}/zipball/main`, { headers: { authorization: `token ${token}` }, redirect });
  const first = await asked("manual");
  expect(first.status).toBe(302);
  expect(new URL(first.headers.get("location") ?? "").host).not.toBe(new URL(world.github.url).host);
  const files = readZip(Buffer.from(await (await asked("follow")).arrayBuffer()));
  expect(files.map(({ name, content }) => [name.replace(/^classwaves-app-[0-9a-f]{7}\//, ""), String(content)])).toEqual([
    ["src/index.ts", "code\n"],
  ]);
});

test("reading and writing need their permission", async () => {
  expect((await ask("GET /branches/main", undefined, "reader")).status).toBe(200);
  expect((await ask("POST /git/trees", { tree: [file("a", "1")] }, "reader")).status).toBe(403);
  expect((await ask("PATCH /git/refs/heads%2Fmain", { sha: main() }, "reader")).status).toBe(403);
  expect((await ask("GET /git/ref/heads%2Fmain", undefined, "nothing")).status).toBe(403);
  expect((await ask("GET /zipball/main", undefined, "nothing")).status).toBe(403);
});
