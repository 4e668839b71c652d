import type { ErrorEntry } from "./entry.ts";

/** 21xx: what happens to production's columns on their way into a copy. */
export const policyErrors = {
  EA2101: {
    title: "A policy is invalid",
    meaning: "The file of policies has a value that no policy has.",
    fix: "Correct the value. The message says what was expected.",
  },
  EA2102: {
    title: "Unknown key in the policies",
    meaning: "The file of policies has a key that doesn't exist, often a typing mistake.",
    fix: "Correct or remove the key.",
  },
  EA2103: {
    title: "Unknown domain",
    meaning: "A policy names a domain that isn't declared under `domains`, or a pseudonym's domain has no `secret`.",
    fix: "Declare the domain, or correct its name.",
  },
  EA2110: {
    title: "A table, column or nested field has no policy",
    meaning: "Production has something that the policies don't mention. Nothing is copied, because it may be personal.",
    fix: "Give it a policy. `env-actions staging propose` adds one for review.",
  },
  EA2111: {
    title: "A policy is for something that doesn't exist",
    meaning: "The policies name a table, column or field that production doesn't have. It may have been renamed or dropped.",
    fix: "Correct the name, or remove the policy.",
  },
  EA2112: {
    title: "A policy doesn't fit its column",
    meaning: "What the policy makes is no value of the column's type, or NULL in a column that takes none.",
    fix: "Choose a policy that fits. The message says which do.",
  },
  EA2113: {
    title: "The columns of a domain differ",
    meaning: "A domain is used for columns of different types, or for surrogates and pseudonyms at once.",
    fix: "Use one domain for each kind of id.",
  },
  EA2114: {
    title: "A policy would break a key",
    meaning:
      "The policy would give several rows the same primary key, or the two ends of a foreign key different values, so that rows lose their parent.",
    fix: "Give all columns of the key the same policy: `keep`, or a stand-in of the same domain.",
  },
  EA2115: {
    title: "Text is kept without a reason",
    meaning: "Text, JSON and binary values can hold anything, so `keep` needs a reason.",
    fix: "Write `{ keep: why it names nobody }`, or choose another policy.",
  },
  EA2116: {
    title: "Not all of production could be seen",
    meaning: "The principal may not see all schemas, tables or columns, so some may have no policy.",
    fix: "Grant the principal what the message names.",
  },
  EA2117: {
    title: "A table has a row filter or column mask",
    meaning: "The copy would hold filtered or masked rows for good, and older versions of the table can't be read.",
    fix: "Omit the table, or exempt the principal from the filter and the mask.",
  },
  EA2118: {
    title: "A policy may break a CHECK constraint",
    meaning: "A CHECK uses a column whose values change, so that the copy's table may refuse them.",
    fix: "Keep the column, or list the constraint in the table's `withoutChecks`.",
  },
} as const satisfies Record<string, ErrorEntry>;
