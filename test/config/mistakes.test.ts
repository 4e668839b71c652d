import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { load, minimal, mistakes, refusal } from "./file.ts";

/**
 * Each kind of mistake, with the exact position and message. The message is all that people have at the end of a failed job. A position
 * that is off by a line, or advice that does not help, costs them an hour.
 */

interface Case {
  mistake: string;
  file: string;
  env?: Record<string, string>;
  environment?: string;
  says: string[];
}

const api = "api:\n  url: http://localhost:3000";

const shape: Case[] = [
  {
    mistake: "an unknown key",
    file: minimal({ inside: "databriks: {}" }),
    says: ['c.yml:5:5  EA1007: environments.sandbox.databriks  unknown key; did you mean "databricks"?'],
  },
  {
    mistake: "an unknown key that is similar to none",
    file: minimal({ below: "evidence:\n  colour: red" }),
    says: ["c.yml:6:3  EA1007: evidence.colour  unknown key; known: maxAge, store"],
  },
  {
    mistake: "an evidence store that doesn't exist",
    file: minimal({ below: "evidence:\n  store: artefacts" }),
    says: ["c.yml:6:10  EA1009: evidence.store  expected artifacts, or { folder: /mnt/evidence }"],
  },
  {
    mistake: "an evidence folder in the workspace, which other jobs don't reach",
    file: minimal({ below: "evidence:\n  store: { folder: evidence }" }),
    says: ["c.yml:6:20  EA1010: evidence.store.folder  expected an absolute path, such as /mnt/evidence"],
  },
  {
    mistake: "a missing key",
    file: "version: 1\nenvironments:\n  sandbox: {}",
    says: ['c.yml:3:3  EA1008: environments.sandbox.access  missing: expected "read-only" or "test-data"'],
  },
  {
    mistake: "a missing version",
    file: "environments:\n  sandbox:\n    access: read-only",
    says: ["c.yml:1:1  EA1008: version  missing: expected 1"],
  },
  {
    mistake: "a wrong word",
    file: "version: 1\nenvironments:\n  sandbox:\n    access: readonly",
    says: ['c.yml:4:13  EA1010: environments.sandbox.access  expected "read-only" or "test-data"; did you mean "read-only"?'],
  },
  {
    mistake: "another version",
    file: minimal().replace("version: 1", "version: 2"),
    says: ["c.yml:1:10  EA1010: version  expected 1"],
  },
  {
    mistake: "a number where a text belongs",
    file: minimal({ inside: "environment:\n  PORT: 3000" }),
    says: ["c.yml:6:13  EA1009: environments.sandbox.environment.PORT  expected text, got a number: put it in quotes"],
  },
  {
    mistake: "a list where a group belongs",
    file: minimal({ inside: "api: [1]" }),
    says: ["c.yml:5:5  EA1009: environments.sandbox.api  expected a group of keys, got a list"],
  },
  {
    mistake: "an empty group",
    file: minimal({ below: "testData:" }),
    says: ["c.yml:5:1  EA1009: testData  expected a group of keys, got nothing: indent its keys further than it"],
  },
  {
    mistake: "a fraction where a whole number belongs",
    file: minimal({ below: "testData:\n  maxRows: 1.5" }),
    says: ["c.yml:6:12  EA1009: testData.maxRows  expected a whole number, got a fraction"],
  },
  {
    mistake: "a number below the minimum",
    file: minimal({ below: "testData:\n  maxRows: 0" }),
    says: ["c.yml:6:12  EA1010: testData.maxRows  expected 1 or more"],
  },
  {
    mistake: "a number above the maximum",
    file: minimal({ inside: `${api}\n  samples: 201` }),
    says: ["c.yml:7:16  EA1010: environments.sandbox.api.samples  expected 200 or less"],
  },
  {
    mistake: "reports in no form, a wrong key and a wrong value in their group, and no glob",
    file: minimal({
      below: "stages:\n  integration: { reports: r.xml }\n  e2e: { reports: { files: [''], fils: [], all: maybe } }",
    }),
    says: [
      "c.yml:6:27  EA1009: stages.integration.reports  expected a list of globs, such as [reports/*.xml], or { files: [reports/*.xml, reports/*.json], all: true }",
      "c.yml:7:29  EA1010: stages.e2e.reports.files[0]  expected at least one character",
      'c.yml:7:34  EA1007: stages.e2e.reports.fils  unknown key; did you mean "files"?',
      "c.yml:7:49  EA1009: stages.e2e.reports.all  expected true or false, got text",
    ],
  },
  {
    mistake: "an empty list",
    file: minimal({ below: "stages:\n  e2e:\n    requiredProjects: []" }),
    says: ["c.yml:7:5  EA1010: stages.e2e.requiredProjects  expected at least one entry"],
  },
  {
    mistake: "a wrong unit of time",
    file: minimal({ below: "stages:\n  smoke:\n    budget: 5 minutes" }),
    says: ['c.yml:7:13  EA1010: stages.smoke.budget  expected a duration such as "500ms", "30s", "2m", "4h" or "7d"'],
  },
  {
    mistake: "a time without a unit",
    file: minimal({ below: "stages:\n  smoke:\n    budget: 300" }),
    says: ['c.yml:7:13  EA1009: stages.smoke.budget  expected a duration such as "500ms", "30s", "2m", "4h" or "7d"'],
  },
  {
    mistake: "a time limit of 0, and one longer than a timer allows",
    file: minimal({ below: "stages:\n  preflight: { budget: 0s }\n  smoke: { budget: 25d }" }),
    says: [
      "c.yml:6:24  EA1010: stages.preflight.budget  expected a time limit above 0 and of at most 24d",
      "c.yml:7:20  EA1010: stages.smoke.budget  expected a time limit above 0 and of at most 24d",
    ],
  },
  {
    mistake: "a percentage above 100",
    file: minimal({ below: "stages:\n  e2e:\n    passRate: 101%" }),
    says: ['c.yml:7:15  EA1010: stages.e2e.passRate  expected a percentage from "0%" to "100%"'],
  },
  {
    mistake: "an empty prefix",
    file: minimal({ below: 'testData:\n  prefixes: ["", integration_test_, e2e_test_]' }),
    says: [
      "c.yml:6:14  EA1010: testData.prefixes[0]  expected at least 6 characters: a shorter prefix could match production rows",
    ],
  },
  {
    mistake: "a wildcard in a prefix",
    file: minimal({ below: 'testData:\n  prefixes: [integration_test_, e2e_test_, load%test_, "loadtest*", "load?test"]' }),
    says: [44, 56, 69].map(
      (column, index) =>
        `c.yml:6:${column}  EA1010: testData.prefixes[${index + 2}]  expected literal text: a prefix has no wildcard, quote, backslash or space`,
    ),
  },
  {
    mistake: "prefixes that a number, a UUID or a placeholder could begin with",
    file: minimal({ below: 'testData:\n  prefixes: [integration_test_, e2e_test_, "176392", 7b1c-6c0e, zzzzzz_, ______]' }),
    says: [44, 54, 65, 74].map(
      (column, index) =>
        `c.yml:6:${column}  EA1024: testData.prefixes[${index + 2}]  expected at least 3 different letters or digits and a letter from g to z, such as integration_test_: a number or a UUID of production could begin with this`,
    ),
  },
  {
    mistake: "invalid column names, and a suffix that real domains end with",
    file: minimal({
      below:
        "testData:\n  tables:\n    a.b:\n      key: b id\n      time: created-at\n      parents: { c.id: { partOf: a.b } }\n      match: [{ column: '*', prefix: true }, { column: mail, suffix: test.edu }, { column: id }]",
    }),
    says: [
      'c.yml:8:12  EA1010: testData.tables["a.b"].key  expected a column name of letters, digits and underscores, such as session_id',
      'c.yml:9:13  EA1010: testData.tables["a.b"].time  expected a column name of letters, digits and underscores, such as session_id',
      'c.yml:10:18  EA1010: testData.tables["a.b"].parents["c.id"]  expected a column name of letters, digits and underscores, such as session_id',
      'c.yml:11:25  EA1010: testData.tables["a.b"].match[0].column  expected a column name of letters, digits and underscores, such as session_id',
      'c.yml:11:70  EA1024: testData.tables["a.b"].match[1].suffix  expected a whole domain with @, such as @test.edu: test.edu would also match contest.edu',
      'c.yml:11:82  EA1016: testData.tables["a.b"].match[2]  expected exactly one of prefix, suffix and equals',
    ],
  },
  {
    mistake: "a namespace that contains every key",
    file: minimal({ below: 'testData:\n  keys: ["*"]' }),
    says: [
      "c.yml:6:10  EA1010: testData.keys[0]  expected a Redis namespace such as cw:test:*, with at least 6 literal characters and at most one * at the end",
      "c.yml:6:10  EA1024: testData.keys[0]  the namespace contains a key of testData.protectedKeys: choose a narrower namespace",
    ],
  },
  {
    mistake: "two ways to find Redis, and nodes with invalid addresses",
    file: minimal({
      inside:
        "redis:\n  url: ${REDIS_URL}\n  cluster: [redis-1, http://redis-2]\n  sentinel: { master: m, nodes: [] }\n  certificateAuthority: ca.pem",
    }),
    env: { REDIS_URL: "redis://:the-password@localhost/2" },
    says: [
      "c.yml:6:12  EA1021: environments.sandbox.redis.url  expected database 0 or none: a cluster has no other database",
      "c.yml:7:7  EA1016: environments.sandbox.redis.cluster  cluster and sentinel cannot be combined: remove one of them",
      "c.yml:7:26  EA1010: environments.sandbox.redis.cluster[1]  expected host:port, such as redis-1.internal:6379",
      "c.yml:8:30  EA1010: environments.sandbox.redis.sentinel.nodes  expected at least one entry",
      "c.yml:9:29  EA1016: environments.sandbox.redis.certificateAuthority  has no effect: redis:// does not use TLS. Write rediss:// in url, or remove this key",
    ],
  },
  {
    mistake: "an address that is not for Redis",
    file: minimal({ inside: "redis:\n  url: ${REDIS_URL}" }),
    env: { REDIS_URL: "http://:the-password@localhost" },
    says: [
      "c.yml:6:12  EA1021: environments.sandbox.redis.url  expected a redis:// or rediss:// address; percent-encode special characters of the password, such as %23 for #",
    ],
  },
  ...["redis://user:12#34@redis.internal:6379", "redis://user:12?34@redis.internal", "rediss://user:1/2@redis.internal"].map(
    (REDIS_URL) => ({
      mistake: `a password with unescaped special characters: ${REDIS_URL}`,
      file: minimal({ inside: "redis:\n  url: ${REDIS_URL}" }),
      env: { REDIS_URL },
      says: [
        "c.yml:6:12  EA1021: environments.sandbox.redis.url  expected a redis:// or rediss:// address; percent-encode special characters of the password, such as %23 for #",
      ],
    }),
  ),
  ...Object.entries({
    "redis://:the-password@localhost/?db=3":
      "expected no options after ? in the address. db: write the database as the path, such as redis://redis.internal:6379/3",
    "rediss://localhost?keyPrefix=app:":
      "expected no options after ? in the address. keyPrefix: not supported: remove it, and write the prefix in the namespaces under testData.keys, such as app:cw:test:*",
    "redis://localhost/1?tls=true&family=6":
      "expected no options after ? in the address. tls: write rediss:// for TLS; remove the other options: they are not read",
    "redis://localhost?secret-part": "expected no options after ? in the address. remove them: they are not read",
    "redis://localhost?constructor=1": "expected no options after ? in the address. remove them: they are not read",
    "redis://localhost/1#2": "expected no # in the address: remove it, or write %23 if it is part of the password",
    "redis://redis-1,redis-2:6379": "expected one host: write the others under redis.cluster or redis.sentinel.nodes",
  }).map(([REDIS_URL, says]) => ({
    mistake: `unsupported parts after or next to the host of ${REDIS_URL}`,
    file: minimal({ inside: "redis:\n  url: ${REDIS_URL}" }),
    env: { REDIS_URL },
    says: [`c.yml:6:12  EA1021: environments.sandbox.redis.url  ${says}`],
  })),
  {
    mistake: "a secret that is not text",
    file: minimal({ inside: "redis: { url: 6379 }\napi: { url: http://a.b }\nauth: { secret: [a] }" }),
    says: [
      "c.yml:5:19  EA1009: environments.sandbox.redis.url  expected a reference to an environment variable, such as ${REDIS_URL}",
      "c.yml:7:13  EA1009: environments.sandbox.auth.secret  expected a reference to an environment variable, such as ${TEST_TOKEN_SECRET}",
    ],
  },
  {
    mistake: "options after a node or a sentinel",
    file: minimal({
      inside: "redis:\n  url: ${REDIS_URL}\n  cluster: [redis-2?db=3]\n  sentinel: { master: m, nodes: ['s-1?keyPrefix=app'] }",
    }),
    env: { REDIS_URL: "redis://localhost?db=0" },
    says: [
      "c.yml:6:12  EA1021: environments.sandbox.redis.url  expected no options after ? in the address. db: write the database as the path, such as redis://redis.internal:6379/3",
      "c.yml:7:7  EA1016: environments.sandbox.redis.cluster  cluster and sentinel cannot be combined: remove one of them",
      "c.yml:7:17  EA1010: environments.sandbox.redis.cluster[0]  expected host:port, such as redis-1.internal:6379",
      "c.yml:8:38  EA1010: environments.sandbox.redis.sentinel.nodes[0]  expected host:port, such as redis-1.internal:6379",
    ],
  },
  {
    mistake: "a database that is not a number",
    file: minimal({ inside: "redis:\n  url: ${REDIS_URL}" }),
    env: { REDIS_URL: "rediss://localhost/cache" },
    says: [
      "c.yml:6:12  EA1021: environments.sandbox.redis.url  expected the number of a database after the host, such as /0, or nothing",
    ],
  },
  {
    mistake: "an address with another protocol",
    file: minimal({ inside: "api:\n  url: ftp://files.example" }),
    says: ["c.yml:6:12  EA1010: environments.sandbox.api.url  expected an http:// or https:// address"],
  },
  {
    mistake: "an address with a path, which requests would not use",
    file: minimal({ inside: "api:\n  url: https://app.example/api/v1\nwebsocket:\n  url: ${SOCKETS}" }),
    env: { SOCKETS: "https://app.example/?a" },
    says: [6, 8].map(
      (line) =>
        `c.yml:${line}:12  EA1010: environments.sandbox.${line === 6 ? "api" : "websocket"}.url  expected no path after the host: write the path in each route, such as path: /api/v1/health`,
    ),
  },
  {
    mistake: "an address with a password, which requests would not send",
    file: minimal({
      inside: "api:\n  url: https://${USER}:${PASSWORD}@app.example\noauth:\n  discovery: https://me@provider.example/openid",
    }),
    env: { USER: "me", PASSWORD: "not-to-be-seen" },
    says: [
      "c.yml:6:12  EA1010: environments.sandbox.api.url  expected no user and no password in the address: send them in a header, such as headers: { Authorization: ${NAME} }",
      "c.yml:8:18  EA1010: environments.sandbox.oauth.discovery  expected no user and no password in the address: send them in a header, such as headers: { Authorization: ${NAME} }",
    ],
  },
  ...["https://adb-1.7.azuredatabricks.net/?o=123", "http://adb-1.7.azuredatabricks.net", "adb-1.net/sql", "a b"].map((host) => ({
    mistake: `an invalid Databricks host: ${host}`,
    file: minimal({ inside: "databricks:\n  token: ${T}\n  warehouse: w" }),
    env: { T: "t", DATABRICKS_HOST: host },
    says: [
      "c.yml:5:5  EA1010: environments.sandbox.databricks.host  expected only the host of the workspace, such as adb-1234567890123456.7.azuredatabricks.net, without http:// and without a path",
    ],
  })),
  ...["dapi0123456789\n", " dapi0123456789", "dapi0123\n456789"].map((T) => ({
    mistake: `a token with a space or a line break: ${JSON.stringify(T)}`,
    file: minimal({ inside: "token: ${T}\ndatabricks:\n  host: h.example\n  warehouse: w\n  token: ${T}" }),
    env: { T },
    says: [
      "c.yml:5:12  EA1010: environments.sandbox.token  the token contains a space or a line break, which a header cannot carry: store it without",
      "c.yml:9:14  EA1010: environments.sandbox.databricks.token  the token contains a space or a line break, which a header cannot carry: store it without",
    ],
  })),
  {
    mistake: "an alert to an invalid address",
    file: minimal({ inside: "alerts:\n  slack:\n    url: ${A}\n  webhook:\n    url: ${B}\n    secret: ${C}" }),
    env: { A: "hooks.slack.com/services/x", B: "ftp://a.example", C: "signs" },
    says: [
      "c.yml:7:14  EA1010: environments.sandbox.alerts.slack.url  expected an http:// or https:// address in the variable",
      "c.yml:9:14  EA1010: environments.sandbox.alerts.webhook.url  expected an http:// or https:// address in the variable",
    ],
  },
  {
    mistake: "a figure that is compared with a warehouse that there is none",
    file: minimal({
      inside: `${api}\nanalytics: [{ path: /a, json: [{ path: $.n, equalsSql: SELECT 1 }, { path: $.m, equals: 1, tolerance: 2 }] }]`,
    }),
    says: [
      "c.yml:7:60  EA1017: environments.sandbox.analytics[0].json[0].equalsSql  requires databricks: add databricks: { host: … } to the environment",
      "c.yml:7:107  EA1016: environments.sandbox.analytics[0].json[1].tolerance  has no effect without equalsSql: remove it",
    ],
  },
  {
    mistake: "a reader token that is written out, and a command for it without one",
    file: minimal({ inside: "token: abc" }).concat("\n  other:\n    access: read-only\n    token: { timeout: 5s }"),
    says: [
      "c.yml:5:12  EA1013: environments.sandbox.token  a secret must not be written in this file: expected ${NAME} without default, with the value in that environment variable",
      "c.yml:9:5  EA1008: environments.other.token.command  missing: expected text",
    ],
  },
  {
    mistake: "SQL samples without a warehouse",
    file: minimal({ inside: "sql:\n  - name: sessions\n    query: SELECT 1" }),
    says: ["c.yml:5:5  EA1017: environments.sandbox.sql  requires databricks: add databricks: { host: … } to the environment"],
  },
  {
    mistake: "an invalid port",
    file: minimal({ inside: "servers:\n  back:\n    command: npm start\n    port: 70000\n    ready: { tcp: 3000 }" }),
    says: ["c.yml:8:15  EA1010: environments.sandbox.servers.back.port  expected a port from 1 to 65535"],
  },
  {
    mistake: "two conditions for a ready server",
    file: minimal({ inside: "servers:\n  back:\n    command: npm start\n    ready: { tcp: 3000, log: listening }" }),
    says: ["c.yml:8:9  EA1016: environments.sandbox.servers.back.ready  expected exactly one of url, tcp, log and socketIo"],
  },
  {
    mistake: "a status and JSON without an address to request",
    file: minimal({
      inside:
        "servers:\n  back:\n    command: a\n    ready:\n      tcp: 3000\n      status: [204]\n      json: [{ path: $.a, notNull: true }]",
    }),
    says: [
      "c.yml:10:11  EA1017: environments.sandbox.servers.back.ready.status  requires url: it describes the answer of that address",
      "c.yml:11:11  EA1017: environments.sandbox.servers.back.ready.json  requires url: it describes the answer of that address",
    ],
  },
  {
    mistake: "changes for a ready server, because one answer shows no change",
    file: minimal({
      inside:
        "servers:\n  back:\n    command: a\n    ready: { url: http://localhost:3000, json: [{ path: $.a, changes: true }] }",
    }),
    says: [
      "c.yml:8:53  EA1016: environments.sandbox.servers.back.ready.json[0]  expected exactly one of equals, oneOf, notNull, matches, between and youngerThan",
      "c.yml:8:66  EA1007: environments.sandbox.servers.back.ready.json[0].changes  unknown key; known: path, equals, oneOf, notNull, matches, between, youngerThan",
    ],
  },
  {
    mistake: "stableFor longer than timeout",
    file: minimal({
      inside: "servers:\n  back:\n    command: a\n    ready: { socketIo: http://localhost:3000, stableFor: 60s }",
    }),
    says: [
      "c.yml:8:62  EA1010: environments.sandbox.servers.back.ready.stableFor  expected less than timeout: otherwise the server is never ready in time",
    ],
  },
  {
    mistake: "a value that equals does not support",
    file: minimal({ inside: `${api}\n  endpoints:\n    - path: /x\n      json: [{ path: $.a, equals: [1] }]` }),
    says: [
      "c.yml:9:31  EA1009: environments.sandbox.api.endpoints[0].json[0].equals  expected text, a number, true, false or null",
    ],
  },
  {
    mistake: "an invalid regular expression",
    file: minimal({ inside: `${api}\n  endpoints:\n    - path: /x\n      json: [{ path: $.a, matches: "(" }]` }),
    says: [
      "c.yml:9:40  EA1030: environments.sandbox.api.endpoints[0].json[0].matches  expected a regular expression in RE2 syntax (https://github.com/google/re2/wiki/Syntax), got an invalid one: missing closing )",
    ],
  },
  {
    mistake: "an environment's name in capitals, and a mistake inside it",
    file: "version: 1\nenvironments:\n  Sandbox:\n    acess: read-only",
    says: [
      "c.yml:3:3  EA1010: environments.Sandbox  expected a name of lower-case letters, digits and dashes, such as staging",
      'c.yml:3:3  EA1008: environments.Sandbox.access  missing: expected "read-only" or "test-data"',
      'c.yml:4:5  EA1007: environments.Sandbox.acess  unknown key; did you mean "access"?',
    ],
  },
];

