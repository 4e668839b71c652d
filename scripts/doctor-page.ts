import { type RuleArea, ruleAreas } from "../src/doctor/registry.ts";
import type { Rule, Severity } from "../src/doctor/rule.ts";
import { row } from "./markdown-table.ts";

/** `docs/reference/doctor.md`: one entry per code, from the rules themselves. */
export function doctorPage(): string {
  return `# What the doctor finds

<!-- Generated from the rules in src/doctor/rules by scripts/doctor-page.ts: edit there. -->

\`env-actions doctor\` finds mistakes in the configuration and the workflows before a run does. [How to use it](../guides/doctor.md). Each kind of
mistake has a code, which always means the same kind.

| Severity | Meaning |
| --- | --- |
${(Object.keys(severities) as Severity[]).map((one) => row(`\`${one}\``, severities[one])).join("\n")}

${ruleAreas.map(section).join("\n\n")}
`;
}

const severities: Record<Severity, string> = {
  fails: "**Will fail:** a run fails, or never ends",
  unsafe: "**Is unsafe:** credentials or data are at risk, or a check is green although nothing was checked",
  surprises: "**May surprise:** a run works, but not as most people expect",
};

function section({ title, rules }: RuleArea): string {
  return [`## ${title}`, ...rules.map(entry)].join("\n\n");
}

function entry({ code, severity, title, meaning, cure }: Rule): string {
  return `### ${code}\n\n**${title}.** \`${severity}\`. ${meaning}\n\n**What to do:** ${cure}`;
}
