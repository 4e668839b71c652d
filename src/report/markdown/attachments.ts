import { count, numberText } from "../../lib/count.ts";
import type { Attachment } from "../../model/test-results.ts";
import { inlineCode, tableCell } from "../inert.ts";
import { attachmentState, bytes, cut } from "../words.ts";
import { details, table } from "./blocks.ts";
import type { Part } from "./budget.ts";

const longestText = 300;
const mostShown = 100;

/** Screenshots, traces and videos; what could not be kept stands there as well. */
export function attachmentParts(attachments: readonly Attachment[] = []): Part[] {
  if (attachments.length === 0) return [];
  const rows = attachments
    .slice(0, mostShown)
    .map((attachment) => [
      inlineCode(cut(attachment.file, longestText)),
      tableCell(cut(attachment.test ?? "", longestText)),
      bytes(attachment.bytes),
      `${attachment.leftOut === undefined ? "" : "⚠️ "}${tableCell(attachmentState(attachment))}`,
    ]);
  const rest =
    attachments.length > mostShown ? `and ${numberText(attachments.length - mostShown)} more, all in the report.\n` : "";
  const list = table(["File", "Test", "Size", ""], rows, new Set([2]));
  const title = `📎 ${count(attachments.length, "file")} left behind by failed tests`;
  return [{ text: details(title, list + rest), shorter: [{ text: "", loses: "list of attachments" }] }];
}
