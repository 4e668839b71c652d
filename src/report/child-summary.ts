import { codeBlock } from "./inert.ts";

/** Beside the largest summary of a stage, this much fits below GitHub's limit. */
const mostBytes = 40_000;

/** What servers and tests wrote for the job's summary: as text, because it is others' and could mislead; empty where there is none. */
export function childSummary(text: string): string {
  if (text.trim() === "") return "";
  for (let length = text.length; ; length = Math.floor(length / 2)) {
    const rest = length < text.length ? "\n(the rest is left out)" : "";
    const shown = `<details><summary>What servers and tests wrote to this summary</summary>\n\n${codeBlock(text.slice(0, length) + rest)}\n</details>\n\n`;
    if (Buffer.byteLength(shown) <= mostBytes) return shown;
  }
}
