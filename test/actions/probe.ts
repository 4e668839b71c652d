import { appendFileSync } from "node:fs";
import { outputs } from "../../src/action/interface.ts";
import { artifactService } from "../../src/github/artifacts.ts";

/**
 * Stands where the bundle stands, so that a test can see what the composites hand to it and what comes back: it prints its inputs, sets
 * every output to `<stage>:<output>`, keeps state for `post`, and leaves an artifact for the stages after it. PROBE_FAILS names a stage
 * that fails.
 */

const { env } = process;

function fromRunner(name: string): string {
  const value = env[name];
  if (value === undefined) throw new Error(`the runner did not set ${name}`);
  return value;
}

function print(event: string, content: object): void {
  console.log(`probe ${event} ${JSON.stringify(content)}`);
}

async function main(stage: string): Promise<void> {
  const inputs = Object.entries(env).filter(([name]) => name.startsWith("INPUT_"));
  print("inputs", Object.fromEntries(inputs.map(([name, value]) => [name.slice("INPUT_".length).toLowerCase(), value])));
  for (const name of Object.keys(outputs)) appendFileSync(fromRunner("GITHUB_OUTPUT"), `${name}=${stage}:${name}\n`);
  appendFileSync(fromRunner("GITHUB_STATE"), `stage=${stage}\n`);

  const artifacts = artifactService(env);
  if (!artifacts) throw new Error("the runner offers no artifact service");
  const earlier = (await artifacts.list()).map(({ name }) => name).sort();
  const contents = await Promise.all(
    earlier.map(async (name) => (await artifacts.download(name)).map((file) => file.content.toString())),
  );
  print("artifacts", { stage, earlier, contents: contents.flat() });
  if (env.PROBE_FAILS === stage) throw new Error("told to fail");
  await artifacts.upload(`evidence-${stage}`, [{ name: "evidence.json", content: Buffer.from(`${stage} passed`) }], 1);
}

const stage = env.STATE_stage;
if (stage !== undefined) print("post", { stage, credential: env.PROBE_CREDENTIAL });
else await main(fromRunner("INPUT_STAGE"));
