import { type Address, addressText, type RedisRoute } from "./address.ts";
import { type ClusterNode, parseClusterNodes, slotCount, slotOf } from "./cluster-nodes.ts";
import { type Answers, type Match, maxRestarts, type RedisIdentity, type Store } from "./connection.ts";
import { pauseFor, RedisFailure, refusedFailure, unreachable, withRetries } from "./failure.ts";
import { type CommandWords, ErrorReply, type Reply } from "./resp.ts";
import { scanKeys } from "./scan-keys.ts";
import { type Access, ReconnectingWire, Wire } from "./wire.ts";

const keysPerPipeline = 256;
const firstPauseMs = 20;
const longestPauseMs = 1_000;

interface Member {
  id: string;
  address: Address;
  line: ReconnectingWire;
}

/** Who holds which slots, as each master reports. */
interface Survey {
  /** Changes whenever a slot moves to another node. */
  signature: string;
  /** Slots are being moved, so any scan may miss their keys. */
  moving: boolean;
}

/**
 * The masters of a cluster. A configured node lists them all, and each must identify itself as the one that was listed. The
 * target of a redirection is looked up in that list, never followed blindly.
 */
export class Cluster implements Store {
  readonly #way: RedisRoute;
  readonly #access: Access;
  readonly #signal: AbortSignal;
  readonly #seeds: readonly Address[];
  /** By id; nodes that answered as members of this cluster. */
  #members = new Map<string, Member>();
  #owners: (Member | undefined)[] = [];
  #identity: RedisIdentity | undefined;

  private constructor(way: RedisRoute, access: Access, signal: AbortSignal) {
    this.#way = way;
    this.#access = access;
    this.#signal = signal;
    this.#seeds = [way.address, ...(way.cluster ?? [])];
  }

