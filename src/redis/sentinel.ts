import { type Address, addressText, type RedisRoute } from "./address.ts";
import { RedisFailure } from "./failure.ts";
import { readableKey } from "./scan-keys.ts";
import { Wire } from "./wire.ts";

/** The master's address, from the first sentinel that knows it. @throws RedisFailure with each sentinel's answer */
export async function askSentinels(
  { master, nodes, signIn }: NonNullable<RedisRoute["sentinel"]>,
  signal: AbortSignal,
): Promise<{ master: Address; sentinel: Address }> {
  const failures: RedisFailure[] = [];
  for (const sentinel of nodes) {
    try {
      return { master: await ask(sentinel, master, signIn, signal), sentinel };
    } catch (error) {
      if (!(error instanceof RedisFailure) || error.kind === "cancelled") throw error;
      failures.push(new RedisFailure(error.kind, `${addressText(sentinel)}: ${error.message}`, error, error.passing));
    }
  }
  // A refusal by one sentinel may only concern that one; a silent one may answer soon.
  const kind = failures.find((failure) => !failure.passing)?.kind ?? "unreachable";
  const passing = failures.some((failure) => failure.passing);
  const said = failures.map((failure) => failure.message).join("; ");
  throw new RedisFailure(
    kind,
    `no sentinel gives the address of the master ${readableKey(master)}: ${said}`,
    failures[0],
    passing,
  );
}

async function ask(
  address: Address,
  master: string,
  signIn: NonNullable<RedisRoute["sentinel"]>["signIn"],
  signal: AbortSignal,
): Promise<Address> {
  const wire = await Wire.open(address, signIn, "reading", signal);
  try {
    if (wire.greeting.mode !== undefined && wire.greeting.mode !== "sentinel")
      throw new RedisFailure("refused", "expected a sentinel, got a Redis server");
    const reply = await wire.ask(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", master]);
    if (!Array.isArray(reply)) throw new RedisFailure("refused", `it knows no master with the name ${readableKey(master)}`);
    const [host, port] = reply.map(String);
    return { host: host ?? "", port: Number(port) };
  } finally {
    await wire.close();
  }
}
