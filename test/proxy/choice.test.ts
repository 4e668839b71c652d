import { describe, expect, it, test } from "vitest";
import { anyProxy, proxiesIn, proxyFor, proxySecrets } from "../../src/lib/proxy/choice.ts";

const proxy = "http://proxy.example:3128";
const isDirect = (address: string, exceptions: string) =>
  proxyFor(address, { HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NO_PROXY: exceptions }) === undefined;

describe("which variable holds", () => {
  const both = { HTTPS_PROXY: "http://tls.example:1", HTTP_PROXY: "http://plain.example:2" };

  it.each([
    ["https://api.example", "http://tls.example:1"],
    ["wss://api.example", "http://tls.example:1"],
    ["http://api.example", "http://plain.example:2"],
    ["ws://api.example", "http://plain.example:2"],
    ["rediss://redis.example", undefined],
  ])("%s: %s", (address, expected) => {
    expect(proxyFor(address, both)?.address).toBe(expected);
  });

  it("as in curl, the lower-case spelling wins, and an empty value is none", () => {
    const lower = { ...both, https_proxy: "http://lower.example:3" };
    expect(proxyFor("https://api.example", lower)).toMatchObject({ address: "http://lower.example:3", variable: "https_proxy" });
    expect(proxyFor("https://api.example", { ...both, https_proxy: "" })?.variable).toBe("HTTPS_PROXY");
    expect(
      proxyFor("https://api.example", { HTTPS_PROXY: proxy, NO_PROXY: "api.example", no_proxy: "other.example" }),
    ).toBeDefined();
    expect(proxyFor("https://api.example", { HTTP_PROXY: proxy })).toBeUndefined();
    expect([anyProxy({ HTTPS_PROXY: "" }), anyProxy({ http_proxy: proxy }), anyProxy({})]).toEqual([false, true, false]);
  });
});

describe("NO_PROXY", () => {
  it.each([
    ["https://api.example", "*", true],
    ["https://api.example", "api.example", true],
    ["https://API.Example.", "Api.example", true],
    ["https://v1.api.example", "api.example", true],
    ["https://v1.api.example", ".api.example", true],
    ["https://api.example", ".api.example", true],
    ["https://v1.api.example", "*.api.example", true],
    ["https://myapi.example", "api.example", false],
    ["https://api.example.org", "api.example", false],
    ["https://api.example", "other.example, api.example", true],
    ["https://api.example", "other.example api.example", true],
    ["https://api.example", "", false],
    ["https://api.example", ",,", false],
    ["https://api.example", ".", false],
    ["https://api.example:8443", "api.example:8443", true],
    ["https://api.example", "api.example:443", true],
    ["http://api.example", "api.example:443", false],
    ["https://api.example", "api.example:8443", false],
    ["http://127.0.0.1:3000", "127.0.0.1", true],
    ["http://127.0.0.1:3000", "127.0.0.1:3001", false],
    ["http://127.0.0.1:3000", "127.0.0.0/8", true],
    ["http://10.1.2.3", "10.1.0.0/16", true],
    ["http://10.2.2.3", "10.1.0.0/16", false],
    ["http://10.2.2.3", "10.1.0.0/99", false],
    ["http://10.2.2.3", "10.2.2.3/", false],
    ["http://110.2.2.3", "2.2.3", false],
    ["http://[::1]:3000", "::1", true],
    ["http://[::1]:3000", "[::1]", true],
    ["http://[::1]:3000", "[::1]:3000", true],
    ["http://[::1]:3000", "[::1]:3001", false],
    ["http://[0:0:0:0:0:0:0:1]", "::1", true],
    ["http://[fd00::12]", "fd00::/8", true],
    ["http://[fe00::12]", "fd00::/8", false],
    ["http://localhost:3000", "", false],
    ["http://localhost:3000", "localhost", true],
    ["http://localhost:3000", "127.0.0.1", false],
  ])("%s with %j: direct is %s", (address, exceptions, expected) => {
    expect(isDirect(address, exceptions)).toBe(expected);
  });
});

describe("a proxy", () => {
  it.each([
    ["http://proxy.example", { address: "http://proxy.example:80", hostname: "proxy.example", port: 80, tls: false }],
    ["https://proxy.example", { address: "https://proxy.example:443", port: 443, tls: true }],
    ["proxy.example:3128", { address: "http://proxy.example:3128", port: 3128, tls: false }],
    ["http://[::1]:3128/", { address: "http://[::1]:3128", hostname: "::1" }],
    ["http://user:p%40ss@proxy.example:3128", { authorization: `Basic ${btoa("user:p@ss")}`, address: proxy }],
    ["http://user:100%@proxy.example:3128", { authorization: `Basic ${btoa("user:100%")}` }],
    ["http://token@proxy.example:3128", { authorization: `Basic ${btoa("token:")}` }],
    [proxy, { authorization: undefined }],
  ])("%s", (value, expected) => {
    expect(proxyFor("https://api.example", { HTTPS_PROXY: value })).toMatchObject(expected);
  });

  it.each([
    "socks5://proxy.example:1080",
    "http://",
    "http://user:pa/ss@proxy.example:3128",
    "http://proxy.example:99999",
    "a b",
    "http://proxy.example/proxy.pac",
  ])("%s is none, and the error names the variable", (value) => {
    expect(() => proxiesIn({ https_proxy: value })).toThrow(
      /^the environment variable https_proxy: expected .*http:\/\/proxy\.example:3128, got /,
    );
  });

  test("the error shows no credentials", () => {
    expect(() => proxiesIn({ HTTP_PROXY: "socks5://user:secret@word@proxy.example:1" })).toThrow(
      'got "socks5://***@proxy.example:1"',
    );
    expect(() => proxiesIn({ HTTP_PROXY: "user:secret@proxy.example:port" })).toThrow('got "***@proxy.example:port"');
  });
});

test("credentials are secrets as written, decoded, and as sent; also those of a value that is no proxy", () => {
  expect(proxySecrets({ HTTPS_PROXY: "http://user:p%40ssword@proxy.example" })).toEqual([
    "p%40ssword",
    "p@ssword",
    btoa("user:p@ssword"),
  ]);
  expect(proxySecrets({ http_proxy: "a-token-of-a-proxy@proxy.example" })).toEqual([
    "a-token-of-a-proxy",
    btoa("a-token-of-a-proxy:"),
  ]);
  expect(proxySecrets({ http_proxy: "socks5://user:password-1@proxy.example" })).toContain("password-1");
  expect(proxySecrets({ http_proxy: proxy })).toEqual([]);
});
