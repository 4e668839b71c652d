import { execFileSync } from "node:child_process";

export type Git = (args: readonly string[], env?: NodeJS.ProcessEnv) => string;

/** @returns a function that runs git in this folder and returns what it prints, without the last line end */
export function gitIn(folder: string): Git {
  return (args, env = {}) => {
    try {
      return execFileSync("git", args, {
        cwd: folder,
        env: { ...process.env, ...env },
        encoding: "utf8",
        stdio: "pipe",
        maxBuffer: 100_000_000,
      }).trim();
    } catch (error) {
      const { stderr } = error as { stderr?: string };
      throw new Error(`git ${args[0]} failed: ${stderr?.trim() || String(error)}`, { cause: error });
    }
  };
}

/** Everything that the remote has, by full name: `refs/tags/v1` → commit. */
export type Refs = ReadonlyMap<string, string>;

export function remoteRefs(git: Git, remote: string): Refs {
  const lines = git(["ls-remote", remote]).split("\n").filter(Boolean);
  return new Map(
    lines.map((line) => {
      const [sha = "", name = ""] = line.split("\t");
      return [name, sha] as const;
    }),
  );
}

/** A change of one reference. `to` is undefined if it is to be deleted. */
export interface Move {
  ref: string;
  from: string | undefined;
  to: string | undefined;
}

/** Changes all references or none, and only if each is still where it was seen. */
export function pushAtomically(git: Git, remote: string, moves: readonly Move[]): void {
  const changes = moves.filter(({ from, to }) => from !== to);
  if (changes.length === 0) return;
  git([
    "push",
    "--quiet",
    "--atomic",
    ...changes.map(({ ref, from }) => `--force-with-lease=${ref}:${from ?? ""}`),
    remote,
    ...changes.map(({ ref, to }) => `${to ?? ""}:${ref}`),
  ]);
}
