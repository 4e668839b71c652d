/** Calls the backend for the signed-in teacher. Tokens last as long as the tab. */

const { backendUrl } = await (await fetch("/config.json")).json();
const storageKey = "classroom.tokens";

export { backendUrl };

export function accessToken() {
  return tokens()?.accessToken;
}

export async function signIn(email, secretKey) {
  const answer = await call("POST", "/auth/generate-test-token", { email, secretKey });
  sessionStorage.setItem(storageKey, JSON.stringify(answer.tokens));
}

export function signOut() {
  sessionStorage.removeItem(storageKey);
}

/** Sends the access token; if it has expired, gets a new one, once. */
export async function call(method, path, body) {
  let answer = await send(method, path, body);
  if (answer.status === 401 && tokens() && (await refresh())) answer = await send(method, path, body);
  const json = await answer.json();
  if (!answer.ok) throw new Error(json.message ?? `status ${answer.status}`);
  return json;
}

async function refresh() {
  const answer = await send("POST", "/auth/refresh", { refreshToken: tokens().refreshToken });
  if (!answer.ok) {
    signOut();
    return false;
  }
  sessionStorage.setItem(storageKey, JSON.stringify((await answer.json()).tokens));
  return true;
}

function send(method, path, body) {
  const headers = { "content-type": "application/json" };
  const token = accessToken();
  if (token) headers.authorization = `Bearer ${token}`;
  return fetch(`${backendUrl}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
}

function tokens() {
  return JSON.parse(sessionStorage.getItem(storageKey) ?? "null");
}
