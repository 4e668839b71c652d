import type { ErrorEntry } from "./entry.ts";

/** 10xx: the configuration file. */
export const configurationErrors = {
  EA1000: {
    title: "The configuration has mistakes",
    meaning: "The heading above a list of mistakes. Each line below it has its own place (`file:line:column`) and its own code.",
    fix: "Look up the code of each line.",
  },
  EA1001: {
    title: "The configuration file cannot be read",
    meaning: "The file doesn't exist, is a folder, or this user may not read it.",
    fix: "The message says where it looked. Name the file with `--config` (in a workflow: the inputs `config` and `working-directory`). `env-actions init` writes a new one that fits the repository. [Your own project](../guides/your-own-project.md) says what a project needs.",
  },
  EA1002: {
    title: "The configuration file is empty",
    meaning: "The file has no content, or comments only.",
    fix: "Delete it and run `env-actions init`, or write at least `version: 1` and one environment. [Your own project](../guides/your-own-project.md) says what a project needs.",
  },
  EA1003: {
    title: "The configuration file is not UTF-8",
    meaning: "The named line has bytes that are not UTF-8. An editor saved the file in another encoding.",
    fix: "Save the file as UTF-8.",
  },
  EA1004: {
    title: "The configuration is too large",
    meaning: "The file has too many bytes, or too many entries after aliases are followed. No real configuration is as large.",
    fix: "Check whether this is the right file. Replace aliases that repeat other aliases.",
  },
  EA1005: {
    title: "Invalid YAML",
    meaning: "The file cannot be parsed. Usual causes: wrong indentation, a tab, a missing quote, bracket or colon.",
    fix: "Correct the named line. Put texts with `: `, `#` or `{` in quotes.",
  },
  EA1006: {
    title: "Duplicate key",
    meaning: "The same key is written twice in one group. It is not clear which value counts.",
    fix: "Remove one of the two.",
  },
  EA1007: {
    title: "Unknown key",
    meaning: "The key doesn't exist at this place. It is misspelt, or indented too far or not far enough.",
    fix: "Use the suggested key, or look it up in the [configuration reference](configuration.md).",
  },
  EA1008: {
    title: "Missing key",
    meaning: "A required key is not written, and no environment variable supplies its value.",
    fix: "Add the key that the message names.",
  },
  EA1009: {
    title: "Wrong type",
    meaning: "The value has another type than expected, such as a number where a list belongs.",
    fix: "Write what the message expects. Put text that looks like a number, `true` or `null` in quotes.",
  },
  EA1010: {
    title: "Invalid value",
    meaning: "The value has the right type, but not the expected form, range or choice.",
    fix: "Write what the message expects. If it shows no example, the configuration reference has one for each key.",
  },
  EA1011: {
    title: "An environment variable is not set",
    meaning:
      "The file refers to a variable that is not set, or is empty. A GitHub secret that doesn't exist becomes an empty string. Jobs of pull requests from forks get no secrets.",
    fix: "Set the variable for the process, in a workflow under `env:` of the step. For values that are not secret, a default is possible: `${NAME:-default}`.",
  },
  EA1012: {
    title: "Invalid variable reference",
    meaning: "`${…}` doesn't have the form `${NAME}` or `${NAME:-default}`. GitHub's `${{ … }}` doesn't work in this file.",
    fix: "Pass the value to the step in the workflow's `env:`, and write `${NAME}` here. Write `$${` for a literal `${`.",
  },
  EA1013: {
    title: "A secret is written in the file",
    meaning:
      "This key accepts only a reference to an environment variable. The file contains the value itself, or a default for it.",
    fix: "Move the value to a secret, pass it as an environment variable, and write `${NAME}`. If the file was pushed, replace the secret.",
  },
  EA1014: {
    title: "Unknown environment",
    meaning: "The named environment is not under `environments`, or it cannot be used because its variables are not set.",
    fix: "Use one of the names that the message lists, or add the environment.",
  },
  EA1015: {
    title: "No environment selected",
    meaning: "The file has several environments, and nothing says which one to use.",
    fix: "Use `--environment` (in a workflow: the input `environment`), or set `defaultEnvironment`.",
  },
  EA1016: {
    title: "Conflicting keys",
    meaning: "Two keys cannot be used together, or exactly one of several keys is expected.",
    fix: "Keep the key that you mean, and remove the others.",
  },
  EA1017: {
    title: "A key requires another key",
    meaning: "This part of the configuration works only together with another part, such as `sql` with `databricks`.",
    fix: "Add the part that the message names, or remove this one.",
  },
  EA1018: {
    title: "Two servers use the same port",
    meaning: "Two servers of one environment have the same port.",
    fix: "Give each server its own port.",
  },
  EA1019: {
    title: "A route writes, and the environment is read-only",
    meaning: "The route is listed in `api.writes`, or is known to write. Read-only environments get no such requests.",
    fix: "Check another route. If the route only reads, correct `api.writes`.",
  },
  EA1020: {
    title: "An expected value comes from a variable",
    meaning: "Values under `expect` protect against the wrong variables. From a variable they would always match.",
    fix: "Write the host, catalog or principal itself.",
  },
  EA1021: {
    title: "Invalid Redis address",
    meaning: "`redis.url` is not a usable `redis://` or `rediss://` address, or doesn't fit the other keys of `redis`.",
    fix: "Write `rediss://user:password@host:port/0`. Percent-encode special characters of the password.",
  },
  EA1022: {
    title: "Test data of a stage would not be found",
    meaning:
      "The prefix of the stage doesn't begin with any of `testData.prefixes`, so cleanup would never find what it leaves behind.",
    fix: "Add the prefix to `testData.prefixes`, or change the prefix of the stage.",
  },
  EA1023: {
    title: "Test data would expire during a run",
    meaning:
      "`testData.expireAfter` is not longer than the budget of a stage: the configured one, that of `--budget`, or that of the action's input. Cleanup could delete test data of a run that is still in progress.",
    fix: "Raise `testData.expireAfter`, or lower the budget.",
  },
  EA1024: {
    title: "A rule could match production data",
    meaning: "The prefix or namespace is so general that ids, names or keys of production could match it.",
    fix: "Write something that only tests use, such as `session_test_`.",
  },
  EA1025: {
    title: "A table or value is not declared",
    meaning: "`parents`, `keep` or `sweep` names a table or value that is not under `testData.tables`.",
    fix: "Correct the name, or declare the table.",
  },
  EA1026: {
    title: "Tables depend on each other in a circle",
    meaning: "Following `parents` leads back to the same table. There is no order in which the tables could be searched.",
    fix: "Remove one of the parents that the message names.",
  },
  EA1027: {
    title: "A declared table is protected",
    meaning: "The table is under `testData.tables` and also matches `testData.protectedTables`.",
    fix: "Remove it from one of the two.",
  },
  EA1028: {
    title: "Legal evidence is not protected",
    meaning: "Your own list replaces the default list, and an entry that ClassWaves must always protect is missing.",
    fix: "Add the entry that the message names. If this is not ClassWaves, write `preset: none`.",
  },
  EA1029: {
    title: "More than one way to sign in to Databricks",
    meaning:
      "The file, or the `DATABRICKS_*` variables, give several credentials or warehouses. It is not clear which one to use.",
    fix: "Keep one of `token`, `clientId` with `clientSecret`, and `oidc`. Variables add a way to sign in only if the file names none: then set `DATABRICKS_AUTH_TYPE`, or unset the others.",
  },
  EA1030: {
    title: "Invalid regular expression",
    meaning: "The pattern is not valid in RE2 syntax. Look-around and back-references are not supported.",
    fix: "Rewrite the pattern. The [syntax](https://github.com/google/re2/wiki/Syntax) lists what is supported.",
  },
} as const satisfies Record<string, ErrorEntry>;

