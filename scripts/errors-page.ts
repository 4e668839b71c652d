import { type ErrorArea, errorCatalogue } from "../src/model/error-codes/catalogue.ts";
import { row } from "./markdown-table.ts";

/** `docs/reference/errors.md`: one entry per code, with an anchor such as `#ea1007` that messages link to. */
export function errorsPage(): string {
  return `# Errors

<!-- Generated from src/model/error-codes by scripts/errors-page.ts: edit there. -->

Every error has a code, such as \`EA1007\`. It precedes the message in the terminal, the log, the annotations and the report. A code
always means the same kind of mistake. The message itself says what happened, where, and what to do.

Do you look for something without a code? See [troubleshooting](../guides/troubleshooting.md).

| Codes | About |
| --- | --- |
${errorCatalogue.map(areaRow).join("\n")}

${errorCatalogue.map(areaSection).join("\n\n")}
`;
}

function areaRow({ title, entries }: ErrorArea): string {
  const codes = Object.keys(entries);
  return row(`${codes[0]}–${codes.at(-1)}`, `[${title}](#${anchorOf(title)})`);
}

function areaSection({ title, entries }: ErrorArea): string {
  const sections = Object.entries(entries).map(
    ([code, entry]) => `### ${code}\n\n**${entry.title}.** ${entry.meaning}\n\n**What to do:** ${entry.fix}`,
  );
  return [`## ${title}`, ...sections].join("\n\n");
}

/** The anchor that GitHub generates for a heading. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");
}