const acrossPlaces: Case[] = [
  {
    mistake: "an isolation that is no word of ours",
    file: minimal({ below: "testData:\n  isolation: copy" }),
    says: [
      "c.yml:6:14  EA1009: testData.isolation  expected prefix, clone, or a group of keys such as { by: clone, as: catalog }",
    ],
  },
  {
    mistake: "schemas of runs without a catalog for them, which nobody hands over",
    file: minimal({ below: "testData:\n  isolation: { as: schemas }" }),
    says: [
      "c.yml:6:20  EA5101: testData.isolation.as  as: schemas needs into: an existing catalog in which the schemas of all branches are created",
      'c.yml:6:20  EA5101: testData.isolation.as  with as: schemas the application must learn the schemas\' names: hand them over in variables, such as { SESSIONS_SCHEMA: "{schema:sessions}" }',
    ],
  },
  {
    mistake: "branches in the catalog of an environment",
    file: minimal({
      inside: 'databricks: { host: adb-1.azuredatabricks.net, warehouse: w, token: "${T}", catalog: Main }',
      below: 'testData:\n  isolation:\n    as: schemas\n    into: main\n    variables: { S: "{schema:s}" }',
    }),
    env: { T: "dapi" },
    says: [
      'c.yml:9:11  EA5101: testData.isolation.into  "main" is the catalog of the environment sandbox: name another catalog, so that no run finds the branches of others in its own',
    ],
  },
  {
    mistake: "a catalog for schemas, although a branch is a catalog itself",
    file: minimal({ below: "testData:\n  isolation: { by: clone, into: branches }" }),
    says: [
      "c.yml:6:33  EA5101: testData.isolation.into  has no effect: a branch is a catalog of its own. Write as: schemas, or remove this key",
    ],
  },
  {
    mistake: "settings of branches that no run gets",
    file: minimal({ below: "testData:\n  isolation: { by: prefix, required: true }" }),
    says: ["c.yml:6:38  EA5101: testData.isolation.required  has no effect with by: prefix: remove it, or write by: clone"],
  },
  {
    mistake: "an environment on a branch of a run",
    file: minimal({
      inside:
        'databricks: { host: adb-1.azuredatabricks.net, warehouse: w, token: "${T}", catalog: cw_ea_1763920000000_1a2b3c4d }',
      below: "testData:\n  isolation: clone",
    }),
    env: { T: "dapi" },
    says: [
      "c.yml:5:90  EA5101: environments.sandbox.databricks.catalog  the catalog is named like a branch of a run: name the catalog that branches are copies of",
    ],
  },
  {
    mistake: "no environment at all",
    file: "version: 1\nenvironments: {}",
    says: ["c.yml:2:1  EA1008: environments  expected at least one environment"],
  },
  {
    mistake: "a default environment that does not exist",
    file: minimal({ below: "defaultEnvironment: sandbix" }),
    says: ['c.yml:5:21  EA1014: defaultEnvironment  no environment has the name "sandbix"; did you mean "sandbox"?'],
  },
  {
    mistake: "a comparison with an unknown environment, by a limit that is none",
    file: minimal({ below: "stages:\n  smoke:\n    compare: { with: sandbix, latency: 20%, runs: 3 }" }),
    says: [
      'c.yml:7:22  EA1014: stages.smoke.compare.with  no environment has the name "sandbix"; did you mean "sandbox"?',
      'c.yml:7:40  EA1010: stages.smoke.compare.latency  expected a limit such as "<= +10%": how much more is allowed',
      "c.yml:7:51  EA1010: stages.smoke.compare.runs  expected 6 or more",
    ],
  },
  {
    mistake: "promotion from an unknown environment, and from itself",
    file: `${minimal({ inside: "promotedFrom: staging" })}  production:\n    access: read-only\n    promotedFrom: production`,
    says: [
      'c.yml:5:19  EA1014: environments.sandbox.promotedFrom  no environment has the name "staging"; known: sandbox, production',
      "c.yml:8:19  EA1014: environments.production.promotedFrom  expected another environment: an environment cannot be promoted from itself",
    ],
  },
  {
    mistake: "test data without a proven identity, and another mistake",
    file: "version: 1\nenvironments:\n  sandbox:\n    access: test-data\n    colour: red\n    redis:\n      url: ${REDIS_URL}",
    env: { REDIS_URL: "redis://localhost" },
    says: [
      "c.yml:5:5  EA1007: environments.sandbox.colour  unknown key; known: access, promotedFrom, deployedAs, analytics, api, auth, databricks, oauth, redis, sql, tcp, variables, websocket, token, tasks, servers, environment, alerts, rollback",
      "c.yml:6:5  EA2003: environments.sandbox.redis.expect  missing: test data is written here: add expect: { host: … } with the host that it must be",
    ],
  },
  {
    mistake: "an expected identity from the same variable as the connection",
    file: minimal({ inside: "redis:\n  url: ${REDIS_URL}\n  expect:\n    host: ${REDIS_HOST}" }),
    env: { REDIS_URL: "redis://localhost", REDIS_HOST: "localhost" },
    says: [
      "c.yml:8:15  EA1020: environments.sandbox.redis.expect.host  expected the host itself, not a variable: a variable always matches itself and proves nothing",
    ],
  },
  {
    mistake: "a warehouse without an address",
    file: minimal({ inside: "databricks:\n  host: h.example\n  token: ${T}" }),
    env: { T: "secret-value" },
    says: [
      "c.yml:5:5  EA1008: environments.sandbox.databricks.warehouse  missing: expected warehouse or path here, or one of the environment variables DATABRICKS_WAREHOUSE_ID and DATABRICKS_HTTP_PATH",
    ],
  },
  {
    mistake: "checks of an API without its address",
    file: minimal({ inside: "oauth: {}\nwebsocket: {}" }),
    says: [
      "c.yml:5:5  EA1017: environments.sandbox.oauth  requires api: add api: { url: … } to the environment",
      "c.yml:6:5  EA1017: environments.sandbox.websocket  requires api: add api: { url: … } to the environment",
    ],
  },
  {
    mistake: "test tokens without their secret",
    file: minimal({ inside: `${api}\nauth: {}` }),
    says: [
      "c.yml:7:5  EA1008: environments.sandbox.auth.secret  missing: expected a reference such as ${TEST_TOKEN_SECRET}. If no test tokens may be minted here, write enabled: false",
    ],
  },
  {
    mistake: "two servers on one port",
    file: minimal({
      inside:
        "servers:\n  back:\n    command: a\n    port: 3000\n    ready: { tcp: 3000 }\n  front:\n    command: b\n    port: 3000\n    ready: { tcp: 3000 }",
    }),
    says: ["c.yml:12:15  EA1018: environments.sandbox.servers.front.port  the server back has the same port"],
  },
  {
    mistake: "two tasks of one name, and tasks where nothing may be written",
    file: minimal({ inside: "tasks:\n  - { name: seed, command: a }\n  - { name: seed, command: b, timeout: 0s }" }),
    says: [
      "c.yml:5:5  EA2002: environments.sandbox.tasks  the environment is read-only, and a task could write: run the command in a step of its own, or use access: test-data",
      "c.yml:7:17  EA1016: environments.sandbox.tasks[1].name  another task has the same name: give each its own",
      "c.yml:7:44  EA1010: environments.sandbox.tasks[1].timeout  expected a time limit above 0 and of at most 24d",
    ],
  },
  {
    mistake: "a stage's prefix that cleanup would not find",
    file: minimal({ below: "stages:\n  e2e:\n    prefix: browser_test_" }),
    says: [
      'c.yml:7:13  EA1022: stages.e2e.prefix  what the e2e stage leaves behind would not be found by cleanup: add "browser_test_" to testData.prefixes',
    ],
  },
  {
    mistake: "a list of prefixes without those of the stages",
    file: minimal({ below: "testData:\n  prefixes: [integration_test_]\nstages:\n  e2e: { command: npx playwright test }" }),
    says: [
      'c.yml:6:3  EA1022: testData.prefixes  what the e2e stage leaves behind would not be found by cleanup: add "e2e_test_" here, or set stages.e2e.prefix',
    ],
  },
  {
    mistake: "test data that expires during its run",
    file: minimal({ below: "testData:\n  expireAfter: 30m\nstages:\n  integration:\n    budget: 1h" }),
    says: [
      "c.yml:6:16  EA1023: testData.expireAfter  expected testData.expireAfter to be longer than stages.e2e.budget: otherwise cleanup could delete test data of a run in progress",
      "c.yml:9:13  EA1023: stages.integration.budget  expected testData.expireAfter to be longer than stages.integration.budget: otherwise cleanup could delete test data of a run in progress",
    ],
  },
  {
    mistake: "a parent that is not a table",
    file: minimal({
      below: "testData:\n  tables:\n    sessions.notes:\n      parents: { session_id: { partOf: sessions.classroom_session } }",
    }),
    says: [
      'c.yml:8:40  EA1025: testData.tables["sessions.notes"].parents.session_id.partOf  the table "sessions.classroom_session" is not declared; did you mean "sessions.classroom_sessions"?',
    ],
  },
  {
    mistake: "a parent of the preset, with the preset off",
    file: minimal({
      below:
        "testData:\n  preset: none\n  tables:\n    a.notes:\n      parents: { session_id: { partOf: sessions.classroom_sessions } }",
    }),
    says: [
      'c.yml:9:40  EA1025: testData.tables["a.notes"].parents.session_id.partOf  the table "sessions.classroom_sessions" is not declared; declare it under testData.tables',
    ],
  },
  {
    mistake: "a parent of neither kind, and one of both kinds",
    file: minimal({
      below:
        "testData:\n  tables:\n    a.notes:\n      parents: { session_id: sessions.classroom_sessions, teacher_id: { partOf: users.teachers, belongsTo: users.teachers } }",
    }),
    says: [
      'c.yml:8:30  EA1009: testData.tables["a.notes"].parents.session_id  expected { partOf: sessions.classroom_sessions } if a row cannot exist without its parent and is never moved, such as a member of a group, or { belongsTo: sessions.classroom_sessions } if it can be moved to another parent, such as a teacher to another school',
      'c.yml:8:59  EA1016: testData.tables["a.notes"].parents.teacher_id  expected exactly one of partOf and belongsTo',
    ],
  },
  {
    mistake: "a sweep by a value that no rule has, kept rows of an unknown table, and an invalid time zone",
    file: minimal({
      below: 'testData:\n  sweep: ["@testschol.edu", testschool.edu]\n  keep: { users.teacher: [a] }\n  timeZone: Middle/Earth',
    }),
    says: [
      'c.yml:6:11  EA1025: testData.sweep[0]  no table under testData.tables has a rule suffix or equals with this value; did you mean "@testschool.edu"?',
      'c.yml:7:11  EA1025: testData.keep["users.teacher"]  the table is not declared; did you mean "users.teachers"?',
      'c.yml:8:13  EA1010: testData.timeZone  expected a time zone: UTC, an offset such as "-08:00", or a name such as America/Los_Angeles',
    ],
  },
  {
    mistake: "a cycle of tables",
    file: minimal({
      below:
        "testData:\n  tables:\n    a.b:\n      parents: { c_id: { partOf: a.c } }\n    a.c:\n      parents: { b_id: { partOf: a.b } }",
    }),
    says: [
      'c.yml:8:7  EA1026: testData.tables["a.b"].parents  the table is its own ancestor through its parents: remove one of the parents',
      'c.yml:10:7  EA1026: testData.tables["a.c"].parents  the table is its own ancestor through its parents: remove one of the parents',
    ],
  },
  {
    mistake: "a namespace inside the protected keys",
    file: minimal({ below: 'testData:\n  keys: ["audit:test:*"]\n  protectedKeys: ["audit:*"]' }),
    says: [
      "c.yml:6:10  EA1024: testData.keys[0]  the namespace contains a key of testData.protectedKeys: choose a narrower namespace",
    ],
  },
  {
    mistake: "a protected table with rules for test data, in upper or lower case",
    file: minimal({ below: "testData:\n  tables:\n    Compliance.notes:\n      match: [{ column: id, prefix: true }]" }),
    says: [
      'c.yml:7:5  EA1027: testData.tables["Compliance.notes"]  the table also matches testData.protectedTables, so nothing is ever deleted from it: remove it from one of the two',
    ],
  },
  {
    mistake: "prefixes that production ids and keys begin with",
    file: minimal({
      below:
        'testData:\n  prefixes: [integration_test_, e2e_test_, teacher_, "audit:"]\nstages:\n  e2e:\n    prefix: classroom_session-',
    }),
    says: [
      "c.yml:6:44  EA1024: testData.prefixes[2]  production ids or names could begin with this, such as teacher_…: write a prefix that only tests use, such as teacher_test_",
      "c.yml:6:54  EA1024: testData.prefixes[3]  the protected key audit:log begins with this: write a prefix that only tests use",
      'c.yml:9:13  EA1022: stages.e2e.prefix  what the e2e stage leaves behind would not be found by cleanup: add "classroom_session-" to testData.prefixes',
    ],
  },
  {
    mistake: "a prefix that is the beginning of a table's name",
    file: minimal({ below: "testData:\n  prefixes: [integration_test_, e2e_test_, sessio]" }),
    says: [
      "c.yml:6:44  EA1024: testData.prefixes[2]  production ids or names could begin with this, such as session_…: write a prefix that only tests use, such as session_test_",
    ],
  },
  {
    mistake: "a namespace of keys that the application writes in production",
    file: minimal({ below: 'testData:\n  keys: ["session:*", "cw:prod*", "session:test:*"]' }),
    says: [
      "c.yml:6:10  EA1024: testData.keys[0]  the namespace contains keys that ClassWaves writes in production, such as session:…: choose a narrower namespace",
      "c.yml:6:23  EA1024: testData.keys[1]  the namespace contains keys that ClassWaves writes in production, such as cw:production:…: choose a narrower namespace",
    ],
  },
  {
    mistake: "ClassWaves' legal evidence without protection",
    file: minimal({ below: "testData:\n  protectedTables: []\n  protectedKeys: [billing:*]" }),
    says: [
      'c.yml:6:3  EA1028: testData.protectedTables  legal evidence must stay protected: add "compliance.*" to the list. If this is not ClassWaves, write preset: none',
      'c.yml:7:3  EA1028: testData.protectedKeys  legal evidence must stay protected: add "audit:log" to the list. If this is not ClassWaves, write preset: none',
    ],
  },
  {
    mistake: "ClassWaves' legal evidence in upper case, which is another key in Redis, but the same table in Databricks",
    file: minimal({ below: "testData:\n  protectedTables: [Compliance.*]\n  protectedKeys: [AUDIT:LOG]" }),
    says: [
      'c.yml:7:3  EA1028: testData.protectedKeys  legal evidence must stay protected: add "audit:log" to the list. If this is not ClassWaves, write preset: none',
    ],
  },
  {
    mistake: "a catalog that is compared with itself",
    file: minimal({
      inside:
        "databricks:\n  host: h.example\n  warehouse: w\n  token: ${T}\n  catalog: ${C}\n  expect: { host: h.example, catalog: '${C}' }",
    }),
    env: { T: "secret-value", C: "classwaves" },
    says: [
      "c.yml:10:43  EA1020: environments.sandbox.databricks.expect.catalog  expected the catalog itself, not a variable: a variable always matches itself and proves nothing",
    ],
  },
];

