import type { Answer, Asked, Endpoints } from "../endpoint.ts";
import { type Git, kindOf, line, note } from "../git.ts";
import { notFound, unprocessable } from "../refusals.ts";
import { inGit } from "./git-refs.ts";

const reads = { permission: "contents", access: "read" } as const;
const writes = { permission: "contents", access: "write" } as const;

/** Blobs and commits of the bare repository. Their names follow from their content, so writing one twice changes nothing. */
export const gitObjectEndpoints: Endpoints = {
  "git/create-blob": { needs: writes, answer: inGit(createBlob) },
  "git/get-blob": { needs: reads, answer: inGit(getBlob) },
  "git/create-commit": { needs: writes, answer: inGit(createCommit) },
  "git/get-commit": { needs: reads, answer: inGit(getCommit) },
};

export function addressOf({ url, repository }: Asked): string {
  return `${url}/repos/${repository.owner}/${repository.name}`;
}

function createBlob(asked: Asked, git: Git): Answer {
  const { content, encoding = "utf-8" } = asked.body as { content: string; encoding?: string };
  if (encoding !== "utf-8" && encoding !== "base64") return unprocessable("encoding must be utf-8 or base64");
  const bytes = Buffer.from(content, encoding === "base64" ? "base64" : "utf8");
  const sha = writeBlob(git, bytes);
  return { status: 201, body: { sha, url: `${addressOf(asked)}/git/blobs/${sha}` } };
}

export function writeBlob(git: Git, content: Buffer): string {
  const sha = line(git(["hash-object", "-w", "--stdin"], { input: content }));
  note(git, sha, { kind: "blob" });
  return sha;
}

function getBlob(asked: Asked, git: Git): Answer {
  const sha = asked.path.file_sha ?? "";
  if (kindOf(git, sha) !== "blob") return notFound();
  const content = git(["cat-file", "blob", sha]);
  const node_id = Buffer.from(`Blob:${sha}`).toString("base64");
  const url = `${addressOf(asked)}/git/blobs/${sha}`;
  return { status: 200, body: { sha, node_id, url, size: content.length, encoding: "base64", content: wrapped(content) } };
}

/** GitHub breaks the lines of Base64. */
export function wrapped(content: Buffer): string {
  return content.toString("base64").replace(/.{60}/g, "$&\n");
}

interface Person {
  name: string;
  email: string;
  date?: string;
}

function createCommit(asked: Asked, git: Git): Answer {
  const { message, tree, parents = [], author, committer } = asked.body as Wanted;
  if (kindOf(git, tree) !== "tree") return unprocessable("Tree SHA does not exist");
  if (parents.some((parent) => kindOf(git, parent) !== "commit"))
    return unprocessable("Parent SHA does not exist or is not a commit");
  const now = new Date(asked.now).toISOString();
  const own = { name: asked.login, email: `${asked.login}@users.noreply.github.com`, date: now };
  // As GitHub fills in what is missing: the committer is the author, who is the token's user.
  const writer = { ...own, ...author };
  const by = { ...writer, ...committer };
  const sha = line(
    git(["commit-tree", tree, ...parents.flatMap((parent) => ["-p", parent])], {
      input: message,
      env: {
        ...{ GIT_AUTHOR_NAME: writer.name, GIT_AUTHOR_EMAIL: writer.email, GIT_AUTHOR_DATE: seconds(writer.date) },
        ...{ GIT_COMMITTER_NAME: by.name, GIT_COMMITTER_EMAIL: by.email, GIT_COMMITTER_DATE: seconds(by.date) },
      },
    }),
  );
  note(git, sha, { kind: "commit", tree, parents: parents.join(" ") });
  return { status: 201, body: rendered(asked, git, sha) };
}

interface Wanted {
  message: string;
  tree: string;
  parents?: string[];
  author?: Person;
  committer?: Partial<Person>;
}

function seconds(date: string): string {
  return `${Math.floor(Date.parse(date) / 1000)} +0000`;
}

function getCommit(asked: Asked, git: Git): Answer {
  const sha = asked.path.commit_sha ?? "";
  return kindOf(git, sha) === "commit" ? { status: 200, body: rendered(asked, git, sha) } : notFound();
}

function rendered(asked: Asked, git: Git, sha: string): object {
  const format = ["%T", "%P", "%an", "%ae", "%at", "%cn", "%ce", "%ct", "%B"].join("%x00");
  const [tree = "", parents = "", an, ae, at, cn, ce, ct, message = ""] = git(["show", "-s", `--format=${format}`, sha])
    .toString("utf8")
    .split("\0");
  const address = addressOf(asked);
  const html_url = `${address}/commit/${sha}`;
  return {
    ...{ sha, node_id: Buffer.from(`Commit:${sha}`).toString("base64"), url: `${address}/git/commits/${sha}`, html_url },
    author: { name: an, email: ae, date: iso(at) },
    committer: { name: cn, email: ce, date: iso(ct) },
    message: message.trimEnd(),
    tree: { sha: tree, url: `${address}/git/trees/${tree}` },
    parents: parents
      .split(" ")
      .filter((parent) => parent !== "")
      .map((parent) => ({ sha: parent, url: `${address}/git/commits/${parent}`, html_url: `${address}/commit/${parent}` })),
    verification: { verified: false, reason: "unsigned", signature: null, payload: null, verified_at: null },
  };
}

function iso(time: string | undefined): string {
  return new Date(Number(time) * 1000).toISOString();
}
