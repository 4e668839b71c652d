import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { completeLicences } from "../../scripts/licences.ts";

// What the bundle contains of other people must carry their licence: ncc leaves some out.

function modules(packages: Record<string, { license?: string; text?: string }>): string {
  const root = mkdtempSync(join(tmpdir(), "licences-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, { license, text }] of Object.entries(packages)) {
    mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, name, "package.json"), JSON.stringify({ name, license }));
    if (text !== undefined) writeFileSync(join(root, name, "LICENSE"), text);
  }
  return root;
}

test("a package without a licence gets the one of its package, others keep theirs", () => {
  const root = modules({
    "@a/bare": { license: "MIT", text: "Permission is granted.\n" },
    whole: { license: "ISC", text: "other" },
  });
  const text = "first\nMIT\nText.\n\n@a/bare\n\nwhole\nISC\nIts own text.\n";
  expect(completeLicences(text, root)).toBe(
    "first\nMIT\nText.\n\n@a/bare\nMIT\nPermission is granted.\n\nwhole\nISC\nIts own text.\n",
  );
});

test("a package whose licence is only named gets its text", () => {
  const root = modules({
    named: { license: "SEE LICENSE IN LICENSE", text: "Long text." },
    whole: { license: "ISC", text: "other" },
  });
  const text = "first\nMIT\nText.\n\nnamed\nSEE LICENSE IN LICENSE\n\nwhole\nISC\nIts own text.\n";
  expect(completeLicences(text, root)).toBe(
    "first\nMIT\nText.\n\nnamed\nSEE LICENSE IN LICENSE\nLong text.\n\nwhole\nISC\nIts own text.\n",
  );
});

test("a line of a licence that only looks like a name stays as it is", () => {
  const text = "first\nMIT\n\nconditions\n\nText.\n";
  expect(completeLicences(text, modules({}))).toBe(text);
});

test("a package without a licence of its own stops the build, and is named", () => {
  const text = "first\nMIT\nText.\n\nbare\n\nnext\nMIT\nText.\n";
  expect(() => completeLicences(text, modules({ bare: {} }))).toThrow("bare is bundled, but its licence is not in its package");
});
