import { filesOfFolder, inFolder, type Repository } from "../repository.ts";
import type { NodeProject } from "./node.ts";
import { runScript } from "./node.ts";
import { portInCommand, portInSources, type Source } from "./ports.ts";
import { pythonInstall } from "./python.ts";
import { pythonServer, withoutHashes } from "./python-server.ts";
import { withoutComments } from "./tests.ts";

/** A server of the repository that env-actions can start. */
export interface Server {
  name: string;
  command: string;
  from: string;
  port: number | undefined;
  /** The command with another port, if it has the port in it. */
  commandAt?: (port: number) => string;
  /** Which port the tool takes if nothing names one. */
  usualPort?: number;
  /** Must run before the server can start: a script that builds it. */
  build: string | undefined;
  /** A browser loads pages of it, and the API is another server. */
  isFrontend: boolean;
}

const backends = ["start:backend", "backend", "start:api", "start:server", "server", "start:prod", "start", "serve", "dev"];
const frontends = ["start:frontend", "frontend", "start:web", "dev:frontend"];

/** Tools whose servers have a port of their own. */
const usualPorts: readonly (readonly [RegExp, number])[] = [
  [/\bvite\s+preview\b/, 4173],
  [/(?:^|[\s/])vite(?:\s|$)/, 5173],
  [/\bnext\s+(?:start|dev)\b|\bnuxt\b|\bnest\s+start\b|react-scripts\s+start|\bremix-serve\b|react-router-serve/, 3000],
  [/\bastro\s+(?:dev|preview)\b/, 4321],
  [/\bng\s+serve\b/, 4200],
];

/** Starts what another script has built. */
const startsBuilt =
  /\bnext\s+start\b|\bvite\s+preview\b|\bastro\s+preview\b|\b(?:node|bun)\s+(?:\S+\s+)*(?:\.\/)?(?:dist|build|\.output|\.next|lib)\//;

export function detectServers(repository: Repository, node: NodeProject | undefined, sources: readonly Source[]): Server[] {
  const found = node ? nodeServers(node, sources) : [];
  return found.length > 0 ? found : [...pythonServer(repository, sources), ...goServer(repository, sources)];
}

function nodeServers(node: NodeProject, sources: readonly Source[]): Server[] {
  const main = backends.find((name) => isServer(node, name));
  const front = frontends.find((name) => isServer(node, name));
  // Of one application for both, the frontend's script is the only one.
  const [first, second] = main === undefined ? [front, undefined] : [main, front];
  return [
    ...(first === undefined ? [] : [serverOf(node, first, "application", sources)]),
    ...(second === undefined ? [] : [{ ...serverOf(node, second, "frontend", []), isFrontend: true }]),
  ];
}

/** What a script runs that is named after development. Others of that name only build, or watch tests. */
const serving =
  /\b(?:next|nuxt|nest|vite|astro|remix|react-router|gatsby|ng|http-server|react-scripts|vue-cli-service|nodemon|tsx|ts-node|node|bun|deno|fastify)\b(?!\s+(?:build|test)\b)/;

/** Scripts such as `start` may also start a database, a watcher of styles, or a build. */
function isServer({ scripts }: NodeProject, name: string): boolean {
  const text = Object.hasOwn(scripts, name) ? scripts[name] : undefined;
  return (
    text !== undefined &&
    (!/^(?:dev|serve)$/.test(name) || serving.test(text)) &&
    !/\b(?:docker|storybook|sass|tailwindcss)\b|(?:^|\s)(?:tsc|rollup|esbuild|webpack)\s+(?:-w|--watch)/.test(text)
  );
}

function serverOf(node: NodeProject, script: string, name: string, sources: readonly Source[]): Server {
  const text = node.scripts[script] ?? "";
  return {
    name,
    command: runScript(node.manager, script),
    from: `the script "${script}": ${text}`,
    port: portInCommand(text) ?? portInSources(sources) ?? usualPorts.find(([pattern]) => pattern.test(text))?.[1],
    build: startsBuilt.test(text) && Object.hasOwn(node.scripts, "build") ? runScript(node.manager, "build") : undefined,
    isFrontend: false,
  };
}

