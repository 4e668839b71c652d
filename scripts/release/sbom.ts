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

interface Lock {
  /** By folder, such as `node_modules/ws`. */
  packages: Record<string, { dev?: boolean }>;
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
  const printed = execFileSync("npm", ["sbom", "--package-lock-only", "--sbom-format=spdx"], {
    cwd: committed,
    encoding: "utf8",
    maxBuffer: 100_000_000,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lock = JSON.parse(readFileSync(join(committed, "package-lock.json"), "utf8")) as Lock;
  const licences = readFileSync(join(committed, "dist", "licenses.txt"), "utf8");
  const document = JSON.parse(printed) as Document;
  const isBundled = bundledIn(document, licences, lock);
  return `${JSON.stringify(reduced(document, isBundled, sources), undefined, 2)}\n`;
}

/** The licences name what is in dist. Of a package with several versions, one that only tools use is not in it. */
function bundledIn({ packages }: Document, licences: string, lock: Lock): (one: Package) => boolean {
  const lines = licences.split("\n");
  const names = new Set(lines.filter((_, index) => index === 0 || lines[index - 1] === ""));
  const isForTools = ({ packageFileName = "" }: Package) => lock.packages[packageFileName]?.dev === true;
  const used = new Set(packages.filter((one) => !isForTools(one)).map(({ name }) => name));
  return (one) => names.has(one.name) && (!used.has(one.name) || !isForTools(one));
}

function reduced(document: Document, isBundled: (one: Package) => boolean, { version, commit, time }: Sources): Document {
  const [root = ""] = document.documentDescribes;
  const packages = document.packages
    .filter((one) => one.SPDXID === root || isBundled(one))
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
