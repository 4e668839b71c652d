import { inFolder, nearestFile, type Repository } from "../repository.ts";

/** A project with a package.json. */
export interface NodeProject {
  name: string | undefined;
  scripts: Readonly<Record<string, string>>;
  /** Of all kinds, by name. */
  dependencies: Readonly<Record<string, string>>;
  manager: PackageManager;
  /** The file that names the version of Node, relative to the root. */
  versionFile: string | undefined;
  /** Whether it only holds other packages together. */
  isWorkspaceRoot: boolean;
}

export interface PackageManager {
  name: "npm" | "pnpm" | "yarn" | "bun";
  /** Relative to the root. */
  lockFile: string | undefined;
  install: string;
  /** Names its version in package.json, as pnpm's action needs it. */
  isPinned: boolean;
}

const lockFiles: readonly (readonly [PackageManager["name"], readonly string[]])[] = [
  ["pnpm", ["pnpm-lock.yaml"]],
  ["yarn", ["yarn.lock"]],
  ["bun", ["bun.lock", "bun.lockb"]],
  ["npm", ["package-lock.json", "npm-shrinkwrap.json"]],
];

export function detectNode(repository: Repository): NodeProject | undefined {
  const manifest = jsonAt(repository, inFolder(repository, "package.json"));
  if (!manifest) return undefined;
  const root = jsonAt(repository, "package.json");
  return {
    name: text(manifest.name),
    scripts: texts(manifest.scripts),
    dependencies: { ...texts(manifest.peerDependencies), ...texts(manifest.devDependencies), ...texts(manifest.dependencies) },
    manager: managerOf(repository, text(manifest.packageManager) ?? text(root?.packageManager)),
    versionFile: versionFileOf(repository, manifest),
    isWorkspaceRoot: manifest.workspaces !== undefined || repository.files.includes(inFolder(repository, "pnpm-workspace.yaml")),
  };
}

function managerOf(repository: Repository, named: string | undefined): PackageManager {
  const byName = lockFiles.find(([name]) => named?.startsWith(`${name}@`));
  const byLock = lockFiles.find(([, files]) => nearestFile(repository, files) !== undefined);
  const [name, files] = byName ?? byLock ?? (["npm", []] as const);
  const lockFile = nearestFile(repository, files);
  return { name, lockFile, install: installOf(repository, name, lockFile, named), isPinned: named !== undefined };
}

function installOf(
  repository: Repository,
  name: PackageManager["name"],
  lockFile: string | undefined,
  named: string | undefined,
): string {
  if (lockFile === undefined) return `${name} install`;
  if (name === "npm") return "npm ci";
  if (name !== "yarn") return `${name} install --frozen-lockfile`;
  const isClassic = named === undefined ? !nearestFile(repository, [".yarnrc.yml"]) : named.startsWith("yarn@1.");
  return isClassic ? "yarn install --frozen-lockfile" : "yarn install --immutable";
}

function versionFileOf(repository: Repository, manifest: Readonly<Record<string, unknown>>): string | undefined {
  const file = nearestFile(repository, [".nvmrc", ".node-version"]);
  if (file !== undefined) return file;
  return isGroup(manifest.engines) && text(manifest.engines.node) !== undefined
    ? inFolder(repository, "package.json")
    : undefined;
}

/** How a script of package.json is run, with more arguments for its last command. */
export function runScript({ name }: PackageManager, script: string, more = ""): string {
  const short = name === "npm" && (script === "test" || script === "start");
  const run = short ? `npm ${script}` : `${name} run ${script}`;
  if (more === "") return run;
  return name === "npm" ? `${run} -- ${more}` : `${run} ${more}`;
}

/** How a program of a dependency is run. */
export function runBin({ name }: PackageManager, command: string): string {
  const words = { npm: "npx", pnpm: "pnpm exec", yarn: "yarn", bun: "bunx" };
  return `${words[name]} ${command}`;
}

export function jsonAt(repository: Repository, path: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(repository.read(path) ?? "null");
    return isGroup(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function texts(value: unknown): Record<string, string> {
  if (!isGroup(value)) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}
