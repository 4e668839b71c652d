import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { answered, todos } from "../../src/init/answers.ts";
import { planFor, projectOf } from "./plans.ts";

/** The ports of applications in Python: as the code or what starts it says, and otherwise a question. */

const base = { "requirements.txt": "flask\nfastapi\npytest\n", "tests/test_a.py": "def test_a(): pass\n" };
const flask = (rest: string) => ({
  ...base,
  "app.py": `app = Flask(__name__)\n\n@app.get("/health")\ndef health(): return ""\n\n${rest}\n`,
});
const fastApi = (rest: string) => ({
  ...base,
  "main.py": `app = FastAPI()\n\n@app.get("/health")\ndef health(): return ""\n\n${rest}\n`,
});
const django = (more: Record<string, string> = {}) => ({ ...base, "manage.py": "", ...more });

function planned(files: Record<string, string>) {
  const plan = planFor({ files });
  const data = parse(plan.files[0]?.text ?? "");
  const { api, servers } = data.environments.sandbox;
  const { command, port } = servers.application;
  return { command, port, url: api.url, asks: plan.open.some(({ question }) => question === todos.port) };
}

describe("the port that the project names", () => {
  test.each<[what: string, files: Record<string, string>, port: number]>([
    ["app.run", flask("app.run(port=5050)"), 5050],
    ["app.run with other arguments", flask('app.run(host=os.getenv("HOST", "::"), debug=(True), port=5050)'), 5050],
    ["a variable's default", flask('app.run(port=int(os.environ.get("PORT", "5050")))'), 5050],
    ["a variable of another name", flask('app.run("0.0.0.0", port=int(os.getenv("HTTP_PORT", 5050)))'), 5050],
    ["or", flask('app.run(port=int(os.getenv("PORT") or 5050))'), 5050],
    ["a constant", flask("PORT = 5050\n\napp.run(port=PORT)"), 5050],
    ["a typed constant", flask('listen: int = int(os.environ.get("X", "5050"))\napp.run(port=listen)'), 5050],
    ["not in a comment", flask("# app.run(port=7000)\napp.run(port=5050)"), 5050],
    ["uvicorn.run", fastApi("uvicorn.run(app, port=8123)"), 8123],
    ["uvicorn.run over several lines", fastApi('uvicorn.run(\n    "main:app",\n    host="0.0.0.0",\n    port=8123,\n)'), 8123],
    ["gunicorn in a Procfile", { ...flask(""), Procfile: "web: gunicorn app:app -b 0.0.0.0:8001\n" }, 8001],
    ["gunicorn --bind", { ...flask(""), "start.sh": "exec gunicorn \\\n  --bind=0.0.0.0:8001 app:app\n" }, 8001],
    ["a default of the shell", { ...flask(""), Procfile: "web: gunicorn app:app --bind 0.0.0.0:${PORT:-8001}\n" }, 8001],
    ["gunicorn's configuration", { ...flask(""), "gunicorn.conf.py": 'bind = "0.0.0.0:8001"\n' }, 8001],
    ["uvicorn in a Procfile", { ...fastApi(""), Procfile: "web: uvicorn main:app --host 0.0.0.0 --port 8123\n" }, 8123],
    ["runserver in a Procfile", django({ Procfile: "web: python manage.py runserver 8010\n" }), 8010],
    ["runserver in a Makefile", django({ Makefile: "run:\n\tpython manage.py runserver 0.0.0.0:8010\n" }), 8010],
    ["an array of a Dockerfile", django({ Dockerfile: 'CMD ["python", "manage.py", "runserver", "0.0.0.0:8010"]\n' }), 8010],
    ["Flask's own file", { ...flask(""), ".flaskenv": "FLASK_RUN_PORT=5050\n" }, 5050],
    ["the example of variables", { ...flask(""), ".env.example": "PORT=5050\n" }, 5050],
    ["compose", { ...flask(""), "compose.yaml": "services:\n  app:\n    build: .\n    ports: ['5050:5000']\n" }, 5050],
  ])("%s", (_, files, port) => {
    const { command, ...rest } = planned(files);
    expect(rest).toEqual({ port, url: `http://localhost:${port}`, asks: false });
    expect(command).toMatch(new RegExp(` ${port}$`));
  });
});

test.each([
  ["Flask", flask(""), 5000],
  ["FastAPI", fastApi(""), 8000],
  ["Django", django(), 8000],
])("where nothing names a port, %s has its own", (_, files, port) => {
  expect(planned(files)).toMatchObject({ port, asks: false, command: expect.stringMatching(new RegExp(` ${port}$`)) });
});

describe("a port that can't be read is asked for", () => {
  test.each<[what: string, files: Record<string, string>]>([
    ["from another module", flask("from settings import config\napp.run(port=config.port)")],
    ["without a default", flask('app.run(port=int(os.environ["PORT"]))')],
    ["in a Procfile", { ...fastApi(""), Procfile: "web: uvicorn main:app --port $PORT\n" }],
    ["of gunicorn", { ...flask(""), Procfile: "web: gunicorn -b 0.0.0.0:$PORT app:app\n" }],
  ])("%s", (_, files) => {
    const { command, port, url, asks } = planned(files);
    expect({ port, url, asks }).toEqual({ port: 3000, url: "http://localhost:3000", asks: true });
    // Until somebody answers, everything at least agrees.
    expect(command).toMatch(/ 3000$/);
    const project = answered(projectOf({ files }), { port: "5050" });
    expect(project.servers[0]).toMatchObject({ port: 5050, command: expect.stringMatching(/ 5050$/) });
  });
});
