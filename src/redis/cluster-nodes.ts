import type { Address } from "./address.ts";

export const slotCount = 16_384;

/** A line of CLUSTER NODES. */
export interface ClusterNode {
  id: string;
  /** Whether this is the node that was asked. It may not know its own address. */
  myself: boolean;
  address: Address;
  /** Holds keys or may: not a replica, and not a node that is still joining. */
  isMaster: boolean;
  epoch: string;
  /** First and last slot of each range. */
  ranges: [number, number][];
  /** Slots moving to or from it; a node only reports its own. */
  moving: string[];
}

/**
 * @param asked the node that answered
 * @param byName use a node's announced name, if any, instead of its number, because certificates contain names
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

/** CRC16 (XMODEM), byte by byte, as Redis Cluster uses it for slots. */
const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 8;
  for (let bit = 0; bit < 8; bit++) value = value & 0x8000 ? (value << 1) ^ 0x1021 : value << 1;
  return value;
});

/**
 * The slot of a key (as `latin1`), computed from the text between the first `{` and the next `}` if not empty, otherwise from the
 * whole key.
 */
export function slotOf(key: string): number {
  const open = key.indexOf("{");
  const close = open < 0 ? -1 : key.indexOf("}", open + 1);
  const [from, to] = close > open + 1 ? [open + 1, close] : [0, key.length];
  let crc = 0;
  for (let at = from; at < to; at++) crc = ((crc << 8) & 0xffff) ^ (table[((crc >> 8) ^ key.charCodeAt(at)) & 0xff] ?? 0);
  return crc & 0x3fff;
}
