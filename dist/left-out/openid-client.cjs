// docs/bundle.md of env-actions says why openid-client is not here.
function reached() {
  throw new Error("openid-client is not part of env-actions: nothing was expected to use it. Please report this.");
}
module.exports = new Proxy(reached, { get: (_, member) => (member === "__esModule" ? undefined : reached()) });