const variables: Case[] = [
  {
    mistake: "a missing variable",
    file: minimal({ inside: "api:\n  url: ${API_URL}" }),
    says: [
      "c.yml:6:12  EA1011: environments.sandbox.api.url  the environment variable API_URL is not set: set it, or write ${API_URL:-default}",
    ],
  },
  {
    mistake: "a missing GitHub secret",
    file: minimal({ inside: "token: ${READER}" }),
    env: { READER: "" },
    says: [
      "c.yml:5:12  EA1011: environments.sandbox.token  the environment variable READER is empty (a GitHub secret that does not exist becomes an empty string): set it",
    ],
  },
  {
    mistake: "a missing variable outside the environments",
    file: minimal({ below: "testData:\n  expireAfter: ${AGE}" }),
    says: ["c.yml:6:16  EA1011: testData.expireAfter  the environment variable AGE is not set: set it, or write ${AGE:-default}"],
  },
  {
    mistake: "a variable with a wrong value, which is not shown",
    file: minimal({ below: "defaultEnvironment: ${WHERE}" }),
    env: { WHERE: "somewhere" },
    says: ['c.yml:5:21  EA1014: defaultEnvironment  no environment has the name "${WHERE}"; known: sandbox'],
  },
  {
    mistake: "a GitHub expression",
    file: minimal({ inside: 'token: "${{ secrets.TOKEN }}"' }),
    says: [
      "c.yml:5:12  EA1012: environments.sandbox.token  ${{ … }} is not replaced in this file: pass the value in the workflow's env, and write ${NAME} here",
    ],
  },
  {
    mistake: "an invalid reference",
    file: minimal({ inside: "environment:\n  A: ${not-a-name}" }),
    says: [
      "c.yml:6:10  EA1012: environments.sandbox.environment.A  expected ${NAME} or ${NAME:-default} with the name of an environment variable; for a literal ${ write $${",
    ],
  },
  {
    mistake: "a literal secret",
    file: minimal({ inside: "token: dapi0123456789" }),
    says: [
      "c.yml:5:12  EA1013: environments.sandbox.token  a secret must not be written in this file: expected ${NAME} without default, with the value in that environment variable",
    ],
  },
];

