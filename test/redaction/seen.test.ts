import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { redactLogs } from "../../src/app/redact-logs.ts";
import { secretKeeper } from "../../src/app/secret-keeper.ts";
import { redactedBytes } from "../../src/evidence/redacted-bytes.ts";
import { readZip, writeZip } from "../../src/github/zip.ts";
import { Redactor } from "../../src/lib/redaction/redactor.ts";
import { secretsOfVariables } from "../../src/lib/redaction/variables.ts";
import type { StageReport } from "../../src/model/report.ts";
import { freshBundle } from "../harness/process.ts";
import { passedPreflight } from "../report/sample.ts";

/** What was seen in the clear, each as what somebody reads afterwards. */

const secret = "q7\"W\\r&+Zx9'ë-4kT";

function redact(text: string, ...secrets: string[]): string {
  const redactor = new Redactor();
  for (const one of secrets.length > 0 ? secrets : [secret]) redactor.add(one);
  return redactor.redact(text);
}

const esc = "\u001b";
const base64 = (text: string) => Buffer.from(text).toString("base64");

test.each([
  ["a colour inside", `${esc}[31mq7"W\\r${esc}[1m&+Zx9'ë-4kT${esc}[0m!`, `${esc}[31m***${esc}[1m${esc}[0m!`],
  [
    "a link around",
    `${esc}]8;;https://h.example${"\u0007"}q7"W\\r${esc}[m&+Zx9'ë-4kT`,
    `${esc}]8;;https://h.example${"\u0007"}***${esc}[m`,
  ],
  ["unseen characters inside", `a ${Array.from(secret).join("\u200b")} b`, "a *** b"],
  ["letters and marks apart", `a ${secret.normalize("NFD")} b`, "a *** b"],
  ["full width", "ｑ７\"Ｗ\\r&+Zx9'ë-4kT", "***"],
  ["JSON", JSON.stringify({ t: secret }), '{"t":"***"}'],
  ["JSON in JSON", JSON.stringify(JSON.stringify({ t: secret })), '"{\\"t\\":\\"***\\"}"'],
  ["an address", `/?t=${encodeURIComponent(secret)}&u=1`, "/?t=***&u=1"],
  ["behind an entity that is called like a member of every object", "&toString; %71%37%22W\\r&+Zx9'ë-4kT", "&toString; ***"],
  ["HTML", `<b>q7&quot;W\\r&amp;+Zx9&#39;&#xeb;-4kT</b>`, "<b>***</b>"],
  ["base64 among other bytes", `x ${base64(`user:${secret}.`)} y`, /^x \S{0,9}\*{3}\S{0,3} y$/],
  ["base64, the bytes one further", `x ${base64(`usr:${secret}.`)} y`, /^x \S{0,9}\*{3}\S{0,3} y$/],
  ["hexadecimal", Buffer.from(secret).toString("hex"), "***"],
  ["an argument of docker", `-e T="q7\\"W\\r&+Zx9'ë-4kT"`, `-e T="***"`],
  ["an expression", `'q7"W\\r&+Zx9''ë-4kT'`, "'***'"],
  ["wrapped by a reporter", `│ q7"W\\r&+Z\n│ x9'ë-4kT |`, "│ ***\n*** |"],
  ["wrapped at its space, quoted as SQL has it", "select 'it''s one''>}\n     q&'", "select '***\n***'", "it's one'>} q&"],
  ["cut at its end", `it said q7"W\\r&… and`, "it said ***… and"],
  ["cut at its end, with dots of its own", "it said a...+A9xY… and", "it said ***… and", "a...+A9xYqLm"],
  ["cut at its end, with a sign of its own", "it said ab…+A9xY… and", "it said ***… and", "ab…+A9xYqLm"],
  ["cut at its beginning", "it said …Zx9'ë-4kT and", "it said …*** and"],
  ["with a letter that was cut in two", "is cıİåπиł\ufffd\ufffdğöц2ä9ü", "is ***\ufffd\ufffd***", "cıİåπиł😀ğöц2ä9ü"],
  [
    "cut without a sign, in an escape that was wrapped",
    'x "Yx} $&gt\n    ;`YY~&q\n    uot;`q!B{',
    'x "***\n***\n***',
    'Yx} $>`YY~"`q!B{Z<B~',
  ],
  ["after an ampersand, as PowerShell prints it", "x x9'ë-4kT", "x ***"],
  ["nothing of it", `${esc}[32m✓${esc}[39m q7 "W\\r" %20 &amp; …`, `${esc}[32m✓${esc}[39m q7 "W\\r" %20 &amp; …`],
] as [string, string, string | RegExp, string?][])("a secret, %s", (_, text, left, other = secret) => {
  const shown = redact(text, other);
  if (typeof left === "string") expect(shown).toBe(left);
  else expect(shown).toMatch(left);
});

