import { codeBlock } from "./inert.ts";

/** Fits below GitHub's limit together with a stage's largest summary. */
const mostBytes = 40_000;

/** What servers and tests wrote to the job's summary, as plain text because it is untrusted; empty if there is nothing. */
export function childSummary(text: string): string {
  if (text.trim() === "") return "";
  for (let length = text.length; ; length = Math.floor(length / 2)) {
    const rest = length < text.length ? "\n(the rest is left out)" : "";
    const shown = `<details><summary>What servers and tests wrote to this summary</summary>\n\n${codeBlock(text.slice(0, length) + rest)}\n</details>\n\n`;
    if (Buffer.byteLength(shown) <= mostBytes) return shown;
  }
}
