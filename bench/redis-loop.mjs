import { Redis } from "ioredis";

// The peer of bench/redis.ts: the shortest program that deletes keys by how they begin. `node bench/redis-loop.mjs URL BEGINNING…`
const [url, ...beginnings] = process.argv.slice(2);
const redis = new Redis(url);
let cursor = "0";
let deleted = 0;
do {
  const [next, keys] = await redis.scan(cursor, "COUNT", 1_000);
  cursor = next;
  const found = keys.filter((key) => beginnings.some((beginning) => key.startsWith(beginning)));
  if (found.length > 0) deleted += await redis.unlink(...found);
} while (cursor !== "0");
console.log(deleted);
redis.disconnect();
