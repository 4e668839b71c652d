import {
  type Command,
  commandNames,
  commands,
  type NameSource,
  nameSources,
  optionHelp,
  optionNames,
  type Shell,
} from "./commands.ts";
import { helpFor } from "./help.ts";

/**
 * Scripts that complete commands, options and their values: one model, and a printer for each shell. All that they know is in
 * commands.ts; only for names that are in files do they start the program.
 */

/** The script for one shell. Its first lines say how to install it. */
export function completionScript(shell: Shell): string {
  return { bash, zsh, fish }[shell](commandNames.map(modelOf));
}

/** What may be typed in one place. */
type Value = { kind: "words"; words: readonly string[] } | { kind: "names"; of: NameSource } | { kind: "file" } | { kind: "any" };

interface OptionModel {
  long: string;
  short: string | undefined;
  /** `--config`, `-c`. */
  spellings: readonly string[];
  about: string;
  repeats: boolean;
  /** Absent for an option without a value. */
  value: Value | undefined;
}

interface CommandModel {
  name: Command;
  about: string;
  /** What may follow it as a word. */
  argument: Value | undefined;
  options: readonly OptionModel[];
}

function modelOf(name: Command): CommandModel {
  const { text, argument, names, words, takes } = commands[name];
  const known = name === "help" ? commandNames : words && Object.keys(words);
  return {
    name,
    about: text,
    argument: known
      ? { kind: "words", words: known }
      : names
        ? { kind: "names", of: names }
        : argument === undefined
          ? undefined
          : { kind: "file" },
    options: optionNames
      .filter((option) => takes.includes(option))
      .map((option) => {
        const { short, multiple = false, type, values } = optionHelp[option];
        return {
          long: option,
          short,
          spellings: [`--${option}`, ...(short === undefined ? [] : [`-${short}`])],
          about: helpFor(option, name),
          repeats: multiple,
          value: type === "boolean" ? undefined : kindOf(values),
        };
      }),
  };
}

function kindOf(values: readonly string[] | "file" | NameSource | undefined): Value {
  if (values === undefined) return { kind: "any" };
  if (values === "file") return { kind: "file" };
  const of = nameSources.find((source) => source === values);
  return of ? { kind: "names", of } : { kind: "words", words: values as readonly string[] };
}

/** Each option that has a value, once: what it takes is the same for every command. */
function withValue(model: readonly CommandModel[]): { spellings: readonly string[]; value: Value }[] {
  const found = new Map<string, { spellings: readonly string[]; value: Value }>();
  for (const { options } of model)
    for (const { long, spellings, value } of options) if (value) found.set(long, { spellings, value });
  return [...found.values()];
}

/** How a shell writes a kind of value. */
type Printer<Text> = (value: Value) => Text;

function bash(model: readonly CommandModel[]): string {
  const valued = withValue(model);
  const complete: Printer<string> = (value) => {
    if (value.kind === "words") return `_env_actions_words "${value.words.join(" ")}" "$current"`;
    if (value.kind === "names") return `_env_actions_words "$(_env_actions_names ${value.of})" "$current"`;
    return value.kind === "file" ? '_env_actions_files "$current"' : "COMPREPLY=()";
  };
  const values = valued.map(({ spellings, value }) => `    ${spellings.join(" | ")}) ${complete(value)}; return ;;`);
  const cases = model.map(({ name, argument, options }) => {
    const offered = options.flatMap(({ spellings }) => spellings).join(" ");
    const files = argument?.kind === "file" ? "; files=1" : "";
    const words =
      argument?.kind === "words"
        ? `; words="${argument.words.join(" ")}"`
        : argument?.kind === "names"
          ? `; words="$(_env_actions_names ${argument.of})"`
          : "";
    return `    ${name}) options="${offered}"${files}${words} ;;`;
  });
  const names = model.map(({ name }) => name);
  return `# Completions of env-actions for bash. For this terminal: source <(env-actions completion bash)
# To keep them: env-actions completion bash > ~/.local/share/bash-completion/completions/env-actions
_env_actions_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

_env_actions_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

_env_actions_names() {
  local config=() at
  for ((at = 1; at < COMP_CWORD - 1; at++)); do
    case \${COMP_WORDS[at]} in --config | -c) config=("\${COMP_WORDS[at + 1]}") ;; esac
  done
  "\${COMP_WORDS[0]}" completion "$1" "\${config[@]}" 2>/dev/null </dev/null
}

_env_actions() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local command="" options="" words="" files="" at
  case $previous in
${values.join("\n")}
  esac
  for ((at = 1; at < COMP_CWORD; at++)); do
    case \${COMP_WORDS[at]} in
      ${valued.flatMap(({ spellings }) => spellings).join(" | ")}) ((at++)) ;;
      ${names.join(" | ")}) command=\${COMP_WORDS[at]}; break ;;
    esac
  done
  case $command in
    "") words="${names.join(" ")}" ;;
${cases.join("\n")}
  esac
  if [[ $current == -* ]]; then
    _env_actions_words "$options" "$current"
  elif [[ -n $files ]]; then
    _env_actions_files "$current"
  else
    _env_actions_words "$words" "$current"
  fi
}
complete -F _env_actions env-actions
`;
}

