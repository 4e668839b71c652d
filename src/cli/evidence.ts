import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { commitOf } from "../evidence/evidence.ts";
import { errorText } from "../lib/error-text.ts";
import { UserError } from "../model/user-error.ts";
import { logLine } from "../report/inert.ts";
import type { Arguments } from "./arguments.ts";
import type { GuardedTerminal } from "./main.ts";

/** As large as GitHub takes an attestation. */
const largestFile = 16 * 1024 * 1024;

/**
 * Verifies signed evidence without a network: the bundle, the evidence and the authorities are files.
 * @returns 0 if it holds, 1 if not
 * @throws UserError if a file can't be read
 */
export async function evidenceVerify({ attestation, environment, json }: Arguments, world: GuardedTerminal): Promise<number> {
  if (!attestation) throw new Error("evidence verify without arguments");
  const { signerWorkflow, repository } = attestation;
  const [bundle, evidence, trusted] = await Promise.all(
    [attestation.bundle, attestation.evidence, attestation.trustedRoot].map((file) => contentOf(resolve(world.cwd, file))),
  );
  const { readTrustedRoots, verifyAttestation } = await import("../evidence/attestation/verify.ts");
  const roots = understood(attestation.trustedRoot, () => readTrustedRoots(String(trusted)));
  const commit = attestation.commit ?? (await commitOf(world.env, world.cwd)).sha;
  const server = world.env.GITHUB_SERVER_URL || "https://github.com";
  const found = verifyAttestation(String(bundle), evidence ?? Buffer.alloc(0), roots, {
    ...{ signerWorkflow, repository, commit: commit.toLowerCase(), environment, server },
    ...{ maxAgeMs: attestation.maxAgeMs, now: Date.now() },
  });
  const { stdout } = world;
  if (json) stdout.write(`${JSON.stringify(found, undefined, 2)}\n`);
  else if (found.verified) {
    const { stage, verdict, finishedAt } = found.evidence;
    stdout.write(
      `${[
        `Verified: ${stage} ${verdict} on ${found.evidence.environment}, ${finishedAt}`,
        `  commit  ${commit}`,
        `  run     ${found.evidence.origin.workflowRun} of ${repository}`,
        `  signer  ${found.signer}`,
      ]
        .map(logLine)
        .join("\n")}\n`,
    );
  } else stdout.write(`${logLine(`Not verified (${found.refusal}): ${found.why}`)}\n`);
  return found.verified ? 0 : 1;
}

function understood<Result>(file: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw new UserError(
      "EA8008",
      `${file}: expected a trusted root of Sigstore, as \`gh attestation trusted-root\` prints it: ${errorText(error)}`,
      { cause: error },
    );
  }
}

async function contentOf(file: string): Promise<Buffer> {
  try {
    const { size } = await stat(file);
    if (size > largestFile) throw new Error(`it has more than ${largestFile / 1024 / 1024} MiB`);
    return await readFile(file);
  } catch (error) {
    throw new UserError("EA8008", `${file} cannot be read: ${errorText(error)}`, { cause: error });
  }
}
