import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checksums, digestOf, provenanceOf } from "./assets.ts";
import type { Version } from "./version.ts";

/**
 * What the provenance says. Its signature is verified by `gh attestation verify`, which the workflow starts: that takes
 * the trust roots of GitHub and Sigstore.
 */

export interface Origin {
  /** `https://github.com/owner/name` */
  repository: string;
  /** The full SHA of the sources. */
  commit: string;
}

const workflow = ".github/workflows/release.yml";
const branch = "refs/heads/main";
const predicateType = "https://slsa.dev/provenance/v1";

interface Statement {
  subject?: { name?: string; digest?: { sha256?: string } }[];
  predicateType?: string;
  predicate?: {
    buildDefinition?: {
      externalParameters?: { workflow?: { repository?: string; path?: string; ref?: string } };
      resolvedDependencies?: { digest?: { gitCommit?: string } }[];
    };
    runDetails?: { builder?: { id?: string } };
  };
}

/**
 * @param sums digest by file, as the checksums name them
 * @throws Error if the provenance is of other files, or of another workflow, branch or commit
 */
export function checkProvenance(folder: string, version: Version, sums: ReadonlyMap<string, string>, origin: Origin): void {
  const name = provenanceOf(version);
  const lines = readFileSync(join(folder, name), "utf8").split("\n").filter(Boolean);
  if (lines.length !== 1) throw new Error(`${name}: expected one attestation, got ${lines.length}`);
  const statement = statementIn(lines[0] ?? "", name);
  const compare = (what: string, expected: string, got: string | undefined) => {
    if (got !== expected) throw new Error(`${name}: expected ${what} ${expected}, got ${got}`);
  };
  compare("the predicate", predicateType, statement.predicateType);
  const { buildDefinition, runDetails } = statement.predicate ?? {};
  const built = buildDefinition?.externalParameters?.workflow;
  compare("the repository", origin.repository, built?.repository);
  compare("the workflow", workflow, built?.path);
  compare("the branch", branch, built?.ref);
  compare("the builder", `${origin.repository}/${workflow}@${branch}`, runDetails?.builder?.id);
  compare("the sources", origin.commit, buildDefinition?.resolvedDependencies?.[0]?.digest?.gitCommit);

  const attested = new Map((statement.subject ?? []).map((subject) => [subject.name, subject.digest?.sha256]));
  const expected = new Map([...sums, [checksums, digestOf(join(folder, checksums))]]);
  for (const [file, sum] of expected) compare(`${file} with SHA-256`, sum, attested.get(file));
  if (attested.size !== expected.size) throw new Error(`${name}: it also attests files that are not in the release`);
}

function statementIn(line: string, name: string): Statement {
  try {
    const { dsseEnvelope } = JSON.parse(line) as { dsseEnvelope: { payload: string } };
    return JSON.parse(Buffer.from(dsseEnvelope.payload, "base64").toString()) as Statement;
  } catch (error) {
    throw new Error(`${name}: expected a Sigstore bundle with a statement: ${String(error)}`, { cause: error });
  }
}
