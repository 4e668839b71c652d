import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { holderOf, parseLsof, parseNetstat, parseTasklist } from "../../src/processes/tree.ts";

// The output of macOS and Windows is recorded text, because these systems aren't available here. A wrong pid would point the user
// at an unrelated process.

test("this system names the holder of a port, or nobody if there is none", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  expect(await holderOf(port)).toContain(`pid ${process.pid} (`);
  await new Promise((resolve) => server.close(resolve));
  expect(await holderOf(port)).toBe("another process");
});

describe("lsof", () => {
  test("names each process once, without its files", () => {
    expect(parseLsof("p4711\ncnode\nf23\nf24\np4712\ncPython\nf3\n")).toEqual([
      { pid: 4711, command: "node" },
      { pid: 4712, command: "Python" },
    ]);
    expect(parseLsof("")).toEqual([]);
  });
});

describe("netstat", () => {
  const output = [
    "",
    "Aktive Verbindungen",
    "",
    "  Proto  Lokale Adresse         Remoteadresse          Status           PID",
    "  TCP    0.0.0.0:3000           0.0.0.0:0              ABHÖREN          4711",
    "  TCP    0.0.0.0:13000          0.0.0.0:0              ABHÖREN          99",
    "  TCP    127.0.0.1:3000         127.0.0.1:50112        HERGESTELLT      4711",
    "  TCP    127.0.0.1:50112        127.0.0.1:3000         HERGESTELLT      100",
    "  TCP    [::]:3000              [::]:0                 ABHÖREN          4711",
    "  TCP    [::1]:3000             [::]:0                 ABHÖREN          4712",
  ].join("\r\n");

  test("names the listeners of exactly this port, in any language, each once", () => {
    expect(parseNetstat(output, 3000)).toEqual([4711, 4712]);
    expect(parseNetstat(output, 50112)).toEqual([]);
  });
});

test("tasklist names the program, or nobody if it only prints a message", () => {
  expect(parseTasklist('"node.exe","4711","Console","1","40,120 K"\r\n')).toBe("node.exe");
  expect(parseTasklist("INFO: No tasks are running which match the specified criteria.\r\n")).toBe("");
});