const url = "postgres://app:s3cr%40t-pw@db.example:5432/app";
const key = ["-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBgkqhkiG9w0B", "AQEFAASCBKcwggSjAgEAAoIB", "-----END PRIVATE KEY-----"];
const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

test.each([
  ["the password of an address, decoded", url, "password s3cr@t-pw failed", "password *** failed"],
  ["user and password of an address", url, base64("app:s3cr@t-pw").replaceAll("=", ""), "***"],
  [
    "the password of a connection string",
    "Server=db;User=sa;Password=Pa55-w0rd!;",
    "login Pa55-w0rd! failed",
    "login *** failed",
  ],
  ["a line of a key", key.join("\n"), `read ${key[2]}`, "read ***"],
  ["the frame of a key, which all keys have", key.join("\n"), `${key[0]} expected`, `${key[0]} expected`],
  ["the signature of a token", jwt, `signature ${jwt.split(".")[2]}`, "signature ***"],
  ["what a header carries", "Basic YXBwOnMzY3JldC1wdw==", "YXBwOnMzY3JldC1wdw== app:s3cret-pw s3cret-pw", "*** *** ***"],
  ["the path of a webhook", "https://hooks.example/services/T0/B0/x1y2z3", "POST /services/T0/B0/x1y2z3 404", "POST *** 404"],
])("a part of a secret: %s", (_, whole, text, left) => expect(redact(text, whole)).toBe(left));

test.each([
  ["Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"],
  ['{"authorization":"Bearer abcdefgh12345678"}', '{"authorization":"Bearer ***"}'],
  ['{\\"Authorization\\":\\"Token abcdefgh12345678\\"}', '{\\"Authorization\\":\\"Token ***\\"}'],
  ["curl -H 'authorization: abcdefgh12345678' x", "curl -H 'authorization: ***' x"],
  ["mongodb://root:hunter2@h1:1,h2:2/db", "mongodb://root:***@h1:1,h2:2/db"],
  [jwt, `${jwt.split(".").slice(0, 2).join(".")}.***`],
  [key.join("\n"), `${key[0]}\n***\n***\n${key[3]}`],
  [
    "https://h.example:8080/@me basic auth, bearer token: authorization failed",
    "https://h.example:8080/@me basic auth, bearer token: authorization failed",
  ],
])("a value that looks like a secret is hidden: %s", (text, left) => expect(redact(text, "another-secret-0")).toBe(left));

test.each([
  ["JWT_SECRET", "kjh3425kjh34", true],
  ["DATABASE_URL", "postgres://u:kjh3425@h/d", true],
  ["SOME_ADDRESS", "postgres://u:kjh3425@h/d", true],
  ["AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG", true],
  ["MYSQL_PWD", "kjh3425kjh34", true],
  ["GH_PAT", "ghx_kjh3425kjh34", true],
  ["SIGNING_KEY_V2", "kjh3425kjh34", true],
  ["SLACK_WEBHOOK", "https://hooks.example/services/T0/B0/x1y2z3", true],
  ["LICENSE_SEED", "kjh3425kjh34", true],
  ["CACHE_TOKEN", "kjh3425kjh34", false],
  ["API_KEY", "test", false],
  ["POSTGRES_PASSWORD", "postgres", false],
  ["USE_TOKEN", "true", false],
  ["MAX_TOKENS", "128000", false],
  ["TOKEN_URL", "https://login.example/oauth/token", false],
  ["AUTH_SECRET", "https://login.example/", false],
  ["SSH_AUTH_SOCK", "/tmp/ssh-XXXX/agent.1", false],
  ["GOOGLE_APPLICATION_CREDENTIALS", "/home/runner/key.json", false],
  ["SIGNING_KEY_ID", "kjh3425kjh34", false],
  ["TOKEN_ISSUER", "classwaves-tests", false],
  ["DB_PASSWORD", "classwaves", false],
  ["AWS_REGION", "eu-central-1", false],
  ["PWD", "/home/runner/work/app", false],
])("the variable %s=%s is a secret: %s", (name, value, isSecret) => {
  const variables = { [name]: value, DB_USER: "classwaves" };
  const found = secretsOfVariables([variables], { also: ["LICENSE_SEED"], not: ["CACHE_TOKEN"] });
  expect(found).toEqual(isSecret ? [value] : []);
});

