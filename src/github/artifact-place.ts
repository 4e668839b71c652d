/** Why {@link artifactService} gives none on this runner. */
export function whyNoArtifacts(env: Readonly<Record<string, string | undefined>>): string {
  const { GITHUB_SERVER_URL: server, GITEA_ACTIONS: gitea, ACT: act } = env;
  if (isEnterpriseServer(server)) {
    const { host } = new URL(server || "https://github.com");
    return gitea === "true"
      ? `${host} is a Gitea or Forgejo server, and env-actions uses the artifact service of GitHub only`
      : `${host} is a GitHub Enterprise Server, which has no artifact service of version 4`;
  }
  return act === "true"
    ? "act has an artifact service only if it was started with --artifact-server-path"
    : "this step has no artifact service: the runner gives it to actions (`uses:`), and not to `run:` steps";
}

export function isEnterpriseServer(serverUrl: string | undefined): boolean {
  const { hostname } = new URL(serverUrl || "https://github.com");
  return hostname !== "github.com" && !hostname.endsWith(".ghe.com") && !hostname.endsWith(".localhost");
}