function zsh(model: readonly CommandModel[]): string {
  const action: Printer<string> = (value) => {
    if (value.kind === "words") return `(${value.words.join(" ")})`;
    if (value.kind === "names") return `_env_actions_names ${value.of}`;
    return value.kind === "file" ? "_files" : " ";
  };
  const cases = model.map(({ name, argument, options }) => {
    const specs = options.flatMap(({ spellings, about, repeats, value }) => {
      const shown = about.replace(/[[\]:\\]/g, "\\$&");
      const rest = value ? `:value:${action(value)}` : "";
      return spellings.map((spelling) => zshQuoted(`${repeats ? "*" : ""}${spelling}[${shown}]${rest}`));
    });
    const words = argument ? [zshQuoted(`${zshPlaces[argument.kind]}:${action(argument)}`)] : [];
    return `      ${name}) _arguments ${[...specs, ...words].join(" ")} ;;`;
  });
  const described = model.map(({ name, about }) => `    ${zshQuoted(`${name}:${about}`)}`);
  return `#compdef env-actions
# Completions of env-actions for zsh. For this terminal: source <(env-actions completion zsh)
# To keep them: env-actions completion zsh > a folder of $fpath, as _env-actions
_env_actions_names() {
  local -a config
  local at=\${words[(I)(--config|-c)]}
  (( at )) && config=("\${words[at + 1]}")
  compadd "\${@[1,-2]}" -- \${(f)"$(\${env_actions_program:-env-actions} completion \${@[-1]} $config 2>/dev/null </dev/null)"}
}

_env_actions() {
  local state env_actions_program=\${(Q)words[1]}
  local -a commands=(
${described.join("\n")}
  )
  _arguments -C '1:command:->command' '*::argument:->rest'
  case $state in
    command) _describe command commands ;;
    rest)
      case $words[1] in
${cases.join("\n")}
      esac
      ;;
  esac
}
if [ "$funcstack[1]" = "_env_actions" ] || [ "$funcstack[1]" = "_env-actions" ]; then
  _env_actions "$@"
else
  compdef _env_actions env-actions
fi
`;
}

/** Which of the words that follow a command, and what they are called. */
const zshPlaces: Record<Value["kind"], string> = { file: "*:file", names: "*:name", words: "1:word", any: "*:word" };

function zshQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fish(model: readonly CommandModel[]): string {
  const offered: Printer<string> = (value) => {
    if (value.kind === "words") return ` -a ${fishQuoted(value.words.join(" "))}`;
    if (value.kind === "names") return ` -a '(__env_actions_names ${value.of})'`;
    return value.kind === "file" ? " -F" : "";
  };
  const begin = "complete -c env-actions";
  const names = model.map(({ name, about }) => `${begin} -n __fish_use_subcommand -a ${name} -d ${fishQuoted(about)}`);
  const lines = model.flatMap(({ name, argument, options }) => {
    const seen = `${begin} -n '__fish_seen_subcommand_from ${name}'`;
    return [
      ...(argument ? [`${seen}${offered(argument)}`] : []),
      ...options.map(({ long, short, about, value }) => {
        const spelled = `-l ${long}${short === undefined ? "" : ` -s ${short}`}`;
        // -x takes no files, -r only says that a value must follow.
        const takes = value === undefined ? "" : `${value.kind === "file" ? " -r" : " -x"}${offered(value)}`;
        return `${seen} ${spelled}${takes} -d ${fishQuoted(about)}`;
      }),
    ];
  });
  return `# Completions of env-actions for fish. For this terminal: env-actions completion fish | source
# To keep them: env-actions completion fish > ~/.config/fish/completions/env-actions.fish
function __env_actions_names
  set -l words (commandline -opc)
  set -l config
  for at in (seq 2 (count $words))
    if contains -- $words[$at] --config -c
      set config $words[(math $at + 1)]
    end
  end
  command $words[1] completion $argv[1] $config 2>/dev/null </dev/null
end
${begin} -f
${[...names, ...lines].join("\n")}
`;
}

function fishQuoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
