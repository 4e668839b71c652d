import { type Command, commandNames, commands, type Option, optionHelp, optionNames, type Shell } from "./commands.ts";
import { helpFor } from "./help.ts";

/** Scripts that complete commands, options and their values. All that they know is in commands.ts, so they start no process. */

/** The script for one shell. Its first lines say how to install it. */
export function completionScript(shell: Shell): string {
  return { bash, zsh, fish }[shell]();
}

const offered = commandNames;

function optionsOf(command: Command): Option[] {
  return optionNames.filter((name) => commands[command].takes.includes(name));
}

/** `--config -c`. */
function spellings(name: Option): string[] {
  const { short } = optionHelp[name];
  return [`--${name}`, ...(short === undefined ? [] : [`-${short}`])];
}

function valuesOf(name: Option): readonly string[] | "file" | undefined {
  const { values } = optionHelp[name];
  return values;
}

/** What may follow a command as a word: `undefined` for nothing. */
function wordsOf(command: Command): readonly string[] | "file" | undefined {
  const { words, argument } = commands[command];
  if (command === "help") return offered;
  return words ? Object.keys(words) : argument === undefined ? undefined : "file";
}

const withValue = optionNames.filter((name) => optionHelp[name].type === "string");

function bash(): string {
  const values = withValue.map((name) => {
    const known = valuesOf(name);
    const answer =
      known === "file"
        ? '_env_actions_files "$current"'
        : known === undefined
          ? "COMPREPLY=()"
          : `_env_actions_words "${known.join(" ")}" "$current"`;
    return `    ${spellings(name).join(" | ")}) ${answer}; return ;;`;
  });
  const cases = offered.map((command) => {
    const words = wordsOf(command);
    const files = words === "file" ? "; files=1" : "";
    const more = words === undefined || words === "file" ? "" : `; words="${words.join(" ")}"`;
    return `    ${command}) options="${optionsOf(command).flatMap(spellings).join(" ")}"${files}${more} ;;`;
  });
  return `# Completions of env-actions for bash. For this terminal: source <(env-actions completion bash)
# To keep them: env-actions completion bash > ~/.local/share/bash-completion/completions/env-actions
_env_actions_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

_env_actions_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

_env_actions() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local command="" options="" words="" files="" at
  case $previous in
${values.join("\n")}
  esac
  for ((at = 1; at < COMP_CWORD; at++)); do
    case \${COMP_WORDS[at]} in
      ${withValue.flatMap(spellings).join(" | ")}) ((at++)) ;;
      ${offered.join(" | ")}) command=\${COMP_WORDS[at]}; break ;;
    esac
  done
  case $command in
    "") words="${offered.join(" ")}" ;;
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

function zsh(): string {
  const cases = offered.map((command) => {
    const words = wordsOf(command);
    const rest = words === undefined ? [] : words === "file" ? [`'*:file:_files'`] : [`'1:word:(${words.join(" ")})'`];
    const specs = optionsOf(command).flatMap((name) => zshOption(name, command));
    return `      ${command}) _arguments ${[...specs, ...rest].join(" ")} ;;`;
  });
  const described = offered.map((command) => `    ${zshQuoted(`${command}:${commands[command].text}`)}`);
  return `#compdef env-actions
# Completions of env-actions for zsh. For this terminal: source <(env-actions completion zsh)
# To keep them: env-actions completion zsh > a folder of $fpath, as _env-actions
_env_actions() {
  local state
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

function zshOption(name: Option, command: Command): string[] {
  const about = helpFor(name, command).replace(/[[\]:\\]/g, "\\$&");
  const known = valuesOf(name);
  const value =
    optionHelp[name].type === "boolean"
      ? ""
      : known === "file"
        ? ":file:_files"
        : known
          ? `:value:(${known.join(" ")})`
          : ":value: ";
  const { multiple } = optionHelp[name];
  return spellings(name).map((spelling) => zshQuoted(`${multiple ? "*" : ""}${spelling}[${about}]${value}`));
}

function zshQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fish(): string {
  const lines = offered.map(
    (command) => `complete -c env-actions -n __fish_use_subcommand -a ${command} -d ${fishQuoted(commands[command].text)}`,
  );
  for (const command of offered) {
    const seen = `-n '__fish_seen_subcommand_from ${command}'`;
    const words = wordsOf(command);
    if (words === "file") lines.push(`complete -c env-actions ${seen} -F`);
    else if (words) lines.push(`complete -c env-actions ${seen} -a ${fishQuoted(words.join(" "))}`);
    for (const name of optionsOf(command)) {
      const { short } = optionHelp[name];
      const known = valuesOf(name);
      const value =
        optionHelp[name].type === "boolean"
          ? ""
          : known === "file"
            ? " -r -F"
            : known
              ? ` -x -a ${fishQuoted(known.join(" "))}`
              : " -x";
      lines.push(
        `complete -c env-actions ${seen} -l ${name}${short === undefined ? "" : ` -s ${short}`}${value} -d ${fishQuoted(helpFor(name, command))}`,
      );
    }
  }
  return `# Completions of env-actions for fish. For this terminal: env-actions completion fish | source
# To keep them: env-actions completion fish > ~/.config/fish/completions/env-actions.fish
complete -c env-actions -f
${lines.join("\n")}
`;
}

function fishQuoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
