import type { Server as HttpServer } from "node:http";
import { Server, type Socket } from "socket.io";
import type { Cache } from "./cache.ts";
import type { Settings } from "./settings.ts";
import { type Identity, verifyToken } from "./tokens.ts";

export interface Realtime {
  /** Sends to every page of this teacher. */
  tell(namespace: "/sessions" | "/guidance", teacherId: string, event: string, payload: object): void;
  /** The number of open sockets. */
  connections(): number;
  /** Closes every socket and the HTTP server. */
  close(): Promise<void>;
}

const socketsPerUser = 5;
const connectionKeySeconds = 300;

export function startRealtime(server: HttpServer, settings: Settings, cache: Cache): Realtime {
  const io = new Server(server, {
    cors: { origin: settings.allowedOrigins.length > 0 ? settings.allowedOrigins : true, credentials: true },
    serveClient: false,
  });
  for (const name of ["sessions", "guidance"]) {
    const open = new Map<string, number>();
    const count = async (teacherId: string, change: 1 | -1) => {
      const sockets = (open.get(teacherId) ?? 0) + change;
      const key = `websocket_connections:${name}:${teacherId}`;
      if (sockets > 0) open.set(teacherId, sockets);
      else open.delete(teacherId);
      // Only informs other services; a class continues while Redis is down.
      await (sockets > 0 ? cache.set(key, `${sockets}`, connectionKeySeconds) : cache.delete(key)).catch((error: Error) =>
        console.error(`${key}: ${error.message}`),
      );
    };

    io.of(`/${name}`)
      .use((socket, next) => {
        const token: unknown = socket.handshake.auth.token;
        if (typeof token !== "string" || token === "") return next(new Error("Authentication token required"));
        const identity = verifyToken(settings.jwtSecret, "access", token);
        if (!identity) return next(new Error("Invalid authentication token"));
        if ((open.get(identity.teacherId) ?? 0) >= socketsPerUser) return next(new Error("Connection limit exceeded"));
        socket.data = identity;
        next();
      })
      .on("connection", async (socket: Socket) => {
        const { teacherId } = socket.data as Identity;
        socket.on("disconnect", () => void count(teacherId, -1));
        await Promise.all([socket.join(teacherId), count(teacherId, 1)]);
        socket.emit("welcome", { teacherId });
      });
  }
  return {
    tell: (namespace, teacherId, event, payload) => void io.of(namespace).to(teacherId).emit(event, payload),
    connections: () => io.of("/sessions").sockets.size + io.of("/guidance").sockets.size,
    close: () => io.close(),
  };
}
