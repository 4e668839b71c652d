import { filesOfFolder, inFolder, nearestFile, type Repository } from "../repository.ts";
import type { NodeProject } from "./node.ts";
import { isPython, pythonInstall, usesPytest } from "./python.ts";
import type { Suite } from "./tests.ts";

/** A step of a job, as a workflow writes it. */
export interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, string>;
  /** Relative to the root; `run` only. */
  workingDirectory?: string;
  note?: string;
}

/** What a job must do before the application and its tests can run. */
export interface Toolchain {
  language: string;
  steps: Step[];
  /** Of languages whose tests have one usual command. */
  suite?: Suite;
}

/** Third-party actions by the commit of the named release. */
export const pinned = {
  checkout: "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
  cache: "actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5",
  node: "actions/setup-node@820762786026740c76f36085b0efc47a31fe5020 # v7.0.0",
  python: "actions/setup-python@e797f83bcb11b83ae66e0230d6156d7c80228e7c # v6.0.0",
  go: "actions/setup-go@7a3fe6cf4cb3a834922a1244abfce67bcef6a0c5 # v6.2.0",
  java: "actions/setup-java@be666c2fcd27ec809703dec50e508c2fdc7f6654 # v5.2.0",
  pnpm: "pnpm/action-setup@fc06bc1257f339d1d5d8b3a19a8cae5388b55320 # v5.0.0",
  bun: "oven-sh/setup-bun@3d267786b128fe76c2f16a390aa2448b815359f3 # v2.1.2",
} as const;

export function detectToolchains(repository: Repository, node: NodeProject | undefined): Toolchain[] {
  return [
    ...(node ? [nodeToolchain(repository, node)] : []),
    ...pythonToolchain(repository),
    ...goToolchain(repository),
    ...javaToolchain(repository),
  ];
}

function nodeToolchain(repository: Repository, { manager, versionFile }: NodeProject): Toolchain {
  const { name, lockFile, install } = manager;
  // Without a lock file there is nothing by which a cache could be found again.
  const cache: Record<string, string> = lockFile !== undefined && name !== "bun" ? { cache: name } : {};
  const at = lockFile === undefined ? repository.folder : folderOf(lockFile);
  return {
    language: "Node",
    steps: [
      ...(name === "pnpm" ? [{ uses: pinned.pnpm, ...(manager.isPinned ? {} : { with: { version: "10" } }) }] : []),
      ...(name === "bun" ? [{ uses: pinned.bun }] : []),
      {
        uses: pinned.node,
        with: {
          ...(versionFile === undefined ? { "node-version": "24" } : { "node-version-file": versionFile }),
          ...cache,
          ...(Object.keys(cache).length > 0 && at !== "" ? { "cache-dependency-path": lockFile ?? "" } : {}),
        },
      },
      { run: install, ...(at === "" ? {} : { workingDirectory: at }) },
    ],
  };
}

function pythonToolchain(repository: Repository): Toolchain[] {
  if (!isPython(repository)) return [];
  const at = repository.folder === "" ? {} : { workingDirectory: repository.folder };
  const version = nearestFile(repository, [".python-version"]);
  const python: Step = {
    uses: pinned.python,
    with: version === undefined ? { "python-version": "3.13" } : { "python-version-file": version },
  };
  const { commands, prefix } = pythonInstall(repository);
  const tests = filesOfFolder(repository).some((file) => /(?:^|\/)(?:test_[^/]*|[^/]*_test)\.py$/.test(file));
  const folder = filesOfFolder(repository).some((file) => /^tests\/integration\/.*\.py$/.test(file)) ? " tests/integration" : "";
  const suite: Suite = {
    command: `${prefix}python -m pytest${folder} --junitxml=reports/integration.xml`,
    reports: ["reports/integration.xml"],
    from: "pytest",
  };
  return [
    {
      language: "Python",
      steps: [python, ...commands.map((run): Step => ({ run, ...at }))],
      ...(usesPytest(repository) && tests ? { suite } : {}),
    },
  ];
}

function goToolchain(repository: Repository): Toolchain[] {
  const module = inFolder(repository, "go.mod");
  if (!repository.files.includes(module)) return [];
  const tests = filesOfFolder(repository).some((file) => file.endsWith("_test.go"));
  const sum = inFolder(repository, "go.sum");
  const hasSum = repository.files.includes(sum);
  const suite: Suite = {
    command: "go test -json ./... > reports/integration.jsonl",
    reports: ["reports/integration.jsonl"],
    from: "go.mod",
  };
  return [
    {
      language: "Go",
      steps: [
        {
          uses: pinned.go,
          with: {
            "go-version-file": module,
            ...(hasSum ? (repository.folder === "" ? {} : { "cache-dependency-path": sum }) : { cache: "false" }),
          },
        },
      ],
      ...(tests ? { suite } : {}),
    },
  ];
}

function javaToolchain(repository: Repository): Toolchain[] {
  const has = (name: string) => repository.files.includes(inFolder(repository, name));
  const maven = has("pom.xml");
  const gradle = has("build.gradle") || has("build.gradle.kts");
  if (!maven && !gradle) return [];
  const tests = filesOfFolder(repository).some((file) => /(?:^|\/)src\/test\//.test(file));
  const tool = maven ? (has("mvnw") ? "./mvnw" : "mvn") : has("gradlew") ? "./gradlew" : "gradle";
  const suite: Suite = maven
    ? {
        command: `${tool} -B verify`,
        reports: ["target/surefire-reports/TEST-*.xml", "target/failsafe-reports/TEST-*.xml"],
        from: "pom.xml",
      }
    : { command: `${tool} test`, reports: ["build/test-results/test/*.xml"], from: "build.gradle" };
  return [
    {
      language: "Java",
      steps: [{ uses: pinned.java, with: { distribution: "temurin", "java-version": "21" } }],
      ...(tests ? { suite } : {}),
    },
  ];
}

function folderOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}