function goServer(repository: Repository, sources: readonly Source[]): Server[] {
  if (!repository.files.includes(inFolder(repository, "go.mod"))) return [];
  const mains = sources.filter(({ path, text }) => path.endsWith(".go") && /^package main\b/m.test(text));
  const serving = sources.some(({ text }) =>
    /\bListenAndServe|gin\.(?:Default|New)\(|echo\.New\(|fiber\.New\(|chi\.NewRouter\(/.test(text),
  );
  const [main] = mains;
  if (!serving || main === undefined || mains.length > 1) return [];
  const folder = main.path.includes("/") ? `./${main.path.slice(0, main.path.lastIndexOf("/"))}` : ".";
  return [
    {
      name: "application",
      command: `go run ${folder}`,
      from: main.path,
      port: portInSources(sources),
      build: undefined,
      isFrontend: false,
    },
  ];
}

/** A command that must run before the servers, such as a migration. */
export interface Task {
  name: string;
  command: string;
  from: string;
}

const migrations = ["db:migrate", "migrate", "migrate:latest", "migrations:run", "migration:run", "prisma:migrate", "db:push"];

/** Only for a database that each job starts anew: on a shared one, people decide when its tables change. */
export function detectTasks(repository: Repository, node: NodeProject | undefined, hasFreshDatabase: boolean): Task[] {
  if (!hasFreshDatabase) return [];
  const script = migrations.find((name) => Object.hasOwn(node?.scripts ?? {}, name));
  if (node && script !== undefined)
    return [
      { name: "migrate", command: runScript(node.manager, script), from: `the script "${script}": ${node.scripts[script]}` },
    ];
  if (!repository.files.includes(inFolder(repository, "manage.py"))) return [];
  const { prefix } = pythonInstall(repository);
  return [{ name: "migrate", command: `${prefix}python manage.py migrate --noinput`, from: "manage.py" }];
}

const mostSources = 400;

/** Not the tests: they may start servers of their own. The shortest paths first, because they are nearest to the entry. */
export function sourcesOf(repository: Repository): Source[] {
  return filesOfFolder(repository)
    .filter(
      (file) =>
        /\.(?:[cm]?[jt]sx?|py|go)$/.test(file) &&
        !/(?:^|\/)(?:tests?|__tests__|e2e|spec|cypress|scripts)\/|[._](?:test|spec)\.|(?:^|\/)test_|\.config\.|\.d\.ts$/.test(
          file,
        ),
    )
    .sort((a, b) => a.split("/").length - b.split("/").length || (a < b ? -1 : 1))
    .slice(0, mostSources)
    .flatMap((path) => {
      const text = repository.read(inFolder(repository, path));
      return text === undefined ? [] : [{ path, text: path.endsWith(".py") ? withoutHashes(text) : withoutComments(text) }];
    });
}

/** A route that says how the application is. */
export interface HealthRoute {
  path: string;
  /** Whether a router has it, so that it may be mounted below another path. */
  mayBeMounted: boolean;
  /** Somebody named it: it may answer before the server is ready, or need a sign-in. */
  isAnswer?: true;
}

const healthWords = /\/(?:health|healthz|healthcheck|health-check|readyz?|livez?|ready|alive|ping|status)(?:\/|$)/i;
const declared =
  /\b(app|server|application|api|fastify|http|mux|router?|e|g|blueprint|bp|[a-z]+Router|[a-z]+_router)\.(?:get|GET|route|HandleFunc|Handle|api_route|all|add_url_rule)\(\s*["'`](?:GET )?(\/[\w./-]*)["'`]/g;

export function healthRoute(repository: Repository, sources: readonly Source[]): HealthRoute | undefined {
  const fromFiles = filesOfFolder(repository).flatMap((file) => {
    const route =
      /(?:^|\/)app\/(.+)\/route\.[jt]sx?$/.exec(file)?.[1] ?? /(?:^|\/)pages\/(api\/.+?)(?:\/index)?\.[jt]sx?$/.exec(file)?.[1];
    return route === undefined || /[[(@]/.test(route) ? [] : [{ path: `/${route}`, mayBeMounted: false }];
  });
  const fromSources = sources.flatMap(({ text }) =>
    [...text.matchAll(declared)].map(([, owner = "", path = ""]) => ({
      path,
      mayBeMounted: !/^(?:app|server|application|fastify|http|mux|e)$/.test(owner),
    })),
  );
  const all = [...fromFiles, ...fromSources].filter(({ path }) => healthWords.test(path));
  return all.sort((a, b) => Number(a.mayBeMounted) - Number(b.mayBeMounted) || rank(a.path) - rank(b.path))[0];
}

function rank(path: string): number {
  return (/health/i.test(path) ? 0 : 10) + path.split("/").length;
}
