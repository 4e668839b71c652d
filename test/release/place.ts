import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checksums, provenanceOf } from "../../scripts/release/assets.ts";
import type { Commits } from "../../scripts/release/commits.ts";
import { releasesAt } from "../../scripts/release/github.ts";
import type { Place } from "../../scripts/release/place.ts";
import type { Sources } from "../../scripts/release/sources.ts";
import { parseVersion, type Version } from "../../scripts/release/version.ts";

/** Where a rehearsal goes, in words that another process can be told. It imports no test runner. */

export const repositoryName = "classwaves/env-actions";
export const address = `https://github.com/${repositoryName}`;

/** What the job `build` makes. */
export interface Built {
  sources: Sources;
  commits: Commits;
  files: string;
}

export interface Rehearsal {
  source: string;
  /** The stand-in's address. */
  url: string;
  token: string;
  scratch: string;
  /** Of the key that stands for the workflow's, as PEM. */
  publicKey: string;
}

export interface Attempt extends Rehearsal {
  built: Built;
}

export interface Bundle {
  dsseEnvelope: { payload: string; signatures: { sig: string }[] };
}

export function placeOf({ source, url, token, scratch, publicKey }: Rehearsal, log: (line: string) => void = () => {}): Place {
  return {
    repository: source,
    remote: "origin",
    releases: releasesAt({ url, repository: repositoryName, token }),
    address,
    verifySignature: (folder) => {
      const name = provenanceOf(versionOf(folder));
      const { dsseEnvelope } = JSON.parse(readFileSync(join(folder, name), "utf8")) as Bundle;
      const signature = Buffer.from(dsseEnvelope.signatures[0]?.sig ?? "", "base64");
      if (!verify("sha256", Buffer.from(dsseEnvelope.payload, "base64"), createPublicKey(publicKey), signature))
        throw new Error(`${name} is not signed by the workflow`);
    },
    scratch,
    log,
  };
}

/** From the names of a release's files. */
function versionOf(folder: string): Version {
  return parseVersion(/env-actions-([\d.]+)\.zip/.exec(readFileSync(join(folder, checksums), "utf8"))?.[1] ?? "");
}
