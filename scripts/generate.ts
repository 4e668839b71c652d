import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { configJsonSchema } from "../src/config/json-schema.ts";
import { configSchema, environmentSchema } from "../src/config/schema.ts";
import { policiesJsonSchema } from "../src/staging/policies/json-schema.ts";
import { actionFiles, actionsPage } from "./action-files.ts";
import { commandLinePage } from "./command-line-page.ts";
import { doctorPage } from "./doctor-page.ts";
import { environmentVariablesPage } from "./environment-variables-page.ts";
import { errorsPage } from "./errors-page.ts";
import { reportJsonSchema } from "./report-schema.ts";
import { configurationPage, reportPage } from "./schema-pages.ts";

/**
 * Writes every file that is generated from the code: `node scripts/generate.ts`. With `--check` it writes nothing, lists the
 * files that differ from the code, and exits 1 if there are any.
 */

export interface GeneratedFile {
  /** Relative to the repository, with `/`. */
  path: string;
  content: string;
}

const repository = join(import.meta.dirname, "..");

/** Add a line here for each new generated file. */
export function generatedFiles(): GeneratedFile[] {
  return [
    ...actionFiles(),
    { path: "docs/reference/actions.md", content: actionsPage() },
    { path: "docs/reference/cli.md", content: commandLinePage() },
    { path: "docs/reference/configuration.md", content: configurationPage(configJsonSchema()) },
    { path: "docs/reference/doctor.md", content: doctorPage() },
    { path: "docs/reference/environment-variables.md", content: environmentVariablesPage() },
    { path: "docs/reference/errors.md", content: errorsPage() },
    { path: "docs/reference/report.md", content: reportPage(reportJsonSchema()) },
    { path: "src/lib/version.ts", content: versionModule() },
    { path: "src/config/defaults.json", content: asJson(configDefaults()) },
    { path: "schema/config.schema.json", content: asJson(configJsonSchema()) },
    { path: "schema/policies.schema.json", content: asJson(policiesJsonSchema()) },
    { path: "schema/report.schema.json", content: asJson(reportJsonSchema()) },
  ];
}

/** Reading package.json at run time would tie dist to its location. */
function versionModule(): string {
  const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as { version: string };
  return `/** Written by scripts/generate.ts from package.json. */
export const version = "${version}";
/** The tag that moves with each release. */
export const movingTag = "v${version.split(".")[0]}";
`;
}

/** What the schema makes of a file and of an environment that have no sections. */
function configDefaults(): object {
  const { version, environments, ...file } = configSchema.parse({ version: 1, environments: {} });
  const { access, ...environment } = environmentSchema.parse({ access: "read-only" });
  return { file, environment };
}

function asJson(schema: unknown): string {
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

function current(path: string): string | undefined {
  const file = join(repository, path);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

function main(): void {
  const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
  const drifted = generatedFiles().filter(({ path, content }) => current(path) !== content);
  for (const { path, content } of drifted) {
    console.log(values.check ? `${path} is not what the code says` : `wrote ${path}`);
    if (values.check) continue;
    mkdirSync(dirname(join(repository, path)), { recursive: true });
    writeFileSync(join(repository, path), content);
  }
  if (values.check && drifted.length > 0) {
    console.log("Run: node scripts/generate.ts");
    process.exitCode = 1;
  }
}

if (import.meta.main) main();
