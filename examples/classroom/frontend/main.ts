import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

/** Serves the teacher's page and the backend's address. */
const backendUrl = process.env.BACKEND_URL ?? "http://localhost:3000";

const files: Record<string, { path: URL | string; type: string }> = {
  "/": { path: new URL("public/index.html", import.meta.url), type: "text/html; charset=utf-8" },
  "/app.js": { path: new URL("public/app.js", import.meta.url), type: "text/javascript; charset=utf-8" },
  "/backend.js": { path: new URL("public/backend.js", import.meta.url), type: "text/javascript; charset=utf-8" },
  "/style.css": { path: new URL("public/style.css", import.meta.url), type: "text/css; charset=utf-8" },
  "/socket.io.js": { path: socketIoBundle(), type: "text/javascript; charset=utf-8" },
};

const server = createServer(async (request, response) => {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  response.setHeader("X-Content-Type-Options", "nosniff");
  if (path === "/config.json") {
    response.setHeader("Content-Type", "application/json").end(JSON.stringify({ backendUrl }));
    return;
  }
  const file = files[path];
  if (!file) {
    response.writeHead(404, { "Content-Type": "text/plain" }).end("not found\n");
    return;
  }
  try {
    const body = await readFile(file.path);
    response.setHeader("Content-Type", file.type).end(body);
  } catch (error) {
    console.error(`${path}: ${error instanceof Error ? error.message : error}`);
    response.writeHead(500, { "Content-Type": "text/plain" }).end("internal error\n");
  }
});

server.listen(Number(process.env.PORT ?? "3001"), () => {
  const address = server.address();
  console.log(`classroom frontend listening on port ${typeof address === "object" ? address?.port : address}`);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
}

/** The browser build is next to the entry that Node would load. */
function socketIoBundle(): string {
  const entry = fileURLToPath(import.meta.resolve("socket.io-client/package.json"));
  return entry.replace(/package\.json$/, "dist/socket.io.esm.min.js");
}
