import { secret } from "../../config/secret.ts";
import { hostAndPort, mayWrite } from "../../config/values.ts";
import { once } from "../../lib/once.ts";
import { z } from "../../lib/zod.ts";
import type { CheckKind } from "../kind.ts";

/** Checks whose answer a server may not tell: the ids after `redis.`. */
const mayBeUntold = ["hit-rate", "memory", "replication", "persistence", "writable", "read-only"] as const;

const sentinel = once(() =>
  z.strictObject({
    master: z.string().min(1).meta({ description: "Name of the master in the sentinels' configuration, such as `mymaster`." }),
    nodes: z
      .array(hostAndPort())
      .min(1)
      .meta({ description: "Sentinels as `host:port`, asked in this order. Default port: 26379." }),
    username: z.string().min(1).optional().meta({ description: "ACL user for the sentinels, if they require one." }),
    password: secret("SENTINEL_PASSWORD").optional().meta({ description: "Password for the sentinels, if they require one." }),
    tls: z
      .boolean()
      .optional()
      .meta({ description: "Whether to connect to the sentinels with TLS. Default: the same as `url`." }),
  }),
);

const settings = once(() =>
  z.strictObject({
    url: secret("REDIS_URL").meta({
      description:
        "Address of Redis: `redis://`, or `rediss://` for TLS, which is always verified. It is a secret because it may contain a password. With `sentinel`, only its user, password, database and TLS are used, not its host.",
    }),
    sentinel: sentinel()
      .optional()
      .meta({ description: "Redis Sentinels that name the current server, which may change in a failover." }),
    cluster: z
      .union([z.boolean(), z.array(hostAndPort()).min(1)], {
        error: "expected true, or a list of nodes such as [redis-1.internal:6379]",
      })
      .optional()
      .meta({ description: "`true`: `url` is a node of a Redis Cluster. A list: more nodes to ask if that node is down." }),
    certificateAuthority: z.string().min(1).optional().meta({ description: "File with a private CA certificate (PEM)." }),
    exclusive: z.boolean().default(false).meta({
      description:
        "`true`: only this run writes to this Redis, so every new key that is left belongs to the run. See docs/books.md.",
    }),
    require: z.array(z.enum(mayBeUntold)).default([]).meta({
      description:
        "What this server must tell. Managed services leave out parts of `INFO`, and some have no `ACL`: what isn't told is skipped, or a warning for `read-only`. What is listed here is an error instead.",
    }),
    mayWrite: mayWrite(),
    expect: z
      .strictObject({
        host: z.string().min(1).meta({
          description:
            "Expected Redis host, written out and not taken from a variable. With a cluster: the node that is asked first. With sentinels: the master, or the sentinel that names it.",
        }),
        database: z.int().min(0).optional().meta({ description: "Expected database number." }),
      })
      .optional()
      .meta({
        description:
          "Expected identity of Redis. It is compared before a connection is opened, before the first write, and again after every failover. It protects from mistakes, not from somebody who changes this file.",
      }),
  }),
);

const schema = once(() =>
  settings().optional().meta({ description: "The Redis server. Leave it out if the environment has none." }),
);

/** Redis: connection, identity, health, certificate, and the user's rights. */
export const redis: CheckKind<ReturnType<typeof schema>> = {
  schema,
  stages: ["preflight", "smoke"],
  dependsOn: [],
  critical: ["redis.writable", "redis.read-only"],
  load: () => import("./check.ts"),
};
