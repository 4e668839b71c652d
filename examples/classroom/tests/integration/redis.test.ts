import { prefix, testId, trackKey } from "@classwaves/env-actions/testkit";
import { describe, expect, it } from "vitest";
import { keyPrefix } from "../run.ts";
import { connectRedis } from "./connections.ts";

describe("keys of Redis", () => {
  const redis = connectRedis();

  it("carry the run in their name", async () => {
    for (let n = 1; n <= 40; n++) await redis.set(`${keyPrefix}cache:${prefix}:${n}`, `value ${n}`, "EX", 3600);
    expect(await redis.get(`${keyPrefix}cache:${prefix}:40`)).toBe("value 40");
  });

  it("carry the id of a session under their older name", async () => {
    const session = testId();
    await redis.set(`session:${session}:access_code`, "123456", "EX", 86_400);
    expect(await redis.ttl(`session:${session}:access_code`)).toBeGreaterThan(0);
  });

  it("hold a teacher's devices and sessions", async () => {
    const teacher = testId();
    await redis.hset(`teacher_devices:${teacher}`, { tablet: "online", phone: "offline" });
    await redis.sadd(`teacher_sessions:${teacher}`, testId(), testId());
    expect(await redis.hlen(`teacher_devices:${teacher}`)).toBe(2);
    expect(await redis.scard(`teacher_sessions:${teacher}`)).toBe(2);
  });

  it("hold a stream without an end", async () => {
    const key = `${keyPrefix}events:${prefix}`;
    for (const event of ["created", "started", "ended"]) await redis.xadd(key, "*", "event", event);
    expect([await redis.xlen(key), await redis.ttl(key)]).toEqual([3, -1]);
  });

  it("hold a key that only the ledger knows", async () => {
    const key = `guidance:autoprompt:${crypto.randomUUID()}`;
    await redis.set(key, "scheduled", "EX", 1800);
    trackKey(key);
    expect(await redis.exists(key)).toBe(1);
  });
});
