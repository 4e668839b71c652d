import type { Answer, Asked, Endpoints } from "../endpoint.ts";
import { notAccessible } from "../refusals.ts";

export const userEndpoints: Endpoints = {
  "users/get-authenticated": { answer: getAuthenticated },
};

/** An app's token belongs to nobody. */
function getAuthenticated({ login, url, now }: Asked): Answer {
  if (login.endsWith("[bot]")) return notAccessible("contents", "read");
  const at = new Date(now).toISOString();
  return {
    status: 200,
    body: {
      ...userNamed(login, url),
      ...{ name: null, company: null, blog: null, location: null, email: null, hireable: null, bio: null },
      ...{ public_repos: 0, public_gists: 0, followers: 0, following: 0, created_at: at, updated_at: at },
    },
  };
}

/** A user as embedded in other answers of GitHub. */
export function userNamed(login: string, url: string): Record<string, unknown> {
  const address = `${url}/users/${login}`;
  return {
    login,
    id: Buffer.from(login.padEnd(4)).readUInt32BE(),
    node_id: Buffer.from(`User:${login}`).toString("base64"),
    avatar_url: `${url}/avatars/${login}`,
    gravatar_id: "",
    url: address,
    html_url: `${url}/${login}`,
    followers_url: `${address}/followers`,
    following_url: `${address}/following{/other_user}`,
    gists_url: `${address}/gists{/gist_id}`,
    starred_url: `${address}/starred{/owner}{/repo}`,
    subscriptions_url: `${address}/subscriptions`,
    organizations_url: `${address}/orgs`,
    repos_url: `${address}/repos`,
    events_url: `${address}/events{/privacy}`,
    received_events_url: `${address}/received_events`,
    type: login.endsWith("[bot]") ? "Bot" : "User",
    site_admin: false,
  };
}