test("output before the configuration is read holds no secret", () => {
  const entry = freshBundle;
  const env = { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, API_SECRET: "kjh3425kjh34" };
  const inputs = { GITHUB_ACTIONS: "true", INPUT_STAGE: "cleanup", "INPUT_PLAN-DIGEST": "kjh3425kjh34" };
  for (const { args, more } of [
    { args: ["preflight", "--config", "kjh3425kjh34.yml"], more: {} },
    { args: ["kjh3425kjh34"], more: {} },
    { args: [], more: inputs },
  ]) {
    const ran = spawnSync(process.execPath, [entry, ...args], { env: { ...env, ...more }, encoding: "utf8" });
    expect(ran.status).toBe(2);
    expect(`${ran.stdout}${ran.stderr}`).toContain("***");
    expect(`${ran.stdout}${ran.stderr}`).not.toContain("kjh3425kjh34");
  }
});

test("uncaught errors hold no secret of the configuration", async () => {
  const workspace = await mkdtemp(join(tmpdir(), "thrown-"));
  onTestFinished(() => rm(workspace, { recursive: true, force: true }));
  const config = {
    version: 1,
    secrets: { also: ["SEED"] },
    environments: { here: { access: "read-only", variables: ["HOME"] } },
  };
  await writeFile(join(workspace, "c.yml"), JSON.stringify(config));
  const cli = JSON.stringify(join(import.meta.dirname, "..", "..", "src", "cli", "main.ts"));
  const script = `const { terminal, sayUncaught } = await import(${cli});
    await terminal(["preflight", "--config", "c.yml"]);
    sayUncaught(new Error("of " + process.env.SEED));`;
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  const env = { PATH, HOME, NODE_COMPILE_CACHE, SEED: "kjh3425kjh34" };
  const ran = spawnSync(process.execPath, ["--input-type=module", "-e", script], { cwd: workspace, env, encoding: "utf8" });
  expect(ran).toMatchObject({ status: 3, stderr: expect.stringContaining("env-actions: EA9199: Error: of ***") });
  expect(`${ran.stdout}${ran.stderr}`).not.toContain(env.SEED);
});

test("lines of a stream are redacted, however they are split into chunks", () => {
  const lines = ["before", `x ${secret.slice(0, 9)}`, `    ${secret.slice(9)} y`, "after"];
  const left = ["before", "x ***", "*** y", "after"];
  for (let first = 1; first < lines.length; first++) {
    const redactor = new Redactor();
    redactor.add(secret);
    const stream = redactor.lines();
    expect([...stream(lines.slice(0, first)), ...stream(lines.slice(first))]).toEqual(left);
  }
});

/** As a reporter of narrow columns has it. */
const wrappedAt = (width: number, text: string) =>
  (text.match(new RegExp(`.{1,${width}}`, "g")) ?? []).map((line) => `    ${line}`);
