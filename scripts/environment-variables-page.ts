import { environmentVariables, type VariableGroup } from "../src/lib/environment-variables.ts";
import { code, row } from "./markdown-table.ts";

/** `docs/reference/environment-variables.md`. */
export function environmentVariablesPage(): string {
  return `# Environment variables

<!-- Generated from src/lib/environment-variables.ts by scripts/environment-variables-page.ts: edit there. -->

${environmentVariables.map(section).join("\n\n")}
`;
}

function section({ title, before, after, column = "Meaning", variables }: VariableGroup): string {
  const rows = variables.map(({ names, meaning }) => row(names.map(shown).join(", "), meaning));
  const table = [row("Variable", column), row("---", "---"), ...rows].join("\n");
  return [`## ${title}`, before, table, after].filter((part) => part !== undefined).join("\n\n");
}

function shown(name: string): string {
  return name === "NAME" ? `Any ${code(name)}` : code(name);
}
