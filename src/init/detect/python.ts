import { filesOfFolder, inFolder, type Repository } from "../repository.ts";
import { listsOf, type TomlLists } from "./toml.ts";

/** How a project in Python is installed, so that its tests can run. */
export interface PythonInstall {
  commands: string[];
  /** What each command of the project begins with: its packages may be in a folder of their own. */
  prefix: string;
}

const markers = ["requirements.txt", "pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "uv.lock", "poetry.lock", "pdm.lock"];
const settings = ["pytest.ini", "tox.ini", "setup.cfg", "conftest.py", "tests/conftest.py", "test/conftest.py"];

export function isPython(repository: Repository): boolean {
  const files = new Set(filesOfFolder(repository));
  return markers.some((name) => files.has(name)) || requirementsOf(repository).length > 0;
}

/** Whether something other than the tests themselves names pytest. */
export function usesPytest(repository: Repository): boolean {
  const files = new Set(filesOfFolder(repository));
  if (files.has("pytest.ini") || [...files].some((file) => /(?:^|\/)conftest\.py$/.test(file))) return true;
  return [...markers, ...settings, ...requirementsOf(repository)].some((name) => namesPytest(textOf(repository, name)));
}

function textOf(repository: Repository, name: string): string {
  return repository.read(inFolder(repository, name)) ?? "";
}

function namesPytest(text: string): boolean {
  return /\bpytest\b/.test(text);
}

/** `requirements.txt`, those for development and tests beside it, and those in a folder of that name. */
function requirementsOf(repository: Repository): string[] {
  const ofTests =
    /^(?:requirements[-_.]?(?:dev|develop|development|tests?|testing|ci)|(?:dev|development|tests?)[-_.]requirements)\.txt$/;
  const inFolderOf = /^requirements\/(?:base|main|common|requirements|dev|develop|development|local|tests?|testing|ci)\.txt$/;
  const files = filesOfFolder(repository);
  const all = [
    ...files.filter((file) => file === "requirements.txt"),
    ...files.filter((file) => ofTests.test(file)),
    ...files.filter((file) => inFolderOf.test(file)),
  ];
  // One that includes another installs it, too.
  const included = new Set(all.flatMap((file) => includedBy(file, textOf(repository, file))));
  return all.filter((file) => !included.has(file));
}

function includedBy(file: string, text: string): string[] {
  const folder = file.includes("/") ? file.slice(0, file.lastIndexOf("/") + 1) : "";
  return [...text.matchAll(/^\s*(?:-r|--requirement)[ =]\s*(\S+)/gm)].map(([, name = ""]) =>
    name.startsWith("../") ? name.slice(3) : `${folder}${name.replace(/^\.\//, "")}`,
  );
}

export function pythonInstall(repository: Repository): PythonInstall {
  const files = new Set(filesOfFolder(repository));
  const manifest = listsOf(textOf(repository, "pyproject.toml"));
  const sets = setsOf(manifest, repository);
  const usesPoetry = files.has("poetry.lock") || manifest.tables.has("tool.poetry");
  if (files.has("uv.lock")) return withUv(sets, manifest, true);
  if (usesPoetry) return withPoetry(sets, manifest);
  if (files.has("pdm.lock")) return withPdm(sets);
  if (files.has("Pipfile"))
    return {
      commands: ["pip install pipenv", files.has("Pipfile.lock") ? "pipenv sync --dev" : "pipenv install --dev"],
      prefix: "pipenv run ",
    };
  // uv can also lock at once; its settings are read by nothing else.
  if (manifest.tables.has("tool.uv") && manifest.tables.has("project") && requirementsOf(repository).length === 0)
    return withUv(sets, manifest, false);
  return withPip(sets, manifest, repository, files);
}

/** Named sets of packages beside those that the project needs itself. */
interface Sets {
  extras: string[];
  groups: string[];
  /** What none of the chosen ones has: pytest itself. */
  needsPytest: boolean;
}

function setsOf(manifest: TomlLists, repository: Repository): Sets {
  const extras = new Map([
    ...legacyExtras(repository),
    ...(manifest.tables.get("project.optional-dependencies") ?? []),
    ...(manifest.tables.get("tool.poetry.extras") ?? []),
  ]);
  const groups = new Map<string, readonly string[]>([
    ...(manifest.tables.get("dependency-groups") ?? []),
    ...(manifest.tables.get("tool.pdm.dev-dependencies") ?? []),
    ...poetryGroups(manifest),
  ]);
  const always = [
    ...(manifest.tables.get("project")?.get("dependencies") ?? []),
    ...(manifest.tables.get("tool.uv")?.get("dev-dependencies") ?? []),
    ...(manifest.tables.get("tool.poetry.dependencies")?.keys() ?? []),
    ...(manifest.tables.get("tool.poetry.dev-dependencies")?.keys() ?? []),
    ...requirementsOf(repository).map((file) => textOf(repository, file)),
    ...(/install_requires/.test(textOf(repository, "setup.py")) ? [installRequires(textOf(repository, "setup.py"))] : []),
  ];
  const isAlways = always.some(namesPytest);
  const strict = { extras: chosenOf(extras), groups: chosenOf(groups) };
  const chosen = isAlways || strict.extras.length + strict.groups.length > 0 ? strict : likelyOf(extras, groups);
  const has = [...chosen.extras.flatMap((name) => all(extras, name)), ...chosen.groups.flatMap((name) => all(groups, name))];
  return { ...chosen, needsPytest: usesPytest(repository) && !isAlways && !has.some(namesPytest) };
}

const ofTests = ["test", "tests", "testing"];
const usual = [...ofTests, "dev", "develop", "development"];

type Named = ReadonlyMap<string, readonly string[]>;

/** Those for tests, and those with pytest: with one of the usual names, if any. */
function chosenOf(sets: Named): string[] {
  const names = [...sets.keys()];
  const withPytest = names.filter((name) => all(sets, name).some(namesPytest));
  const known = withPytest.filter((name) => usual.includes(name));
  const named = names.filter((name) => ofTests.includes(name));
  return [...new Set([...named, ...(known.length > 0 ? known : withPytest.slice(0, 1))])];
}

function likelyOf(extras: Named, groups: Named): { extras: string[]; groups: string[] } {
  const one = (sets: Named) => [...sets.keys()].filter((name) => usual.includes(name)).slice(0, 1);
  const found = one(groups);
  return found.length > 0 ? { extras: [], groups: found } : { extras: one(extras), groups: [] };
}

/** Of a set and of those that it includes: `mypackage[test]`, or `{ include-group = "test" }`. */
function all(sets: Named, name: string, above: readonly string[] = []): string[] {
  const own = sets.get(name) ?? [];
  const inner = own
    .flatMap((one) => /^[\w.-]+\[([\w\s,.-]+)\]/.exec(one)?.[1]?.split(/\s*,\s*/) ?? /^include-group:(.*)$/.exec(one)?.[1] ?? [])
    .filter((one) => sets.has(one) && one !== name && !above.includes(one));
  return [...own, ...inner.flatMap((one) => all(sets, one, [...above, name]))];
}

/** Poetry names a group in the name of its table. */
function poetryGroups({ tables }: TomlLists): [string, readonly string[]][] {
  return [...tables].flatMap(([table, keys]): [string, readonly string[]][] => {
    const name = /^tool\.poetry\.group\.([^.]+)\.dependencies$/.exec(table)?.[1];
    return name === undefined ? [] : [[name, [...keys.keys()]]];
  });
}

/** `extras_require` of setup.py and setup.cfg, roughly. */
function legacyExtras(repository: Repository): [string, readonly string[]][] {
  const python = /extras_require\s*=\s*\{([\s\S]*?)\}/.exec(textOf(repository, "setup.py"))?.[1] ?? "";
  const cfg = /^\[options\.extras_require\]\s*\n([\s\S]*?)(?=^\[|$(?![\s\S]))/m.exec(textOf(repository, "setup.cfg"))?.[1] ?? "";
  return [
    ...[...python.matchAll(/["']([\w-]+)["']\s*:\s*\[([^\]]*)\]/g)].map(([, name = "", list = ""]): [string, string[]] => [
      name,
      [list],
    ]),
    ...[...cfg.matchAll(/^([\w-]+)\s*=\s*((?:.*\n?)(?:[ \t]+.*\n?)*)/gm)].map(([, name = "", list = ""]): [string, string[]] => [
      name,
      [list],
    ]),
  ];
}

function installRequires(text: string): string {
  return /install_requires\s*=\s*\[([^\]]*)\]/.exec(text)?.[1] ?? "";
}

/** uv installs the group dev by itself. `uv run` adds what is missing, and removes nothing. */
function withUv({ extras, groups, needsPytest }: Sets, { tables }: TomlLists, isLocked: boolean): PythonInstall {
  const named = tables.get("tool.uv")?.get("default-groups") ?? ["dev"];
  const options = [
    ...(isLocked ? ["--locked"] : []),
    ...extras.map((name) => `--extra ${name}`),
    ...groups.filter((name) => !named.includes(name)).map((name) => `--group ${name}`),
  ];
  return {
    commands: ["pip install uv", ["uv sync", ...options].join(" "), ...(needsPytest ? ["uv pip install pytest"] : [])],
    prefix: "uv run ",
  };
}

/** poetry installs each group that isn't optional. */
function withPoetry({ extras, groups, needsPytest }: Sets, { tables }: TomlLists): PythonInstall {
  const optional = groups.filter((name) => tables.get(`tool.poetry.group.${name}`)?.get("optional")?.[0] === "true");
  const options = [
    ...(optional.length > 0 ? [`--with ${optional.join(",")}`] : []),
    ...(extras.length > 0 ? [`--extras "${extras.join(" ")}"`] : []),
  ];
  return {
    commands: [
      "pip install poetry",
      ["poetry install", ...options].join(" "),
      ...(needsPytest ? ["poetry run pip install pytest"] : []),
    ],
    prefix: "poetry run ",
  };
}

/** pdm installs each group for development; extras must be named. */
function withPdm({ extras, needsPytest }: Sets): PythonInstall {
  const options = ["--frozen-lockfile", ...extras.map((name) => `--group ${name}`)];
  return {
    commands: [
      "pip install pdm",
      ["pdm install", ...options].join(" "),
      ...(needsPytest ? ["pdm run python -m pip install pytest"] : []),
    ],
    prefix: "pdm run ",
  };
}

function withPip(
  { extras, groups, needsPytest }: Sets,
  { tables }: TomlLists,
  repository: Repository,
  files: ReadonlySet<string>,
): PythonInstall {
  // pip builds only what says how: other manifests hold nothing but settings of tools, or groups.
  const isPackage =
    tables.has("project") ||
    tables.has("build-system") ||
    files.has("setup.py") ||
    /^\[metadata\]/m.test(textOf(repository, "setup.cfg"));
  const requirements = requirementsOf(repository);
  const asked = [
    ...requirements.map((name) => `-r ${name}`),
    // An application with requirements is run where it stands; its extras alone are a reason to install it.
    ...(isPackage && (requirements.length === 0 || extras.length > 0)
      ? [extras.length > 0 ? `".[${extras.join(",")}]"` : "."]
      : []),
    ...groups.map((name) => `--group ${name}`),
    ...(needsPytest ? ["pytest"] : []),
  ];
  if (asked.length === 0) return { commands: [], prefix: "" };
  return {
    // Older versions of pip know no groups.
    commands: [...(groups.length > 0 ? ['python -m pip install --upgrade "pip>=25.1"'] : []), `pip install ${asked.join(" ")}`],
    prefix: "",
  };
}
