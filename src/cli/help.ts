import { type Command, commandNames, commands, type Option, optionHelp, optionNames } from "./commands.ts";

/** The help texts. docs/reference/cli.md shows the one of all commands. */

const exits = "Exit status: 0 passed or degraded, 1 failed, 2 usage or configuration error, 3 error: checks could not run.\n";

/** All commands and options. */
export function usage(): string {
  const lines = commandNames
    .filter((name) => name !== "help" && name !== "version")
    .flatMap((name): [string, string][] => {
      const { words, argument, text } = commands[name];
      if (words && name === "audit") return Object.entries(words).map(([word, what]) => [`${name} ${word}`, what]);
      return [[[name, argument].filter(Boolean).join(" "), text]];
    });
  const shown = optionNames.filter((name) => name !== "help" && name !== "version");
  return `env-actions <command> [options]

${columns(lines)}

${columns(shown.map((name) => [optionName(name), allOf(name)]))}

\`env-actions help COMMAND\` shows one command with its options.

${exits}`;
}

/** One command with its options. */
export function helpOf(command: Command): string {
  const { argument, words, text, takes, examples } = commands[command];
  // They accept the options of the command that they were added to, but use none of them.
  const ownOptions: readonly Option[] = command === "help" || command === "version" ? ["help", "version"] : takes;
  const shown = optionNames.filter((name) => ownOptions.includes(name));
  const parts = [
    `env-actions ${[command, argument, "[options]"].filter(Boolean).join(" ")}`,
    `${text[0]?.toUpperCase()}${text.slice(1)}.`,
    ...(words ? [columns(Object.entries(words))] : []),
    columns(shown.map((name) => [optionName(name), helpFor(name, command)])),
    ...(examples ? [examples.map(([line, about]) => `  ${line}   # ${about}`).join("\n")] : []),
    ...(command === "completion" ? [] : [exits.trimEnd()]),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** `-c, --config FILE`. */
function optionName(name: Option): string {
  const option = optionHelp[name];
  const short = option.short === undefined ? "    " : `-${option.short}, `;
  return `${short}--${[name, option.value].filter(Boolean).join(" ")}`;
}

function allOf(name: Option): string {
  return helps(name)
    .map(({ of, text }) => (of ? `${of.join(", ")}: ${text}` : text))
    .join("; ");
}

/** What an option does in one command: its own text if it has one, and never that of another command. */
export function helpFor(name: Option, command: Command): string {
  const all = helps(name);
  const own = all.filter(({ of }) => of?.includes(command));
  const found = own.length > 0 ? own : all.filter(({ of }) => of === undefined);
  return found.map(({ text }) => text).join("; ");
}

function helps(name: Option): readonly { of?: readonly Command[]; text: string }[] {
  return optionHelp[name].help;
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 3;
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`).join("\n");
}
