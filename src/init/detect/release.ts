import { movingTag } from "../../lib/version.ts";
import { nearestFile, type Repository } from "../repository.ts";
import { isGroup, jsonAt, type NodeProject, text } from "./node.ts";

/** What follows `uses: classwaves/env-actions/<stage>@`, and the version to write beside it. */
export interface Pin {
  ref: string;
  /** Undefined for a commit whose version is not known. */
  version: string | undefined;
  isCommit: boolean;
}

const repositoryName = "classwaves/env-actions";
/** In the lock files of npm, pnpm, yarn and bun, the commit follows the address in one of these forms. */
const resolved = /classwaves\/env-actions(?:\.git)?(?:#commit=|#|\/tar\.gz\/|\/tarball\/|\/archive\/)([0-9a-f]{40})\b/;

/**
 * The commit that is installed here: the workflow then runs the code that was tried in a terminal.
 * @param installation npm's note about the package that runs, for projects that don't list it: npx installs elsewhere
 */
export function detectPin(repository: Repository, node: NodeProject | undefined, installation = ""): Pin {
  const name = Object.keys(node?.dependencies ?? {}).find((dependency) =>
    isOurs(dependency, node?.dependencies[dependency] ?? ""),
  );
  const installed = ["env-actions", "@classwaves/env-actions", ...(name === undefined ? [] : [name])]
    .flatMap((one) => [`${repository.folder === "" ? "" : `${repository.folder}/`}node_modules/${one}`, `node_modules/${one}`])
    .map((folder) => jsonAt(repository, `${folder}/package.json`))
    .find((manifest) => manifest !== undefined && originOf(manifest) !== undefined);
  const lockFile = nearestFile(repository, [
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "bun.lock",
  ]);
  const head = text(installed?.gitHead);
  const commit =
    head !== undefined && /^[0-9a-f]{40}$/.test(head)
      ? head
      : name === undefined || lockFile === undefined
        ? undefined
        : resolved.exec(repository.read(lockFile) ?? "")?.[1];
  if (commit === undefined) return pinOf(installation) ?? { ref: movingTag, version: undefined, isCommit: false };
  const asked = name === undefined ? undefined : /#v?(\d+\.\d+\.\d+)$/.exec(node?.dependencies[name] ?? "")?.[1];
  return { ref: commit, version: text(installed?.version) ?? lockedVersion(repository, lockFile, name) ?? asked, isCommit: true };
}

/** Of npm's own lock file, which it keeps beside the packages that it has installed. */
function pinOf(installation: string): Pin | undefined {
  const own = group(group(parsed(installation)).packages)["node_modules/env-actions"];
  const commit = resolved.exec(text(group(own).resolved) ?? "")?.[1];
  return commit === undefined ? undefined : { ref: commit, version: text(group(own).version), isCommit: true };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function group(value: unknown): Record<string, unknown> {
  return isGroup(value) ? value : {};
}

function isOurs(name: string, asked: string): boolean {
  return name === "@classwaves/env-actions" || asked.includes(repositoryName);
}

function originOf(manifest: Readonly<Record<string, unknown>>): string | undefined {
  const { repository } = manifest;
  const address = isGroup(repository) ? text(repository.url) : text(repository);
  return address?.includes(repositoryName) ? address : undefined;
}

/** npm's lock file says the version of each package. */
function lockedVersion(repository: Repository, lockFile: string | undefined, name: string | undefined): string | undefined {
  if (lockFile === undefined || name === undefined || !lockFile.endsWith(".json")) return undefined;
  const packages = jsonAt(repository, lockFile)?.packages;
  const entry = isGroup(packages) ? packages[`node_modules/${name}`] : undefined;
  return isGroup(entry) ? text(entry.version) : undefined;
}
