import { readFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { request } from "node:https";
import type { Warehouse } from "../../local/warehouse/index.ts";

export interface Answer {
  status: number;
  body: Record<string, unknown>;
  headers: IncomingHttpHeaders;
}

/** One plain HTTPS call to the warehouse, without the driver. */
export function call(
  warehouse: Warehouse,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = "",
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ca = readFileSync(warehouse.certificateAuthority);
    const sent = request({ host: "localhost", port: warehouse.port, method, path, headers, ca }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => {
        const { statusCode = 0, headers: answered } = response;
        resolve({ status: statusCode, body: JSON.parse(Buffer.concat(parts).toString()), headers: answered });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
