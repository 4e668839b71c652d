import { expect, test } from "vitest";
import { grantsWriting } from "../../src/checks/redis-rules.ts";

// Redis reads its rules from left to right, so the same rules in another order are another user.
test.each([
  "-@all",
  "-@all +@read",
  "-@all +@read +@connection -@dangerous +info +dbsize +scan +acl|whoami +acl|getuser",
  "-@all +get",
  "-@all +GET +Mget",
  "nocommands +get +info",
  "+@all -@all +get",
  "allcommands nocommands +ping",
  "-@all +set -set",
  "-@all +config -config +config|get",
  "-@all +config|set -config",
  "-@all +config|get +memory|usage +object|freq",
  "-@all +@read (-@all +get)",
  "-@all +@read (+get +ttl)",
])("only reads: %s", (rules) => {
  expect(grantsWriting(rules)).toBeUndefined();
});

test.each([
  ["+@all", "+@all"],
  ["allcommands", "allcommands"],
  ["-@all +@all", "+@all"],
  ["+@all -@write", "+@all"],
  ["+@all -@write -@dangerous", "+@all"],
  ["-@all +@write", "+@write"],
  ["-@all +@read +set", "+set"],
  ["-@all -set +set", "+set"],
  ["-@all +set -set +set", "+set"],
  ["-@all +set -get", "+set"],
  ["-@all +set -se", "+set"],
  ["-@all +config", "+config"],
  ["-@all +config|set", "+config|set"],
  ["-@all +config|get +config|set", "+config|set"],
  ["-@all +acl|setuser", "+acl|setuser"],
  ["-@all +@read +@keyspace", "+@keyspace"],
  ["-@all +@fast", "+@fast"],
  ["-@all +eval", "+eval"],
  ["-@all +getdel", "+getdel"],
  ["-@all +getex", "+getex"],
  ["-@all +a-command-of-tomorrow", "+a-command-of-tomorrow"],
  ["-@all +@read (-@all +set)", "+set"],
  ["-@all +@read (+get) (+@all)", "+@all"],
  ["+@read", "the rules do not tell what they begin with"],
  ["(-@all +get)", "the rules do not tell what they begin with"],
  ["", "the rules do not tell what they begin with"],
])("could write: %s", (rules, because) => {
  expect(grantsWriting(rules)).toBe(because);
});