const yaml: Case[] = [
  {
    mistake: "a tab",
    file: "version: 1\n\tenvironments: {}",
    says: ["c.yml:2:1  EA1005: invalid YAML: indented with a tab: use spaces"],
  },
  {
    mistake: "a key without a colon",
    file: "version: 1\nenvironments\n",
    says: ["c.yml:2:1  EA1005: invalid YAML: expected a colon after a key, or a comma between two entries"],
  },
  {
    mistake: "an open bracket",
    file: "version: 1\nenvironments: [",
    says: ["c.yml:2:15  EA1005: invalid YAML: this [ is never closed: add ] after its last entry"],
  },
  {
    mistake: "an open bracket, noticed in the lines below",
    file: minimal({ inside: "tags: [a, b\nother: 1" }),
    says: ["c.yml:5:11  EA1005: invalid YAML: this [ is never closed: add ] after its last entry"],
  },
  {
    mistake: "an open brace, with brackets of its own",
    file: minimal({ inside: "api: { a: [1, 2], b: [3]\nother: 1" }),
    says: ["c.yml:5:10  EA1005: invalid YAML: this { is never closed: add } after its last entry"],
  },
  {
    mistake: "the wrong closing bracket",
    file: minimal({ inside: "api: { a: [1, 2 }\nother: 1" }),
    says: ["c.yml:5:15  EA1005: invalid YAML: this [ is never closed: add ] after its last entry"],
  },
  {
    mistake: "an open quote",
    file: 'version: 1\nenvironments: "x',
    says: ['c.yml:2:15  EA1005: invalid YAML: this quote is never closed: add " at the end of the text'],
  },
  {
    mistake: "an open quote, noticed at the end of the file",
    file: minimal({ inside: 'a: "it is\nb: 1', below: "c: 2\n" }),
    says: ['c.yml:5:8  EA1005: invalid YAML: this quote is never closed: add " at the end of the text'],
  },
  {
    mistake: "an open quote above another quoted text",
    file: minimal({ inside: "a: 'it''s\nb: 'x'" }),
    says: ["c.yml:5:8  EA1005: invalid YAML: this quote is never closed: add ' at the end of the text"],
  },
  {
    mistake: "an open quote that ends with an escaped one",
    file: minimal({ inside: 'a: "x\\\\\\"' }),
    says: ['c.yml:5:8  EA1005: invalid YAML: this quote is never closed: add " at the end of the text'],
  },
  {
    mistake: "a tab above an open bracket: both",
    file: "version: 1\n\tenvironments: [",
    says: [
      "c.yml:2:1  EA1005: invalid YAML: indented with a tab: use spaces",
      "c.yml:2:16  EA1005: invalid YAML: this [ is never closed: add ] after its last entry",
    ],
  },
  {
    mistake: "a key between two columns",
    file: minimal({ inside: "api:\n  url: x" }).replace("    api", "   api"),
    says: [
      "c.yml:5:4  EA1005: invalid YAML: wrong indentation: keys of one group begin in the same column, and nested keys further to the right",
    ],
  },
  {
    mistake: "a key further to the right than the one above it",
    file: "version: 1\n environments:\n  sandbox: {}",
    says: [
      "c.yml:2:2  EA1005: invalid YAML: wrong indentation: keys of one group begin in the same column, and nested keys further to the right",
    ],
  },
  {
    mistake: "an entry of a list further to the left than the one above it",
    file: "version: 1\nenvironments:\n  - a\n - b\n",
    says: [
      "c.yml:4:2  EA1005: invalid YAML: wrong indentation: keys of one group begin in the same column, and nested keys further to the right",
    ],
  },
  {
    mistake: "a merge conflict",
    file: `${minimal()}<<<<<<< HEAD\nbudget: 1m\n=======\nbudget: 2m\n>>>>>>> other\n`,
    says: [
      "c.yml:5:1  EA1005: invalid YAML: a merge conflict is not resolved: choose one side, and remove the three lines of <, = and >",
    ],
  },
  {
    mistake: "a reference in brackets without quotes",
    file: minimal({ inside: "api: { url: ${API_URL} }" }),
    says: ['c.yml:5:18  EA1005: invalid YAML: put a reference inside { } or [ ] in quotes: "${NAME}"'],
  },
  {
    mistake: "a tag",
    file: "version: !int 1",
    says: ["c.yml:1:10  EA1005: invalid YAML: tags are not supported: remove the word that begins with !"],
  },
  {
    mistake: "two documents",
    file: "version: 1\n---\nversion: 1",
    says: ["c.yml:2:1  EA1005: invalid YAML: expected one document: remove the line ---"],
  },
  {
    mistake: "an older version of YAML",
    file: "%YAML 1.1\n---\nversion: 1",
    says: ["c.yml:1:1  EA1005: expected YAML 1.2: remove the %YAML line"],
  },
  {
    mistake: "a key twice",
    file: `${minimal()}version: 1`,
    says: ["c.yml:5:1  EA1006: version  duplicate key: line 1 has it, too; remove one of the two"],
  },
  {
    mistake: "an alias without an anchor",
    file: minimal({ inside: "api: *api" }),
    says: ["c.yml:5:10  EA1005: environments.sandbox.api  the alias names an anchor that is not defined above it (&name)"],
  },
  {
    mistake: "an alias inside its own anchor",
    file: minimal({ inside: `${api}\nanalytics: &a [*a]` }),
    says: [
      "c.yml:7:20  EA1005: environments.sandbox.analytics[0]  the alias is inside the value that it refers to: write the value out",
    ],
  },
  {
    mistake: "a merge key",
    file: minimal({ inside: "<<: {}" }),
    says: ["c.yml:5:5  EA1005: environments.sandbox  expected a plain word as key: << and aliases are not supported"],
  },
  {
    mistake: "text where the file's groups belong",
    file: "hello",
    says: ["c.yml:1:1  EA1009: expected a group of keys, got text"],
  },
];

