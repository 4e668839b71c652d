import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { checksums, provenanceOf } from "./assets.ts";
import type { Version } from "./version.ts";

/**
 * Verifies that this repository's workflow has signed the provenance, with GitHub's command line: it knows the trust roots
 * of GitHub and Sigstore. The signature covers the checksums, and they cover every other file.
 * @param repository `owner/name`
 */
export function verifySignature(repository: string, folder: string, version: Version): void {
  const args = [
    ["attestation", "verify", join(folder, checksums), "--bundle", join(folder, provenanceOf(version))],
    ["--repo", repository, "--signer-workflow", `${repository}/.github/workflows/release.yml`],
    ["--source-ref", "refs/heads/main", "--predicate-type", "https://slsa.dev/provenance/v1", "--deny-self-hosted-runners"],
  ];
  execFileSync("gh", args.flat(), { stdio: "inherit" });
}
