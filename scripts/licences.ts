import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A package whose licence is bundled without the text that it asks to be copied. */
export class LicenceMissing extends Error {}

/** Their packages name a licence, but have no file with its text. */
export const withoutText: ReadonlySet<string> = new Set(["@sigstore/verify", "saxes", "tr46"]);

const licenceFile = /^(?:licen[cs]e|copying)(?:\.(?:md|txt))?$/i;

/**
 * Adds the licences that ncc leaves out of `licenses.txt`: it reads the package.json beside a module, and packages that have one more for
 * each module system state their licence only in the first.
 * @param text a name after an empty line for each package, then its licence and its text, or one of them, or nothing
 * @param modules the folder `node_modules`
 * @throws LicenceMissing if a package has no licence or no text of it
 */
export function completeLicences(text: string, modules: string): string {
  const lines = text.split("\n");
  const isEntry = (index: number) => lines[index - 1] === "" && isPackage(lines[index] ?? "", modules);
  const complete: string[] = [];
  for (let index = 0; index < lines.length; index++) {
    const name = lines[index] ?? "";
    complete.push(name);
    if (!isEntry(index) || withoutText.has(name)) continue;
    const isBare = lines[index + 1] === "";
    const isNamedOnly = lines[index + 2] === "" && (index + 3 >= lines.length || isEntry(index + 3));
    if (!isBare && !isNamedOnly) continue;
    complete.push(...licenceOf(name, modules));
    // The licence that ncc wrote stands in what was added.
    if (!isBare) index++;
  }
  return complete.join("\n");
}

function isPackage(name: string, modules: string): boolean {
  return /^(?:@[\w.-]+\/)?[a-z\d][\w.-]*$/.test(name) && existsSync(join(modules, name, "package.json"));
}

function licenceOf(name: string, modules: string): string[] {
  const folder = join(modules, name);
  const { license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { license?: string };
  const file = readdirSync(folder).find((one) => licenceFile.test(one));
  if (license === undefined || file === undefined)
    throw new LicenceMissing(`${name} is bundled, but its licence is not in its package: see scripts/licences.ts`);
  return [license, ...readFileSync(join(folder, file), "utf8").trimEnd().replaceAll("\r\n", "\n").split("\n")];
}
