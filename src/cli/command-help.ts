import type { Command, NameSource, Option } from "./commands.ts";

/** What help texts and completions say of an option and of a command. */

export interface OptionHelp {
  type: "string" | "boolean";
  short?: string;
  multiple?: true;
  default?: string | boolean;
  /** What stands for the value in help texts. */
  value?: string;
  /** All values that are possible, that the value is a file, or where its names are: for completions. */
  values?: readonly string[] | "file" | NameSource;
  /** What it does: for the commands that an entry names, and for all others that take it. */
  help: readonly { of?: readonly Command[]; text: string }[];
}

export interface CommandHelp {
  /** As usage shows it, after the command's name. */
  argument?: string;
  /** Its arguments are names that files have. */
  names?: NameSource;
  /** The words that may follow the command, each with what it does. */
  words?: Readonly<Record<string, string>>;
  text: string;
  /** All that it takes. An ignored option may have been meant as a safeguard, so any other one is refused. */
  takes: readonly Option[];
  /** A command to copy, and a sentence about it. */
  examples?: readonly [command: string, about: string][];
}