const everyByte = (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join("");

test.each([
  ["escapes of which a line has few", wrappedAt(9, everyByte("и日本9ñbä2İа1"))],
  ["so short that no side has much of it", ["so it is k7!x", "    Q2#z, and"]],
  ["in lines of a few characters", ["it: k7", "    !xQ", "    2#z"]],
])("a secret wrapped over lines is hidden in long output: %s", (_, lines) => {
  const redactor = new Redactor();
  for (const one of ["и日本9ñbä2İа1", "k7!xQ2#z"]) redactor.add(one);
  const around = Array.from({ length: 200 }, (_, at) => `line ${at} of the output of a test`);
  const left = (from: number) => [...around, ...lines, ...around].slice(from);
  const shown = redactor.lines()(left(0));
  expect(shown.slice(200, -200).join("")).toMatch(/^(?:so it is |it: )?(?:\s*\*{3})+(?:, and)?$/);
  expect([...shown.slice(0, 200), ...shown.slice(-200)]).toEqual([...around, ...around]);
  // Wherever a chunk ends: what is printed by then may show five characters, and the rest none.
  for (let first = 1; first < lines.length; first++) {
    const stream = redactor.lines();
    stream([...around, ...lines.slice(0, first)]);
    const rest = stream(left(200 + first))
      .slice(0, lines.length - first)
      .join("");
    expect(rest.replace(/\*{3}|\s|, and$/g, "")).toBe("");
  }
});

test("the runner gets each secret part once, no empty mask, and none that it derives itself", () => {
  const told: string[] = [];
  const keeper = secretKeeper((one) => told.push(one));
  for (const one of ["", " ", "\n", "a", "12345", url, url, secret]) keeper.add(one);
  expect(told).toEqual([...new Set(told)]);
  expect(told.filter((one) => one.trim().length < 6)).toEqual([]);
  for (const one of [url, "s3cr@t-pw", "app:s3cr@t-pw", secret, secret.normalize("NFD"), Buffer.from(secret).toString("hex")])
    expect(told).toContain(one);
  expect(told).not.toContain(base64(secret));
  expect(told).not.toContain(JSON.stringify(secret).slice(1, -1));
});

test("a guessed secret is not sent to the runner, and the configuration can release it", () => {
  const told: string[] = [];
  const keeper = secretKeeper((one) => told.push(one));
  keeper.guess(["kjh3425kjh34"]);
  expect(keeper.redact("x kjh3425kjh34")).toBe("x ***");
  keeper.guess([]);
  expect(keeper.redact("x kjh3425kjh34")).toBe("x kjh3425kjh34");
  expect(told).toEqual([]);
});

test("text files and archives are redacted, pictures are kept, and other files with a secret are refused", () => {
  const redactor = new Redactor();
  redactor.add(secret);
  const text = Buffer.from(`a ${secret} b`);
  const picture = Buffer.from([0x89, 0x50, 0, 0xff, 1, 2, 3]);
  const trace = writeZip([
    { name: "trace.network", content: text },
    { name: "shot.png", content: picture },
  ]);
  const made = redactedBytes(trace, redactor);
  expect(made.kind).toBe("binary");
  if (made.kind !== "refused")
    expect(readZip(made.content).map(({ content }) => content)).toEqual([Buffer.from("a *** b"), picture]);
  expect(redactedBytes(text, redactor)).toEqual({ kind: "redacted", content: Buffer.from("a *** b") });
  expect(redactedBytes(Buffer.from(`\ufeff${text}`, "utf16le"), redactor)).toEqual({
    kind: "redacted",
    content: Buffer.from("\ufeffa *** b", "utf16le"),
  });
  expect(redactedBytes(gzipSync(text), redactor)).toEqual({ kind: "redacted", content: gzipSync("a *** b") });
  expect(redactedBytes(Buffer.concat([picture, text]), redactor)).toEqual({
    kind: "refused",
    why: expect.stringContaining("contains a secret"),
  });
  expect(redactedBytes(trace.subarray(0, -30), redactor)).toEqual({
    kind: "refused",
    why: expect.stringContaining("cannot be redacted"),
  });
});

test("a log is redacted again with secrets learned later, and never written through a link", async () => {
  const workspace = await mkdtemp(join(tmpdir(), "logs-"));
  onTestFinished(() => rm(workspace, { recursive: true, force: true }));
  await mkdir(join(workspace, "logs"));
  await writeFile(join(workspace, "logs", "a.log"), `minted ${secret}\n`);
  await writeFile(join(workspace, "elsewhere"), `minted ${secret}\n`);
  await symlink(join(workspace, "elsewhere"), join(workspace, "logs", "b.log"));
  const outside = await mkdtemp(join(tmpdir(), "outside-"));
  onTestFinished(() => rm(outside, { recursive: true, force: true }));
  await writeFile(join(outside, "c.log"), `minted ${secret}\n`);
  await symlink(outside, join(workspace, "linked"));
  const report: StageReport = {
    ...passedPreflight(),
    servers: ["logs/a.log", "logs/b.log", "logs/gone.log", "linked/c.log"].map((log) => ({ name: log, ended: "stopped", log })),
  };
  const redactor = new Redactor();
  redactor.add(secret);
  expect(await redactLogs(report, workspace, redactor)).toEqual([]);
  expect(await readFile(join(workspace, "logs", "a.log"), "utf8")).toBe("minted ***\n");
  for (const other of [join(workspace, "elsewhere"), join(outside, "c.log")])
    expect(await readFile(other, "utf8")).toBe(`minted ${secret}\n`);
});
