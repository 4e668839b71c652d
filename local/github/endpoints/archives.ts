import type { ApiRequest } from "../api.ts";
import type { Answer, Asked, Endpoints } from "../endpoint.ts";
import { commitOf, type Git, gitOf } from "../git.ts";
import { notFound } from "../refusals.ts";
import type { Repository } from "../repository.ts";
import { inGit } from "./git-refs.ts";

/** A repository's files as an archive. They are behind a redirection to another host, whose address carries what the token may. */
export const archiveEndpoints: Endpoints = {
  "repos/download-zipball-archive": { needs: { permission: "contents", access: "read" }, answer: inGit(zipball) },
};

const codeload = "/-/codeload/";

function zipball({ url, repository, path }: Asked, git: Git): Answer {
  const commit = commitOf(git, path.ref ?? "");
  if (commit === undefined) return notFound();
  // Another origin, so that a client which follows it drops the token as it does on GitHub.
  const host = url.replace("127.0.0.1", "localhost");
  return {
    status: 302,
    headers: { location: `${host}${codeload}${repository.owner}/${repository.name}/${commit}?token=signed` },
  };
}

/** What a signed address of the other host answers. @returns undefined for any other address */
export function storedArchive(
  { pathname, query, token }: ApiRequest,
  repositories: ReadonlyMap<string, Repository>,
): Answer | undefined {
  if (!pathname.startsWith(codeload)) return undefined;
  const [owner = "", name = "", commit = ""] = pathname.slice(codeload.length).split("/");
  const repository = repositories.get(`${owner}/${name}`);
  const git = repository && gitOf(repository);
  if (!git || query.get("token") !== "signed" || token !== undefined) return { status: 404, body: "404: Not Found" };
  const archive = git(["archive", "--format=zip", `--prefix=${owner}-${name}-${commit.slice(0, 7)}/`, commit]);
  return { status: 200, headers: { "content-type": "application/zip" }, body: archive };
}
