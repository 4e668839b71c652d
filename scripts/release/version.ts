/** Versions of releases, such as `1.2.3`, and what the changelog says about one. */

export interface Version {
  text: string;
  numbers: readonly [major: number, minor: number, patch: number];
}

/** @throws Error if the text is not a version that can be released */
export function parseVersion(text: string): Version {
  const found = /^([1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/.exec(text);
  if (!found) throw new Error(`${text} is not a version such as 1.2.3`);
  return { text, numbers: [Number(found[1]), Number(found[2]), Number(found[3])] };
}

/** @returns undefined if the tag is not that of a version */
export function versionOfTag(tag: string): Version | undefined {
  return /^v[1-9]\d*\.\d+\.\d+$/.test(tag) ? parseVersion(tag.slice(1)) : undefined;
}

/** Negative if `a` is older. */
export function compareVersions(a: Version, b: Version): number {
  const difference = a.numbers.map((number, index) => number - (b.numbers[index] ?? 0)).find((one) => one !== 0);
  return difference ?? 0;
}

/** The tag that moves: `v1`. */
export function movingTag({ numbers: [major] }: Version): string {
  return `v${major}`;
}

export const portable = (ref: string): string => `${ref}-portable`;

/**
 * The entries of a version, without its heading.
 * @throws Error if it has no heading, is not the newest one, or entries have no version yet
 */
export function notesOf(changelog: string, { text: version }: Version): string {
  const sections = changelog.split(/^## /m).slice(1);
  const parts = sections.map((section) => {
    const [heading = "", ...lines] = section.split("\n");
    return { name: heading.trim().split(" ")[0] ?? "", text: lines.join("\n").trim() };
  });
  const unreleased = parts.find(({ name }) => name === "Unreleased");
  const [newest] = parts.filter(({ name }) => name !== "Unreleased");
  if (newest?.name !== version)
    throw new Error(
      `CHANGELOG.md: expected "## ${version}" as its newest version, got ${newest ? `"## ${newest.name}"` : "no version"}. ${howToPrepare(version)}`,
    );
  if (newest.text === "") throw new Error(`CHANGELOG.md: "## ${version}" has no entries. Write what users notice`);
  if (unreleased && unreleased.text !== "")
    throw new Error(`CHANGELOG.md: "## Unreleased" still has entries. Move them below "## ${version}"`);
  return newest.text;
}

export function howToPrepare(version: string): string {
  return `Run: node scripts/release/set-version.ts ${version}, then npm run build, and commit`;
}