describe.each([
  ["the form", shape],
  ["several keys together", acrossPlaces],
  ["variables", variables],
  ["YAML", yaml],
])("a mistake in %s", (_, cases) => {
  test.each(cases)("$mistake", async ({ file, env, environment, says }) => {
    expect(await mistakes(file, { env, environment })).toEqual(says);
  });
});

describe("the whole message", () => {
  test("lists all mistakes in the order of the file, with their lines and a caret", async () => {
    const file = minimal({ inside: "databriks: {}", below: "stages:\n  smoke:\n    budget: soon" });
    expect(await refusal(file)).toBe(
      [
        "c.yml has 2 mistakes:",
        'c.yml:5:5  EA1007: environments.sandbox.databriks  unknown key; did you mean "databricks"?',
        "  5 |     databriks: {}",
        "    |     ^^^^^^^^^",
        'c.yml:8:13  EA1010: stages.smoke.budget  expected a duration such as "500ms", "30s", "2m", "4h" or "7d"',
        "  8 |     budget: soon",
        "    |             ^^^^",
      ].join("\n"),
    );
  });

  test("shows excerpts for the first five mistakes only", async () => {
    const keys = ["a1", "b1", "c1", "d1", "e1", "f1", "g1"].map((key) => `${key}: 1`).join("\n");
    const message = await refusal(minimal({ below: keys }));
    expect(message.match(/^c\.yml:\d+:\d+ /gm)).toHaveLength(7);
    expect(message.match(/^ +\| +\^+$/gm)).toHaveLength(5);
  });

  test("cannot control the terminal by a key", async () => {
    const message = await refusal(`${minimal()}"\\u001b[31mred": 1\n`);
    expect(message).not.toContain("\u001b");
    expect(message).toContain('["\\u001b[31mred"]');
  });

  test("cannot control the terminal by a line that it shows", async () => {
    const message = await refusal(minimal({ below: "defaultEnvironment: \u001b[31mred\u202e" }));
    for (const steering of ["\u001b", "\u202e"]) expect(message).not.toContain(steering);
    expect(message).toContain("[31mred");
  });
});

