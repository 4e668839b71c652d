import { AuditVerifier } from "../../src/audit/chain.ts";
import { type AuditFault, faultOf } from "../../src/audit/faults.ts";
import { type AuditOutput, auditReport as report, type VerifyOptions, auditVerify as verify } from "../../src/cli/audit.ts";

/** What an audit command answers, as text and as JSON. */
export interface AuditAnswer {
  ok: boolean;
  text: string;
  json: unknown;
}

export async function auditVerify(workspace: string, options?: VerifyOptions): Promise<AuditAnswer> {
  return await answer((output) => verify(workspace, output, options));
}

export async function auditReport(workspace: string, run: string | undefined, options?: VerifyOptions): Promise<AuditAnswer> {
  return await answer((output) => report(workspace, run, output, options));
}

async function answer(command: (output: AuditOutput) => Promise<boolean>): Promise<AuditAnswer> {
  const [text, json] = [await printed(command, false), await printed(command, true)];
  if (text.ok !== json.ok) throw new Error(`text says ${text.ok}, JSON says ${json.ok}`);
  const value: unknown = JSON.parse(json.text);
  if (`${JSON.stringify(value, undefined, 2)}\n` !== json.text) throw new Error(`not as JSON.stringify writes it: ${json.text}`);
  return { ok: text.ok, text: text.text.slice(0, -1), json: value };
}

async function printed(command: (output: AuditOutput) => Promise<boolean>, json: boolean) {
  let text = "";
  const write = async (piece: string) => {
    if (!piece.endsWith("\n")) throw new Error(`a piece must end with a line: ${piece.slice(-80)}`);
    text += piece;
    return true;
  };
  const ok = await command({ json, write });
  return { ok, text };
}

/** Each fault of these lines. */
export function faultsOf(lines: readonly string[], verifier = new AuditVerifier()): AuditFault[] {
  return lines.flatMap((line) => {
    const bytes = Buffer.from(line);
    const kind = verifier.take(bytes, 0, bytes.length, true);
    return kind === undefined ? [] : [faultOf(verifier.lines, kind)];
  });
}
