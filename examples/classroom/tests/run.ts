export const backendUrl = process.env.E2E_BACKEND_URL ?? process.env.BACKEND_URL ?? "http://localhost:3000";
export const frontendUrl = process.env.E2E_FRONTEND_URL ?? process.env.FRONTEND_URL ?? "http://localhost:3001";

/** Where the backend writes: `cw:{NODE_ENV}:`. */
export const keyPrefix = `cw:${process.env.CLASSROOM_NODE_ENV ?? "test"}:`;
