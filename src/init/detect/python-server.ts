import { filesOfFolder, inFolder, type Repository } from "../repository.ts";
import { port, portInCommand, portInSources, type Source } from "./ports.ts";
import { isPython, pythonInstall } from "./python.ts";
import type { Server } from "./servers.ts";

/** The server of a project in Python. The tool that starts it gets the port, so the command has it, too. */
export function pythonServer(repository: Repository, sources: readonly Source[]): Server[] {
  const found = startOf(repository, sources);
  if (!found) return [];
  const { from, command, usualPort } = found;
  const own = sources.filter(({ path }) => path.endsWith(".py"));
  const [written] = [...portsInCalls(own), ...portsInStarts(repository)];
  const known = written ?? portInSources(own);
  const prefix = isPython(repository) ? pythonInstall(repository).prefix : "";
  const commandAt = (at: number) => `${prefix}${command} ${at}`;
  return [
    {
      ...{ name: "application", build: undefined, isFrontend: false, from, commandAt, port: known },
      command: commandAt(known ?? usualPort),
      // A port that somebody gave, and that can't be read here, is hardly the usual one.
      ...(known === undefined && !namesPort(repository, own) ? { usualPort } : {}),
    },
  ];
}

interface Start {
  from: string;
  /** Without the port, which is its last word. */
  command: string;
  usualPort: number;
}

function startOf(repository: Repository, sources: readonly Source[]): Start | undefined {
  if (repository.files.includes(inFolder(repository, "manage.py")))
    return { from: "manage.py", command: "python manage.py runserver --noreload", usualPort: 8000 };
  for (const { path, text } of sources) {
    if (!path.endsWith(".py")) continue;
    const module = path
      .replace(/\.py$/, "")
      .replaceAll("/", ".")
      .replace(/\.__init__$/, "");
    const fastApi = /^(\w+)\s*=\s*(?:FastAPI|Starlette)\(/m.exec(text)?.[1];
    if (fastApi !== undefined) return { from: path, command: `python -m uvicorn ${module}:${fastApi} --port`, usualPort: 8000 };
    const flask = /^(\w+)\s*=\s*Flask\(/m.exec(text)?.[1];
    if (flask !== undefined)
      return { from: path, command: `python -m flask --app ${module}:${flask} run --port`, usualPort: 5000 };
  }
  return undefined;
}

/** Files that say how the application is started, the most certain first. */
const startFiles: readonly RegExp[] = [
  /^\.flaskenv$/,
  /^Procfile(?:\.dev)?$/,
  /^(?:config\/)?gunicorn(?:\.conf|_conf|_config)?\.py$/,
  /^(?:Makefile|[Jj]ustfile)$/,
  /^(?:(?:scripts|bin)\/)?[\w-]+\.sh$/,
  /^(?:docker-)?compose\.ya?ml$/,
  /^Dockerfile$/,
];

/** Commands that start a server of Python, to the end of their line. */
const starting =
  /(?:\b(?:gunicorn|uvicorn|hypercorn|waitress-serve|daphne)\b|\bflask\b.*\brun\b|manage\.py["',\s]+runserver\b).*/g;

function startLines(repository: Repository): string[] {
  const files = filesOfFolder(repository);
  return startFiles
    .flatMap((pattern) => files.filter((path) => pattern.test(path)))
    .flatMap((path) => {
      const text = withoutHashes(repository.read(inFolder(repository, path)) ?? "").replaceAll("\\\n", " ");
      return /\.(?:py|flaskenv)$/.test(path) ? text.split("\n") : (text.match(starting) ?? []);
    });
}

/** What a line says about a port: a number, or something that can't be read here. */
function portOf(line: string): number | "unknown" | undefined {
  const words = line.replace(/["',[\]]+/g, " ");
  const value =
    /^\s*FLASK_RUN_PORT=(\S+)/.exec(words)?.[1] ??
    /\brunserver\s+(?:-\S+\s+)*(?:[\w.[\]]+:)?(\d{2,5}|\$\S+)/.exec(words)?.[1] ??
    /(?:\s-b|--bind)[= ]?\s*\S*?:(\S+)/.exec(words)?.[1] ??
    /^\s*bind\s*=\s*.*:(.+?)\s*$/.exec(words)?.[1];
  if (value !== undefined) return port(fallbackOf(value)) ?? "unknown";
  return portInCommand(words) ?? (/\s(?:--port|-p)[= ]\s*\$/.test(words) ? (fallbackPort(words) ?? "unknown") : undefined);
}

/** Of `${PORT:-8001}`, as a shell reads it. */
function fallbackOf(value: string): string {
  return /^\$\{\w+:-(\d+)\}/.exec(value)?.[1] ?? value.replace(/\D.*$/, "");
}

function fallbackPort(words: string): number | undefined {
  return port(/\$\{\w+:-(\d+)\}/.exec(words)?.[1]);
}

function portsInStarts(repository: Repository): number[] {
  return startLines(repository).flatMap((line) => {
    const found = portOf(line);
    return typeof found === "number" ? [found] : [];
  });
}

/** The arguments of the calls that start a server in the program itself. */
const calls = /\b(?:\w+\.run|run_simple|serve|run_app)\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)/g;

/** What is given as the port: up to the next argument, though not one inside of brackets. */
const given = /\bport\s*=\s*((?:[^(),]|\((?:[^()]|\([^()]*\))*\))+)/;

function argumentsOf(sources: readonly Source[]): { text: string; value: string }[] {
  return sources.flatMap(({ text }) =>
    [...text.matchAll(calls)].flatMap(([, inside = ""]) => {
      const value = given.exec(inside)?.[1]?.trim();
      return value === undefined ? [] : [{ text, value }];
    }),
  );
}

function portsInCalls(sources: readonly Source[]): number[] {
  return argumentsOf(sources).flatMap(({ text, value }) => {
    const named = /^\w+$/.test(value) && !/^\d/.test(value) ? assigned(text, value) : value;
    return port(numberIn(named)) ?? [];
  });
}

function assigned(text: string, name: string): string {
  return new RegExp(`^[ \\t]*${name}\\s*(?::\\s*\\w+\\s*)?=\\s*([^\\n]+)`, "m").exec(text)?.[1] ?? "";
}

/** A number alone, or the last value of `int(os.environ.get("PORT", "5050"))` and `int(os.getenv("PORT") or 5050)`. */
function numberIn(value: string): string | undefined {
  return /^(\d{2,5})\s*$/.exec(value)?.[1] ?? /(?:,|\bor\b)\s*["']?(\d{2,5})["']?[)\s]*$/.exec(value)?.[1];
}

function namesPort(repository: Repository, sources: readonly Source[]): boolean {
  return argumentsOf(sources).length > 0 || startLines(repository).some((line) => portOf(line) === "unknown");
}

/** Roughly: a `#` in a string needs a space before it to be taken for a comment. */
export function withoutHashes(text: string): string {
  return text.replace(/(^|\s)#.*$/gm, "$1");
}
