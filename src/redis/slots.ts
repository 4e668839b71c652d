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
