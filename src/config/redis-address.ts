/** Redis options that some clients read from an address's query, in lower case, with their replacement in the configuration. */
const insteadOf: Readonly<Record<string, string>> = {
  db: "write the database as the path, such as redis://redis.internal:6379/3",
  database: "write the database as the path, such as redis://redis.internal:6379/3",
  keyprefix: "not supported: remove it, and write the prefix in the namespaces under testData.keys, such as app:cw:test:*",
  username: "write the user before the host, such as redis://user:password@redis.internal",
  password: "write the password before the host, such as redis://user:password@redis.internal",
  host: "write the host in the address",
  port: "write the port after the host, such as redis://redis.internal:6380",
  path: "Unix sockets are not supported: write host and port",
  tls: "write rediss:// for TLS",
  ssl: "write rediss:// for TLS",
  name: "write it as redis.sentinel.master",
  mastername: "write it as redis.sentinel.master",
  sentinels: "list them under redis.sentinel.nodes",
  sentinelusername: "write it as redis.sentinel.username",
  sentinelpassword: "write it as redis.sentinel.password",
  role: "replicas are not supported: write the address of the master, or redis.sentinel",
  cluster: "write redis.cluster: true",
};

/**
 * Rejects Redis addresses with more than user, host, port and database. Clients such as ioredis read options from the query, so
 * the tests could use another Redis than the cleanup. The address is a secret: the message names known options only.
 */
export function redisAddressProblem({ hostname, search, hash, searchParams }: URL): string | undefined {
  if (hostname.includes(",")) return "expected one host: write the others under redis.cluster or redis.sentinel.nodes";
  if (hash !== "") return "expected no # in the address: remove it, or write %23 if it is part of the password";
  if (search === "") return undefined;
  const names = [...new Set(searchParams.keys())];
  const cures = names.flatMap((name) => {
    const option = name.toLowerCase();
    return Object.hasOwn(insteadOf, option) ? [`${name}: ${insteadOf[option]}`] : [];
  });
  const others = names.length - cures.length;
  if (others > 0) cures.push(`${cures.length > 0 ? "remove the other options" : "remove them"}: they are not read`);
  return `expected no options after ? in the address. ${cures.join("; ")}`;
}

/** Decodes the user or the password of an address as its server receives it. Clients accept a bare %, so it is kept. */
export function decodedPart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
