import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { detectProject } from "../../src/init/project.ts";
import { repositoryOf } from "../../src/init/repository.ts";
import { configFile, lines, planFor, type Workflow } from "./plans.ts";

/** What of a project in Python is installed, so that its pytest is there. */

const tests = { "tests/test_orders.py": "def test_orders(): pass\n" };

/** The commands of the job integration before the stage itself, and the stage's command. */
function installed(files: Record<string, string>): { runs: string[]; command: string } {
  const sample = { files: { ...tests, ...files } };
  const { jobs } = parse(planFor(sample).files[1]?.text ?? "") as Workflow;
  const { stages } = parse(lines(sample, configFile));
  return { runs: (jobs.integration?.steps ?? []).flatMap(({ run }) => run ?? []), command: stages.integration.command };
}

const project = '[build-system]\nrequires = ["hatchling"]\n\n[project]\nname = "shop"\ndependencies = ["flask"]\n';
const pip25 = 'python -m pip install --upgrade "pip>=25.1"';

describe("pytest is installed", () => {
  test.each<[name: string, files: Record<string, string>, runs: string[], prefix: string]>([
    [
      "extras of the name dev",
      {
        "pyproject.toml": `${project}\n[project.optional-dependencies]\ndev = [\n  "pytest>=8", # runs the tests\n  "ruff",\n]\n`,
      },
      ['pip install ".[dev]"'],
      "",
    ],
    [
      "extras for tests and for documents",
      { "pyproject.toml": `${project}\n[project.optional-dependencies]\ndocs = ["sphinx"]\ntest = ["pytest"]\ndev = ["ruff"]\n` },
      ['pip install ".[test]"'],
      "",
    ],
    [
      "extras that include another one",
      { "pyproject.toml": `${project}\n[project.optional-dependencies]\nchecks = ["pytest"]\ndev = ["shop[checks]", "ruff"]\n` },
      ['pip install ".[dev]"'],
      "",
    ],
    [
      "extras as dotted keys",
      { "pyproject.toml": `${project}optional-dependencies.dev = ["pytest"]\n` },
      ['pip install ".[dev]"'],
      "",
    ],
    [
      "dependency groups",
      { "pyproject.toml": `${project}\n[dependency-groups]\nlint = ["ruff"]\ndev = ["pytest"]\n` },
      [pip25, "pip install . --group dev"],
      "",
    ],
    [
      "a group that includes another one, in a project that is no package",
      { "pyproject.toml": '[dependency-groups]\nunit = ["pytest"]\ndev = [{ include-group = "unit" }, "ruff"]\n' },
      [pip25, "pip install --group dev"],
      "",
    ],
    [
      "requirements-dev.txt beside a package",
      { "pyproject.toml": project, "requirements-dev.txt": "pytest\n" },
      ["pip install -r requirements-dev.txt"],
      "",
    ],
    [
      "requirements-dev.txt that includes the others",
      { "requirements.txt": "flask\n", "requirements-dev.txt": "-r requirements.txt\npytest\n" },
      ["pip install -r requirements-dev.txt"],
      "",
    ],
    [
      "a folder of requirements",
      { "requirements/base.txt": "flask\n", "requirements/test.txt": "-r base.txt\npytest\n" },
      ["pip install -r requirements/test.txt"],
      "",
    ],
    [
      "requirements of the application, and extras with pytest",
      { "requirements.txt": "flask\n", "pyproject.toml": `${project}\n[project.optional-dependencies]\ndev = ["pytest"]\n` },
      ['pip install -r requirements.txt ".[dev]"'],
      "",
    ],
    [
      "nothing but settings of pytest",
      { "requirements.txt": "flask\n", "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-q'\n" },
      ["pip install -r requirements.txt pytest"],
      "",
    ],
    [
      "setup.py with extras",
      { "setup.py": 'setup(name="shop", extras_require={"dev": ["pytest", "ruff"]})\n' },
      ['pip install ".[dev]"'],
      "",
    ],
    [
      "setup.cfg with extras",
      { "setup.cfg": "[metadata]\nname = shop\n[options.extras_require]\ndev =\n    pytest\n    ruff\n" },
      ['pip install ".[dev]"'],
      "",
    ],
    [
      "uv and its group dev, which it installs by itself",
      { "uv.lock": "", "pyproject.toml": `${project}\n[dependency-groups]\ndev = ["pytest"]\n` },
      ["pip install uv", "uv sync --locked"],
      "uv run ",
    ],
    [
      "uv and another group",
      { "uv.lock": "", "pyproject.toml": `${project}\n[dependency-groups]\ntest = ["pytest"]\ndev = ["ruff"]\n` },
      ["pip install uv", "uv sync --locked --group test"],
      "uv run ",
    ],
    [
      "uv and extras",
      { "uv.lock": "", "pyproject.toml": `${project}\n[project.optional-dependencies]\ndev = ["pytest"]\n` },
      ["pip install uv", "uv sync --locked --extra dev"],
      "uv run ",
    ],
    [
      "poetry's groups, of which an optional one must be named",
      {
        "poetry.lock": "",
        "pyproject.toml":
          '[tool.poetry]\nname = "shop"\n[tool.poetry.group.test]\noptional = true\n[tool.poetry.group.test.dependencies]\npytest = "^8"\n',
      },
      ["pip install poetry", "poetry install --with test"],
      "poetry run ",
    ],
    [
      "poetry without a lock file",
      { "pyproject.toml": '[tool.poetry]\nname = "shop"\n[tool.poetry.group.dev.dependencies]\npytest = "^8"\n' },
      ["pip install poetry", "poetry install"],
      "poetry run ",
    ],
    [
      "pdm, which installs the groups for development by itself",
      { "pdm.lock": "", "pyproject.toml": `${project}\n[tool.pdm.dev-dependencies]\ntest = ["pytest"]\n` },
      ["pip install pdm", "pdm install --frozen-lockfile"],
      "pdm run ",
    ],
    [
      "pipenv",
      { Pipfile: '[dev-packages]\npytest = "*"\n', "Pipfile.lock": "{}" },
      ["pip install pipenv", "pipenv sync --dev"],
      "pipenv run ",
    ],
  ])("%s", (_, files, runs, prefix) => {
    expect(installed(files)).toEqual({ runs, command: `${prefix}python -m pytest --junitxml=reports/integration.xml` });
  });

  test("a server of the project starts where its packages are", () => {
    const files = { "uv.lock": "", "pyproject.toml": project, "app.py": "app = FastAPI()\n" };
    expect(detectProject(repositoryOf(files)).servers[0]?.command).toBe("uv run python -m uvicorn app:app --port 8000");
  });

  test("a project with other tests gets no pytest", () => {
    const files = { "requirements.txt": "django\n", "manage.py": "" };
    expect(detectProject(repositoryOf(files)).toolchains[0]?.steps.map(({ run }) => run)).toEqual([
      undefined,
      "pip install -r requirements.txt",
    ]);
  });
});