test("a selected environment that does not exist is a mistake of the option, and not of the file", async () => {
  const file = `${minimal()}  production:\n    access: read-only`;
  expect(await refusal(file, { environment: "prodution" })).toBe(
    '--environment (in a workflow: the input environment): the environment "prodution" does not exist or cannot be used here; did you mean "production"? Known: sandbox, production',
  );
});

describe("a secret that GitHub did not give", () => {
  const file = minimal({ inside: "token: ${T}" });
  const from = async (repository: string | null, more: Record<string, string> = {}) => {
    const folder = await mkdtemp(join(tmpdir(), "env-actions-event-"));
    const event = join(folder, "event.json");
    await writeFile(event, JSON.stringify({ pull_request: { head: { repo: repository && { full_name: repository } } } }));
    const env = {
      ...{ T: "", GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "pull_request", GITHUB_REPOSITORY: "o/r", GITHUB_EVENT_PATH: event },
      ...more,
    };
    const [said = ""] = await mistakes(file, { env });
    await rm(folder, { recursive: true });
    return said.replace(/^.*?environments\.sandbox\.token {2}/, "");
  };
  const fork =
    "the environment variable T is empty. GitHub gives the job of a fork's pull request no secrets. Read the change, then push its commits to a branch of this repository: docs/guides/forks.md";
  const dependabot =
    "the environment variable T is empty. GitHub gives a job that Dependabot started none of the secrets of Actions. docs/guides/forks.md says how to test and merge its change";
  const absent = "the environment variable T is empty (a GitHub secret that does not exist becomes an empty string): set it";

  test.each<[string, string | null, Record<string, string>, string]>([
    ["a fork", "somebody/r", {}, fork],
    ["a fork that was deleted", null, {}, fork],
    ["Dependabot", "o/r", { GITHUB_ACTOR: "dependabot[bot]" }, dependabot],
    ["a branch of this repository", "o/r", {}, absent],
    ["a push", "somebody/r", { GITHUB_EVENT_NAME: "push" }, absent],
    ["a terminal", "somebody/r", { GITHUB_ACTIONS: "" }, absent],
  ])("to %s says so", async (_, repository, more, message) => {
    expect(await from(repository, more)).toBe(message);
  });
});