  /** @param admit is called before the first node is used, and throws if nothing may be written @throws RedisFailure */
  static async open(
    way: RedisRoute,
    access: Access,
    signal: AbortSignal,
    admit: ((identity: RedisIdentity) => void) | undefined,
  ): Promise<Cluster> {
    const cluster = new Cluster(way, access, signal);
    try {
      await cluster.#withRetries(() => cluster.#survey());
      admit?.(cluster.identity);
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  get identity(): RedisIdentity {
    if (!this.#identity) throw new Error("the cluster has not been opened");
    const masters = this.#masters().map(({ address }) => addressText(address));
    return { ...this.#identity, masters: masters.sort() };
  }

  wires(): Promise<Wire[]> {
    let again = false;
    return this.#withRetries(async () => {
      // The set of masters may be what changed.
      if (again) await this.#survey();
      again = true;
      return await Promise.all(this.#masters().map(({ line }) => line.wire()));
    });
  }

  async layout(): Promise<string | undefined> {
    const { signature, moving } = await this.#withRetries(() => this.#survey());
    return moving ? undefined : signature;
  }

  async *scan(match: Match, onInterruption: (why: string) => void): AsyncGenerator<string[]> {
    let why = "";
    for (let attempt = 0; attempt <= maxRestarts; attempt++) {
      if (attempt > 0) {
        onInterruption(`reading the Redis keys was interrupted and starts again: ${why}`);
        await pauseFor(Math.min(firstPauseMs * 2 ** attempt, longestPauseMs), this.#signal);
      }
      const before = await this.#withRetries(() => this.#survey());
      try {
        // One after another: each has its own cursor, and other clients feel at most one scan.
        for (const { line } of this.#masters()) yield* scanKeys(await line.wire(), match, this.#signal);
        const after = await this.#survey();
        if (!before.moving && !after.moving && before.signature === after.signature) return;
        why = "slots moved to other nodes meanwhile";
      } catch (error) {
        if (!(error instanceof RedisFailure) || !error.passing) throw error;
        why = error.message;
      }
    }
    throw new RedisFailure("unreachable", `the keys could not be looked through in ${maxRestarts + 1} attempts: ${why}`);
  }

  async unlink(keys: readonly string[]): Promise<number | undefined> {
    const { replies, lost } = await this.perKey("UNLINK", keys);
    return lost ? undefined : replies.reduce<number>((sum, reply) => sum + Number(reply), 0);
  }

  /** Key by key: several keys in one command must share a slot, and some of them may have moved. */
  async perKey(name: string, keys: readonly string[], more: readonly string[] = []): Promise<Answers> {
    const work = new KeyWork(name, keys, more, this.#access);
    let deadline = performance.now() + this.#way.retryForMs;
    for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
      const before = work.open.size;
      await Promise.all([...this.#byOwner(work)].map(([member, indices]) => work.askOf(member, indices)));
      if (work.refused) throw work.refused;
      if (work.open.size === 0) return { replies: work.replies, lost: work.lost };
      if (work.open.size < before) {
        deadline = performance.now() + this.#way.retryForMs;
        pause = firstPauseMs;
      }
      if (performance.now() + pause > deadline)
        throw unreachable(`no node answered for ${work.open.size} keys; last answer: ${work.why}`);
      await pauseFor(pause, this.#signal);
      await this.#withRetries(() => this.#survey());
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#members.values()].map(({ line }) => line.close()));
  }

  /** Those that hold keys. */
  #masters(): Member[] {
    return [...new Set(this.#owners)].filter((member) => member !== undefined);
  }

  #byOwner(work: KeyWork): Map<Member, number[]> {
    const groups = new Map<Member, number[]>();
    for (const index of work.open.keys()) {
      const asked = work.open.get(index);
      const member =
        asked === undefined
          ? this.#owners[slotOf(work.keys[index] ?? "")]
          : [...this.#members.values()].find(({ address }) => addressText(address) === asked);
      // Unknown nodes are looked for in the next survey.
      if (!member) {
        work.open.set(index, undefined);
        continue;
      }
      const group = groups.get(member);
      if (group) group.push(index);
      else groups.set(member, [index]);
    }
    return groups;
  }

  #withRetries<Result>(work: () => Promise<Result>): Promise<Result> {
    return withRetries(this.#way.retryForMs, this.#signal, work);
  }

  /** Asks one member for all others, then every master for itself. @throws RedisFailure also if the cluster has not settled */
  async #survey(): Promise<Survey> {
    const listed = await this.#list();
    const members = new Map<string, Member>();
    for (const node of listed.filter(({ isMaster }) => isMaster)) members.set(node.id, this.#member(node));
    const left = [...this.#members.values()].filter(({ id }) => !members.has(id));
    this.#members = members;
    // Another pass may be about to ask this member; it then surveys again, as after any temporary failure.
    await Promise.all(left.map(({ address, line }) => line.close(unsettled(`${addressText(address)} is no longer a master`))));

    const holding = listed.filter(({ isMaster, ranges }) => isMaster && ranges.length > 0);
    const accounts = await Promise.all(holding.map(async (node) => this.#ownAccount(node)));
    const owners: (Member | undefined)[] = new Array(slotCount).fill(undefined);
    for (const { id, ranges } of accounts)
      for (const [first, last] of ranges)
        for (let slot = first; slot <= last; slot++) {
          if (owners[slot]) throw unsettled(`two nodes claim slot ${slot}`);
          owners[slot] = members.get(id);
        }
    const missing = owners.indexOf(undefined);
    if (missing >= 0) throw unsettled(`no node answers for slot ${missing}`);
    this.#owners = owners;
    return {
      signature: accounts
        .map(({ id, epoch, ranges }) => `${id} ${epoch} ${ranges.join(" ")}`)
        .sort()
        .join("\n"),
      moving: accounts.some(({ moving }) => moving.length > 0),
    };
  }

  /** A member keeps its connection as long as its address stays the same. */
  #member({ id, address }: ClusterNode): Member {
    const known = this.#members.get(id);
    if (known && addressText(known.address) === addressText(address)) return known;
    // Pending requests on the old connection get this error; a failing close doesn't matter.
    known?.line.close(unsettled(`${addressText(known.address)} has moved to ${addressText(address)}`)).catch(() => undefined);
    const line = new ReconnectingWire(() => Wire.open(address, this.#way.signIn, this.#access, this.#signal));
    return { id, address, line };
  }

  async #ownAccount({ id }: ClusterNode): Promise<ClusterNode> {
    const member = this.#members.get(id);
    if (!member) throw unsettled(`node ${id} is gone`);
    const myself = (await this.#nodesBy(await member.line.wire())).find((node) => node.myself);
    if (myself?.id !== id) throw unsettled(`${addressText(member.address)} is not the node that the cluster says it is`);
    if (!myself.isMaster) throw unsettled(`${addressText(member.address)} is no longer a master`);
    return myself;
  }

  /** From the first node that answers: configured ones, then known ones. Only members of the cluster found first are believed. */
  async #list(): Promise<ClusterNode[]> {
    const failures: string[] = [];
    let last: RedisFailure | undefined;
    let refused: unknown;
    for (const address of [...this.#seeds, ...[...this.#members.values()].map((member) => member.address)]) {
      const refusal = this.#whyNotConnected(address);
      if (refusal !== undefined) {
        refused ??= refusal;
        continue;
      }
      try {
        const nodes = await this.#askNode(address);
        const myself = nodes.find((node) => node.myself);
        if (!this.#identity) this.#identity = { mode: "cluster", ...address, database: 0 };
        else if (!nodes.some(({ id }) => this.#members.has(id)) && this.#members.size > 0)
          throw unsettled(`the node belongs to another cluster (node ${myself?.id})`);
        return nodes;
      } catch (error) {
        if (!(error instanceof RedisFailure) || error.kind === "cancelled") throw error;
        failures.push(`${addressText(address)}: ${error.message}`);
        if (!last || last.passing) last = error;
      }
    }
    if (!last && refused) throw refused;
    throw new RedisFailure(
      last?.kind ?? "unreachable",
      `no node of the cluster answered: ${failures.join("; ")}`,
      last,
      last?.passing,
    );
  }

  /** A member is trusted because the expected node listed it. Any other address must be expected itself. */
  #whyNotConnected(address: Address): unknown {
    const isMember = [...this.#members.values()].some((member) => addressText(member.address) === addressText(address));
    if (isMember) return undefined;
    try {
      this.#way.mayConnect?.({ ...address, database: 0 });
      return undefined;
    } catch (error) {
      return error;
    }
  }

  async #askNode(address: Address): Promise<ClusterNode[]> {
    const known = [...this.#members.values()].find((member) => addressText(member.address) === addressText(address));
    if (known) return await this.#nodesBy(await known.line.wire());
    const wire = await Wire.open(address, this.#way.signIn, "reading", this.#signal);
    try {
      if (wire.greeting.mode !== undefined && wire.greeting.mode !== "cluster")
        throw new RedisFailure("refused", "the server is not a node of a cluster: remove redis.cluster");
      return await this.#nodesBy(wire);
    } finally {
      await wire.close();
    }
  }

  async #nodesBy(wire: Wire): Promise<ClusterNode[]> {
    const text = await wire.ask(["CLUSTER", "NODES"]);
    return parseClusterNodes(String(text), wire.address, this.#way.signIn.tls !== undefined);
  }
}

function unsettled(why: string): RedisFailure {
  return new RedisFailure("unreachable", `the cluster is changing: ${why}`);
}

/** Sends one command for each of many keys until all have a reply. */
class KeyWork {
  readonly replies: Reply[];
  /** Index of each key without a reply → the address to ask, if the slot's owner redirected us. */
  readonly open: Map<number, string | undefined>;
  lost = false;
  refused: RedisFailure | undefined;
  /** Why the last one is still open. */
  why = "";
  readonly keys: readonly string[];
  readonly #name: string;
  readonly #more: readonly string[];
  readonly #access: Access;

  constructor(name: string, keys: readonly string[], more: readonly string[], access: Access) {
    this.#name = name;
    this.keys = keys;
    this.#more = more;
    this.#access = access;
    this.replies = new Array(keys.length).fill(null);
    this.open = new Map(keys.map((_, index) => [index, undefined]));
  }

  /** If a node cannot be reached, its keys stay open. */
  async askOf({ line }: { line: ReconnectingWire }, indices: readonly number[]): Promise<void> {
    for (let at = 0; at < indices.length && !this.refused; at += keysPerPipeline) {
      try {
        await this.#pipeline(await line.wire(), indices.slice(at, at + keysPerPipeline));
      } catch (error) {
        if (!(error instanceof RedisFailure)) throw error;
        if (!error.passing) this.refused = error;
        this.why = error.message;
        return;
      }
    }
  }

  async #pipeline(wire: Wire, indices: readonly number[]): Promise<void> {
    const asking = indices.map((index) => this.open.get(index) !== undefined);
    const commands = indices.flatMap((index, at): CommandWords[] => [
      ...(asking[at] ? [["ASKING"] as const] : []),
      [this.#name, this.keys[index] ?? "", ...this.#more],
    ]);
    const { replies, lost } = await wire.send(commands);
    let next = 0;
    for (const [at, index] of indices.entries()) {
      if (asking[at]) next++;
      const reply = replies[next++];
      if (reply !== undefined) this.#take(index, reply);
    }
    if (lost) {
      this.lost = true;
      throw lost;
    }
  }

  #take(index: number, reply: Reply): void {
    if (!(reply instanceof ErrorReply)) {
      this.replies[index] = reply;
      this.open.delete(index);
      return;
    }
    this.why = reply.text;
    const [kind, , address] = reply.text.split(" ");
    // A reader doesn't follow a key that is being moved: the pass is repeated anyway.
    if (kind === "ASK" && this.#access === "reading") this.open.delete(index);
    else if (kind === "ASK") this.open.set(index, address);
    else {
      this.open.set(index, undefined);
      const failure = refusedFailure(reply.text);
      if (kind !== "MOVED" && !failure.passing) this.refused = failure;
    }
  }
}
