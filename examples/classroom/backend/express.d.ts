/** The parts of Express 5 that this backend uses; Express has no types of its own. */
declare module "express" {
  import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

  export interface Request extends IncomingMessage {
    readonly params: Record<string, string>;
    /** `undefined` if no JSON body was sent. */
    readonly body: unknown;
    readonly ip: string | undefined;
    readonly path: string;
    readonly originalUrl: string;
    readonly method: string;
    get(header: string): string | undefined;
  }

  export interface Response extends ServerResponse {
    status(code: number): this;
    set(headers: Record<string, string>): this;
    json(body: unknown): this;
    type(mediaType: string): this;
    send(body: string): this;
  }

  export type Next = (error?: unknown) => void;
  export type Handler = (request: Request, response: Response, next: Next) => void | Promise<void>;
  export type ErrorHandler = (error: unknown, request: Request, response: Response, next: Next) => void;

  export interface Router extends Handler {
    get(path: string, handler: Handler): this;
    post(path: string, handler: Handler): this;
    delete(path: string, handler: Handler): this;
    use(...handlers: (Handler | ErrorHandler)[]): this;
    use(path: string, ...handlers: Handler[]): this;
  }

  export interface Application extends Router, RequestListener {
    disable(setting: string): this;
    set(setting: string, value: unknown): this;
  }

  const express: { (): Application; json(options?: { limit?: string }): Handler };
  export default express;
  export function Router(): Router;
}