describe("a file that cannot be read is refused", () => {
  test("if it is missing", async () => {
    await expect(loadConfig({ file: "no/such.yml", cwd: tmpdir(), env: {} })).rejects.toThrow(
      `no/such.yml: the file does not exist; looked for ${join(tmpdir(), "no", "such.yml")}. If it is elsewhere, name it with --config, or its project's folder (in a workflow: the inputs config and working-directory). Otherwise \`env-actions init\` writes one that fits the repository, and docs/guides/your-own-project.md says what a project needs`,
    );
  });

  test("if it is that of an outer folder: its commands run there", async () => {
    const root = await mkdtemp(join(tmpdir(), "env-actions-config-"));
    await mkdir(join(root, ".git"));
    await mkdir(join(root, ".github"));
    await mkdir(join(root, "src", "test"), { recursive: true });
    await writeFile(join(root, ".github", "env-actions.yml"), "version: 1\n");
    const cwd = join(root, "src", "test");
    const file = ".github/env-actions.yml";
    await expect(loadConfig({ file, cwd, env: {} })).rejects.toThrow(
      `looked for ${join(cwd, file)}. There is ../../${file}: \`cd ../..\`, and start the same command there. If it is elsewhere,`,
    );
    // Another repository's is not meant.
    await mkdir(join(root, "src", ".git"));
    await expect(loadConfig({ file, cwd, env: {} })).rejects.toThrow(`looked for ${join(cwd, file)}. If it is elsewhere,`);
    await rm(root, { recursive: true });
  });

  test("if it is a directory", async () => {
    const directory = await mkdtemp(join(tmpdir(), "env-actions-config-"));
    await expect(loadConfig({ file: directory, cwd: "/", env: {} })).rejects.toThrow(
      `${directory}: expected a file, got a directory`,
    );
    await rm(directory, { recursive: true });
  });

  test.each(["", "\n", "# only a comment\n", "---\n"])("if it is empty: %j", async (content) => {
    expect(await refusal(content)).toBe(
      "c.yml:1:1  the file is empty: `env-actions init` writes one that fits the repository, and docs/guides/your-own-project.md says what a project needs",
    );
  });

  test("with the place apart from the words, so that a list of findings doesn't show it twice", async () => {
    for (const [content, line] of [
      ["", 1],
      [Buffer.from([0x61, 0x0a, 0xdf]), 2],
    ] as const) {
      const refused = await load(content).catch((error: unknown) => error);
      expect(refused).toMatchObject({
        mistakes: [{ file: "c.yml", line, column: 1, message: expect.stringMatching(/^the file is /) }],
      });
    }
  });

  test("if it is not UTF-8, with the line", async () => {
    const content = Buffer.concat([Buffer.from("version: 1\n# Stra"), Buffer.from([0xdf]), Buffer.from("e\n")]);
    expect(await refusal(content)).toBe("c.yml:2:1  the file is not UTF-8: save it as UTF-8");
  });

  test("if it is too big", async () => {
    expect(await refusal(`# ${"x".repeat(4_000_000)}`)).toContain(
      "expected at most 4000000 bytes, got 4000002: check whether this is the right file",
    );
  });

  test("if it is nested so deeply that the parser could run out of stack", async () => {
    expect(await refusal("[".repeat(20_000))).toContain("invalid YAML: nested too deeply");
  });

  test("if its aliases expand to too many entries", async () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) => `l${level + 1}: &l${level + 1} [${Array(9).fill(`*l${level}`).join(", ")}]`,
    );
    expect(await refusal(`l0: &l0 [x]\n${levels.join("\n")}`)).toContain(
      "more than 100000 entries, including what aliases repeat",
    );
  });
});