/** 11xx: the command line and the actions' inputs. */
export const inputErrors = {
  EA1101: {
    title: "Unknown command",
    meaning: "The first argument is not a command of `env-actions`.",
    fix: "Use the suggested command. `env-actions help` lists all commands.",
  },
  EA1102: {
    title: "Missing or unexpected argument",
    meaning: "The command needs an argument that is not there, or takes no further arguments.",
    fix: "Write the command as in the message. See the [command line reference](cli.md).",
  },
  EA1103: {
    title: "Unknown or misplaced option",
    meaning: "The option doesn't exist, has no value, or belongs to another command.",
    fix: "Correct or remove the option. `env-actions help` lists the options of each command.",
  },
  EA1104: {
    title: "Invalid option or input",
    meaning: "The value of an option, or of an input of an action, is missing or not one of the expected values.",
    fix: "Write what the message expects. See the [inputs of the actions](actions.md) and the [command line reference](cli.md).",
  },
  EA1105: {
    title: "The digest of the plan is missing",
    meaning: "Cleanup with scope `all` and repair change data only as shown in a plan that you have seen.",
    fix: "Run it without `--execute` (in a workflow: `dry-run: true`), read the plan, and pass its digest.",
  },
  EA1106: {
    title: "A link or a folder is in the place of a file",
    meaning: "`env-actions init` writes plain files, and follows no link. It wrote nothing.",
    fix: "Move the link or the folder away, or choose another name with `--config`.",
  },
} as const satisfies Record<string, ErrorEntry>;
