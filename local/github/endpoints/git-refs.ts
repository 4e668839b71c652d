import type { Answer, Asked, Endpoints } from "../endpoint.ts";
import { filledAnswer } from "../filled.ts";
import { commitOf, type Git, GitRefusal, gitOf, kindOf, line, parentsOf, treeOf } from "../git.ts";
import { notFound, unprocessable } from "../refusals.ts";

const reads = { permission: "contents", access: "read" } as const;
const writes = { permission: "contents", access: "write" } as const;

/** References of the bare repository. Each change is a compare-and-swap. */
export const gitRefEndpoints: Endpoints = {
  "git/get-ref": { needs: reads, answer: inGit(getRef) },
  "git/create-ref": { needs: writes, answer: inGit(createRef) },
  "git/update-ref": { needs: writes, answer: inGit(updateRef) },
  "git/delete-ref": { needs: writes, answer: inGit(deleteRef) },
  "repos/get-branch": { needs: reads, answer: inGit(getBranch) },
  // Each token may.
  "repos/get": { answer: getRepository },
};

/** As GitHub answers for a repository without any commit. */
export function inGit(answer: (asked: Asked, git: Git) => Answer): (asked: Asked) => Answer {
  return (asked) => {
    const git = gitOf(asked.repository);
    return git ? answer(asked, git) : { status: 409, body: { message: "Git Repository is empty." } };
  };
}

const missing = "0".repeat(40);

/** Without `refs/`. */
function shaOf(git: Git, ref: string): string | undefined {
  try {
    return line(git(["rev-parse", "--verify", "--quiet", "--end-of-options", `refs/${ref}`]));
  } catch (error) {
    if (error instanceof GitRefusal) return undefined;
    throw error;
  }
}

function getRef(asked: Asked, git: Git): Answer {
  const ref = asked.path.ref ?? "";
  const sha = shaOf(git, ref);
  return sha === undefined ? notFound() : { status: 200, body: rendered(asked, git, ref, sha) };
}

function createRef(asked: Asked, git: Git): Answer {
  const { ref, sha } = asked.body as { ref: string; sha: string };
  if (!/^refs\/[^/]+\/./.test(ref) || !isName(git, ref)) return unprocessable(`${ref} is not a valid ref name.`);
  if (kindOf(git, sha) === undefined) return unprocessable("Object does not exist");
  try {
    git(["update-ref", ref, sha, missing]);
  } catch (error) {
    if (error instanceof GitRefusal) return unprocessable("Reference already exists");
    throw error;
  }
  return { status: 201, body: rendered(asked, git, ref.slice("refs/".length), sha) };
}

function updateRef(asked: Asked, git: Git): Answer {
  const ref = asked.path.ref ?? "";
  const { sha, force = false } = asked.body as { sha: string; force?: boolean };
  const old = shaOf(git, ref);
  if (old === undefined) return unprocessable("Reference does not exist");
  if (kindOf(git, sha) !== "commit") return unprocessable("Object does not exist");
  if (!force && !isAncestor(git, old, sha)) return unprocessable("Update is not a fast forward");
  try {
    git(["update-ref", `refs/${ref}`, sha, old]);
  } catch (error) {
    if (error instanceof GitRefusal) return unprocessable("Reference cannot be updated");
    throw error;
  }
  return { status: 200, body: rendered(asked, git, ref, sha) };
}

function deleteRef(asked: Asked, git: Git): Answer {
  const ref = asked.path.ref ?? "";
  const old = shaOf(git, ref);
  if (old === undefined) return unprocessable("Reference does not exist");
  git(["update-ref", "-d", `refs/${ref}`, old]);
  return { status: 204 };
}

function getBranch(asked: Asked, git: Git): Answer {
  const name = asked.path.branch ?? "";
  const sha = shaOf(git, `heads/${name}`);
  const commit = sha && commitOf(git, sha);
  if (!commit) return notFound();
  const tree = treeOf(git, commit);
  const url = `${asked.url}/repos/${asked.repository.owner}/${asked.repository.name}`;
  return {
    status: 200,
    body: filledAnswer("repos/get-branch", 200, {
      name,
      commit: { sha: commit, commit: { tree: { sha: tree, url: `${url}/git/trees/${tree}` } } },
    }),
  };
}

function getRepository({ repository: { owner, name, isPrivate } }: Asked): Answer {
  const body = filledAnswer("repos/get", 200, {
    name,
    full_name: `${owner}/${name}`,
    private: isPrivate,
    default_branch: "main",
  });
  return { status: 200, body };
}

function isName(git: Git, ref: string): boolean {
  try {
    git(["check-ref-format", ref]);
    return true;
  } catch (error) {
    if (error instanceof GitRefusal) return false;
    throw error;
  }
}

function isAncestor(git: Git, older: string, newer: string): boolean {
  if (older === newer || parentsOf(git, newer).split(" ").includes(older)) return true;
  try {
    git(["merge-base", "--is-ancestor", older, newer]);
    return true;
  } catch (error) {
    if (error instanceof GitRefusal) return false;
    throw error;
  }
}

function rendered({ url, repository }: Asked, git: Git, ref: string, sha: string): object {
  const address = `${url}/repos/${repository.owner}/${repository.name}/git`;
  const type = kindOf(git, sha) ?? "commit";
  return {
    ref: `refs/${ref}`,
    node_id: Buffer.from(`Ref:${ref}`).toString("base64"),
    url: `${address}/refs/${ref}`,
    object: { type, sha, url: `${address}/${type}s/${sha}` },
  };
}
