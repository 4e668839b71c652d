import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Sources } from "./sources.ts";

/** What the release contains of other people's packages, as SPDX 2.3. */

interface Package {
  SPDXID: string;
  name: string;
  packageFileName?: string;
}

interface Document {
  documentNamespace: string;
  creationInfo: { created: string; creators: string[] };
  documentDescribes: string[];
  packages: Package[];
  relationships: object[];
}

/**
 * npm's list of the packages in the lock file, without those that are not in dist.
 * @param committed a folder with the committed files; nothing needs to be installed
 */
export function makeSbom(sources: Sources, committed: string): string {
  const printed = execFileSync("npm", ["sbom", "--package-lock-only", "--omit=dev", "--sbom-format=spdx"], {
    cwd: committed,
    encoding: "utf8",
    maxBuffer: 100_000_000,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const licences = readFileSync(join(committed, "dist", "licenses.txt"), "utf8");
  return `${JSON.stringify(reduced(JSON.parse(printed) as Document, licences, sources), undefined, 2)}\n`;
}

function reduced(document: Document, licences: string, { version, commit, time }: Sources): Document {
  const [root = ""] = document.documentDescribes;
  const lines = licences.split("\n");
  const bundled = new Set(lines.filter((_, index) => index === 0 || lines[index - 1] === ""));
  const packages = document.packages
    .filter(({ SPDXID, name }) => SPDXID === root || bundled.has(name))
    .map(({ packageFileName: _, ...kept }) => kept);
  return {
    ...document,
    // npm makes both from the time and at random. The same sources give the same file.
    documentNamespace: `https://github.com/classwaves/env-actions/spdx/${version.text}-${commit}`,
    creationInfo: { ...document.creationInfo, created: new Date(time * 1000).toISOString().replace(/\.\d+Z$/, "Z") },
    packages,
    relationships: [
      { spdxElementId: "SPDXRef-DOCUMENT", relatedSpdxElement: root, relationshipType: "DESCRIBES" },
      ...packages
        .filter(({ SPDXID }) => SPDXID !== root)
        .map(({ SPDXID }) => ({ spdxElementId: root, relatedSpdxElement: SPDXID, relationshipType: "CONTAINS" })),
    ],
  };
}
