import { group, isGroup, list, type Path, pathKey, text, valueAt } from "../config/path.ts";
import { type ParsedYaml, parseYaml } from "../config/yaml.ts";
import type { Server } from "./detect/servers.ts";
import type { Project } from "./project.ts";

/** Where a configuration says something else than the repository shows. Its values are used; a person must know that they differ. */

export interface Difference {
  line: number;
  text: string;
}

interface Written {
  parsed: ParsedYaml;
  configuration: string;
  /** What a new configuration would say. */
  made: unknown;
}

type Data = Record<string, unknown>;

/** @param generated the configuration that `init` would write if there were none */
export function differencesOf(project: Project, configuration: string, generated: string): Difference[] {
  const written: Written = { parsed: parseYaml(configuration), configuration, made: parseYaml(generated).data };
  const own = ["environments", project.environment, "servers"];
  const servers = Object.entries(group(valueAt(written.parsed.data, own)));
  return [
    ...servers.flatMap(([name, server]) => {
      const found = project.servers.find((one) => one.name === name);
      const path = [...own, name];
      return [...missingScript(project, written, path), ...(found ? ofServer(written, path, group(server), found) : [])];
    }),
    ...ofSuite(project, written, "integration"),
    ...ofSuite(project, written, "e2e"),
  ].sort((a, b) => a.line - b.line);
}

function at({ parsed, configuration }: Written, path: Path, words: string): Difference {
  const place = parsed.entries.get(pathKey(path))?.value.start ?? 0;
  return { line: configuration.slice(0, place).split("\n").length, text: words };
}

function ofServer(written: Written, path: Path, { port, command }: Data, found: Server): Difference[] {
  if (typeof port === "number" && found.port !== undefined && port !== found.port)
    return [at(written, [...path, "port"], `the configuration says port ${port}, and the code ${found.port}`)];
  return otherCommand(written, path, command, found.command);
}

function otherCommand(written: Written, path: Path, command: unknown, found: string): Difference[] {
  const own = text(command);
  if (own === undefined || own === found) return [];
  return [at(written, [...path, "command"], `the configuration runs ${quoted(own)}, and the repository shows ${quoted(found)}`)];
}

function ofSuite(project: Project, written: Written, stage: "integration" | "e2e"): Difference[] {
  const path = ["stages", stage];
  const own = valueAt(written.parsed.data, path);
  if (!isGroup(own)) return [];
  const missing = missingScript(project, written, path);
  const found = stage === "e2e" ? project.browser : project.integration;
  if (missing.length > 0 || !found) return missing;
  const other = otherCommand(written, path, own.command, found.command);
  // Another command has other reports and variables.
  if (other.length > 0) return other;
  const reports = list(own.reports);
  const differs = found.question === undefined && reports !== undefined && reports.join() !== found.reports.join();
  return [
    ...(differs
      ? [
          at(
            written,
            [...path, "reports"],
            `the configuration reads ${reports.join(", ")}, and the command writes ${found.reports.join(", ")}`,
          ),
        ]
      : []),
    ...ofVariables(project, written, path),
  ];
}

/** A variable that the environment gives to all commands need not stand at the stage. */
function ofVariables({ environment }: Project, written: Written, stage: Path): Difference[] {
  const path = [...stage, "environment"];
  const [own, made] = [written.parsed.data, written.made].map((data) => group(valueAt(data, path)));
  const shared = group(valueAt(written.parsed.data, ["environments", environment, "environment"]));
  return Object.entries(made ?? {}).flatMap(([name, value]) => {
    const there = own?.[name] ?? shared[name];
    if (there === value) return [];
    if (there === undefined)
      return [
        at(
          written,
          stage,
          `the tests need the variable ${name}, such as ${quoted(String(value))}, and the configuration doesn't set it`,
        ),
      ];
    return own?.[name] === undefined
      ? []
      : [
          at(
            written,
            [...path, name],
            `the configuration sets ${name} to ${quoted(String(there))}, and init would write ${quoted(String(value))}`,
          ),
        ];
  });
}

/** Of a package in another folder, nothing is known here. */
function missingScript({ node }: Project, written: Written, path: Path): Difference[] {
  const { command, ...others } = group(valueAt(written.parsed.data, path));
  const line = text(command) ?? "";
  if (!node || others.workingDirectory !== undefined || /\bcd\s|\s(?:-C|-w|--prefix|--cwd|--workspace|--filter)\b/.test(line))
    return [];
  const [, short, long] = /^(?:npm|pnpm|yarn|bun)\s+(?:(test|start)|run\s+([\w:.-]+))(?=\s|$)/.exec(line) ?? [];
  const name = short ?? long;
  if (name === undefined || Object.hasOwn(node.scripts, name) || /^bun test\b/.test(line)) return [];
  return [at(written, [...path, "command"], `the configuration runs the script "${name}", which package.json doesn't have`)];
}

function quoted(value: string): string {
  return JSON.stringify(value);
}
