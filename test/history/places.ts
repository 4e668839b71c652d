import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { type Artifact, type GitHubOptions, type LocalGitHub, startGitHub } from "../../local/github/index.ts";
import { writeZip } from "../../src/github/zip.ts";
import { recordOf } from "../../src/history/record/of-report.ts";
import { chooseStore } from "../../src/history/store/choose.ts";
import { folderStore } from "../../src/history/store/folder.ts";
import type { HistoryStore } from "../../src/history/store/store.ts";
import type { HistoryRecord } from "../../src/model/history.ts";
import { type LocalArtifacts, startArtifacts, type WorkflowRun } from "../harness/artifact-service.ts";
import { failedIntegration } from "../report/sample.ts";

/** The places where a history can be, each with real parts behind it. */

export const day = 86_400_000;
export const start = Date.parse("2026-10-28T10:00:00Z");
export const workflowRun = 4711;

export function made(at: number, change: Partial<HistoryRecord> = {}): HistoryRecord {
  const record = recordOf(failedIntegration());
  return { ...record, origin: { ...record.origin, workflowRun: String(workflowRun) }, runId: `${at}_0123abcd`, ...change };
}

export interface Place {
  /** Each call makes another client. */
  open(): Promise<HistoryStore>;
  /** Puts a file there by hand, with its path as in the folder. */
  put(path: string, content: string): void;
  close(): Promise<void>;
}

export const places: Readonly<Record<string, () => Promise<Place>>> = { folder, branch: () => branch(), artifacts };

async function folder(): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), "history-"));
  return {
    open: async () => folderStore(join(root, "history"), root),
    put(path, content) {
      mkdirSync(join(root, "history", path, ".."), { recursive: true });
      execFileSync("tee", [join(root, "history", path)], { input: content, stdio: ["pipe", "ignore", "inherit"] });
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}

export const repository = "classwaves/app";
export const branchName = "env-actions-history";
export const token = "ghs_h1st0ryh1st0ryh1st0ryh1st0ry";

export interface BranchWorld extends Place {
  github: LocalGitHub;
  bare: string;
  /** What git prints, in the bare repository. */
  git(...args: string[]): string;
  open(options?: { withinMs?: number; firstPauseMs?: number; token?: string; branch?: string }): Promise<HistoryStore>;
}

let codeRepository: string | undefined;

/** The folder of a bare repository with a branch of code, made once. */
function withCode(): string {
  if (codeRepository !== undefined) return codeRepository;
  const cwd = mkdtempSync(join(tmpdir(), "history-code-"));
  process.once("exit", () => rmSync(cwd, { recursive: true, force: true }));
  const git = (args: string[], input = "") =>
    execFileSync("git", args, { cwd, input, encoding: "utf8", env: { ...process.env, ...identity } }).trim();
  git(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"]);
  const blob = git(["hash-object", "-w", "--stdin"], "code\n");
  const folder = git(["mktree"], `100644 blob ${blob}\tindex.ts\n`);
  const tree = git(["mktree"], `040000 tree ${folder}\tsrc\n`);
  git(["update-ref", "refs/heads/main", git(["commit-tree", tree, "-m", "Begin"])]);
  codeRepository = cwd;
  return cwd;
}

/** A real bare repository behind the stand-in. */
export async function branch(onRequest?: GitHubOptions["onRequest"]): Promise<BranchWorld> {
  const bare = await mkdtemp(join(tmpdir(), "history-branch-"));
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd: bare, encoding: "utf8", env: { ...process.env, ...identity }, maxBuffer: 1e9 }).trim();
  await cp(withCode(), bare, { recursive: true });
  const github = await startGitHub({
    ...(onRequest && { onRequest }),
    repositories: { [repository]: { git: bare } },
    tokens: {
      [token]: { permissions: { contents: "write" } },
      reader: { permissions: { contents: "read" } },
      nothing: { permissions: { actions: "read" } },
    },
  });
  return {
    ...{ github, bare, git },
    async open({ token: used = token, branch: name = branchName, ...options } = {}) {
      const { branchStore } = await import("../../src/history/store/branch.ts");
      return branchStore({
        ...{ repository, branch: name, token: used, env: { GITHUB_API_URL: github.url }, firstPauseMs: 5, withinMs: 60_000 },
        ...options,
      });
    },
    put(path, content) {
      const index = { ...process.env, ...identity, GIT_INDEX_FILE: join(bare, "index-by-hand"), GIT_DIR: bare };
      const run = (args: string[], input = "") =>
        execFileSync("git", args, { cwd: bare, env: index, input, encoding: "utf8" }).trim();
      const head = git("rev-parse", branchName);
      run(["read-tree", head]);
      const sha = run(["hash-object", "-w", "--stdin"], content);
      run(["update-index", "--add", "--cacheinfo", `100644,${sha},${path}`]);
      run(["update-ref", `refs/heads/${branchName}`, run(["commit-tree", run(["write-tree"]), "-p", head, "-m", "By hand"])]);
    },
    async close() {
      await github.stop();
      await rm(bare, { recursive: true, force: true });
      expect(github.violations).toEqual([]);
    },
  };
}

const identity = {
  ...{ GIT_AUTHOR_NAME: "Mona", GIT_AUTHOR_EMAIL: "mona@example.com", GIT_COMMITTER_NAME: "Mona" },
  ...{ GIT_COMMITTER_EMAIL: "mona@example.com", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" },
};

export interface ArtifactsWorld extends Place {
  github: LocalGitHub;
  service: LocalArtifacts;
  run: WorkflowRun;
  /** What others uploaded. */
  byHand: Partial<Artifact>[];
  open(options?: { token?: string; isOnRunner?: boolean }): Promise<HistoryStore>;
}

/** The runner's artifact service, and GitHub's API, which shows what was uploaded there. */
export async function artifacts(): Promise<ArtifactsWorld> {
  const service = await startArtifacts();
  const run = service.newRun("job-1");
  const github = await startGitHub({
    repositories: { [repository]: {} },
    tokens: { [token]: { permissions: { actions: "read" } }, nothing: { permissions: {} } },
  });
  const known = github.repositories.get(repository);
  if (!known) throw new Error("no repository");
  const byHand: Partial<Artifact>[] = [];
  Object.defineProperty(known, "artifacts", {
    get: () =>
      [...run.artifacts.map(({ name, archive }) => ({ name, archive })), ...byHand].map((artifact, index) => ({
        ...{ id: index + 1, run: workflowRun },
        ...artifact,
      })),
  });
  return {
    ...{ github, service, run, byHand },
    async open({ token: used = token, isOnRunner = true } = {}) {
      const env = { ...(isOnRunner ? run.env : {}), GITHUB_API_URL: github.url, GITHUB_REPOSITORY: repository };
      const store = await chooseStore({
        store: "artifacts",
        records: "/nowhere",
        workspace: "/nowhere",
        env,
        githubToken: used,
      });
      if (!store) throw new Error("no store");
      return store;
    },
    put(path, content) {
      const name =
        path
          .split("/")
          .at(-1)
          ?.replace(/\.json$/, "") ?? "";
      byHand.push({ name: `env-actions-history-${name}`, archive: zipOf(content) });
    },
    async close() {
      await github.stop();
      await service.stop();
      expect(github.violations).toEqual([]);
      expect(service.violations).toEqual([]);
    },
  };
}

export function zipOf(content: string): Buffer {
  return writeZip([{ name: "record.json", content: Buffer.from(content) }]);
}
