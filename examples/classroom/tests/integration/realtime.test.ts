import { io, type Socket } from "socket.io-client";
import { afterEach, describe, expect, it } from "vitest";
import { call, makeSession, signIn } from "../api.ts";
import { backendUrl } from "../run.ts";

describe("sockets", () => {
  const open: Socket[] = [];
  afterEach(() => {
    for (const socket of open.splice(0)) socket.close();
  });

  function connect(namespace: string, token?: string): Socket {
    const socket = io(`${backendUrl}${namespace}`, {
      auth: token === undefined ? {} : { token },
      transports: ["websocket"],
      reconnection: false,
      forceNew: true,
    });
    open.push(socket);
    return socket;
  }

  /** `connected`, or why not. */
  function outcome(socket: Socket): Promise<string> {
    return new Promise((resolve) => {
      socket.once("connect", () => resolve("connected"));
      socket.once("connect_error", ({ message }) => resolve(message));
    });
  }

  function next(socket: Socket, event: string): Promise<unknown> {
    return new Promise((resolve) => socket.once(event, resolve));
  }

  it.each(["/sessions", "/guidance"])("are refused at %s without a token", async (namespace) => {
    expect(await outcome(connect(namespace))).toBe("Authentication token required");
  });

  it("are refused with a wrong token", async () => {
    expect(await outcome(connect("/sessions", "wrong"))).toBe("Invalid authentication token");
  });

  it("are refused in a namespace that does not exist", async () => {
    expect(await outcome(connect("/nowhere", (await signIn()).token))).toBe("Invalid namespace");
  });

  it.each(["/sessions", "/guidance"])("are welcome at %s with a token", async (namespace) => {
    expect(await outcome(connect(namespace, (await signIn("socket")).token))).toBe("connected");
  });

  it("are five at most for one teacher", async () => {
    const { token } = await signIn("greedy");
    const sockets = Array.from({ length: 5 }, () => connect("/sessions", token));
    expect(await Promise.all(sockets.map(outcome))).toEqual(Array(5).fill("connected"));
    expect(await outcome(connect("/sessions", token))).toBe("Connection limit exceeded");
  });

  it("tell the teacher who joins", async () => {
    const teacher = await signIn("live");
    const session = await makeSession(teacher, "live");
    const socket = connect("/sessions", teacher.token);
    await next(socket, "welcome");
    const told = next(socket, "member:joined");
    const body = { accessCode: session.accessCode, displayName: "Robin", groupId: session.groups[1]?.id };
    await call("POST", `/sessions/${session.id}/join`, { body });
    expect(await told).toMatchObject({ sessionId: session.id, groupId: session.groups[1]?.id, member: { displayName: "Robin" } });
  });
});
