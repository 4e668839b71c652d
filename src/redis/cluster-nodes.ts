import type { Address } from "./address.ts";

export const slotCount = 16_384;

/** A line of CLUSTER NODES. */
export interface ClusterNode {
  id: string;
  /** Of the node that was asked itself, which may not know how it is reached. */
  myself: boolean;
  address: Address;
  /** Holds keys, or may: no replica, and no node that is not quite there. */
  isMaster: boolean;
  epoch: string;
  /** First and last slot of each range. */
  ranges: [number, number][];
  /** Slots on their way to or from it; a node tells this only of itself. */
  moving: string[];
}

/**
 * @param asked where this was asked
 * @param byName take the name that a node announces rather than its number, where it announces one: certificates are made for names.
 */
export function parseClusterNodes(text: string, asked: Address, byName: boolean): ClusterNode[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [id = "", place = "", flagText = "", , , , epoch = "", , ...slots] = line.trim().split(" ");
      const flags = flagText.split(",");
      const myself = flags.includes("myself");
      return {
        id,
        myself,
        address: myself ? asked : addressIn(place, byName),
        isMaster: flags.includes("master") && !flags.includes("handshake") && !flags.includes("noaddr"),
        epoch,
        ranges: slots.filter((slot) => !slot.startsWith("[")).map(range),
        moving: slots.filter((slot) => slot.startsWith("[")),
      };
    });
}

/** `10.0.0.1:6379@16379,redis-1.internal,shard-id=…` */
function addressIn(place: string, byName: boolean): Address {
  const [numbers = "", name = ""] = place.split(",");
  const address = numbers.split("@")[0] ?? "";
  const colon = address.lastIndexOf(":");
  const host = byName && name !== "" ? name : address.slice(0, colon);
  return { host, port: Number(address.slice(colon + 1)) };
}

function range(text: string): [number, number] {
  const [first = 0, last = first] = text.split("-").map(Number);
  return [first, last];
}
