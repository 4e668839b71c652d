import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";

/**
 * ZIP archives with the features that artifacts need: files in memory, stored or deflated. Encryption, several disks and ZIP64
 * are rejected, and so are archives whose size or names could harm the reader.
 */

export interface ZipFile {
  /** Relative path with `/`, such as `reports/smoke.json`. */
  name: string;
  content: Buffer;
}

export interface ZipLimits {
  files: number;
  /** Total size of all files in bytes, uncompressed. */
  bytes: number;
}

const defaultLimits: ZipLimits = { files: 1000, bytes: 64 * 1024 * 1024 };

const localSignature = 0x04034b50;
const centralSignature = 0x02014b50;
const endSignature = 0x06054b50;
const localHeaderSize = 30;
const centralHeaderSize = 46;
const endRecordSize = 22;
const longestComment = 0xffff;

const stored = 0;
const deflated = 8;
const encryptedFlag = 1;
const utf8Flag = 1 << 11;
/** Version 2.0, which introduced deflate. */
const versionNeeded = 20;
/** 1980-01-01, the earliest date in ZIP. A fixed date makes archives reproducible. */
const dosDate = (1 << 5) | 1;
/** In a ZIP64 archive, this value means that the real one is elsewhere. */
const zip64Marker = 0xffffffff;

/** @throws Error for a name that could leave the target folder, a duplicate name, or an archive beyond `limits` */
export function writeZip(files: readonly ZipFile[], limits = defaultLimits): Buffer {
  checkLimits(
    files.length,
    files.reduce((sum, file) => sum + file.content.length, 0),
    limits,
  );
  checkNames(files.map((file) => file.name));
  const localParts: Buffer[] = [];
  const centralParts: Buffer[] = [];
  let offset = 0;
  for (const file of files) {
    const name = Buffer.from(file.name, "utf8");
    const packed = pack(file.content);
    const description = describe(file.content, packed, name.length);
    const local = Buffer.alloc(localHeaderSize);
    local.writeUInt32LE(localSignature, 0);
    description.copy(local, 4);
    localParts.push(local, name, packed.data);
    const central = Buffer.alloc(centralHeaderSize);
    central.writeUInt32LE(centralSignature, 0);
    central.writeUInt16LE(versionNeeded, 4);
    description.copy(central, 6);
    central.writeUInt32LE(offset, 42);
    centralParts.push(central, name);
    offset += local.length + name.length + packed.data.length;
  }
  const directory = Buffer.concat(centralParts);
  const end = Buffer.alloc(endRecordSize);
  end.writeUInt32LE(endSignature, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...localParts, directory, end]);
}

/**
 * @returns the files in the archive's order, without folders
 * @throws Error if it is not a ZIP archive, is damaged, uses a rejected feature, or exceeds `limits`
 */
export function readZip(archive: Buffer, limits = defaultLimits): ZipFile[] {
  try {
    const entries = readDirectory(archive, limits);
    checkNames(entries.map((entry) => entry.name));
    // Folders are read too, so that a file whose damaged name looks like a folder's is not missed.
    return entries.map((entry) => readEntry(archive, entry)).filter(({ name }) => !name.endsWith("/"));
  } catch (error) {
    if (error instanceof RangeError) throw new Error("the ZIP archive is damaged: it points outside itself", { cause: error });
    throw error;
  }
}

interface Packed {
  method: number;
  data: Buffer;
}

function pack(content: Buffer): Packed {
  const data = deflateRawSync(content);
  return data.length < content.length ? { method: deflated, data } : { method: stored, data: content };
}

/** The 26 bytes that the local and the central header have in common. */
function describe(content: Buffer, packed: Packed, nameLength: number): Buffer {
  const bytes = Buffer.alloc(26);
  bytes.writeUInt16LE(versionNeeded, 0);
  bytes.writeUInt16LE(utf8Flag, 2);
  bytes.writeUInt16LE(packed.method, 4);
  bytes.writeUInt16LE(dosDate, 8);
  bytes.writeUInt32LE(crc32(content), 10);
  bytes.writeUInt32LE(packed.data.length, 14);
  bytes.writeUInt32LE(content.length, 18);
  bytes.writeUInt16LE(nameLength, 22);
  return bytes;
}

interface Entry {
  name: string;
  method: number;
  checksum: number;
  packedSize: number;
  size: number;
  offset: number;
}

function readDirectory(archive: Buffer, limits: ZipLimits): Entry[] {
  const end = findEnd(archive);
  const count = archive.readUInt16LE(end + 10);
  if (archive.readUInt16LE(end + 4) !== 0 || archive.readUInt16LE(end + 8) !== count)
    throw new Error("a ZIP archive over several disks is not read");
  checkLimits(count, 0, limits);
  const entries: Entry[] = [];
  const start = archive.readUInt32LE(end + 16);
  let position = start;
  for (let index = 0; index < count; index++) {
    if (archive.readUInt32LE(position) !== centralSignature)
      throw new Error("the ZIP archive is damaged: its directory is broken");
    const nameEnd = position + centralHeaderSize + archive.readUInt16LE(position + 28);
    entries.push(readCentralHeader(archive, position, nameEnd));
    position = nameEnd + archive.readUInt16LE(position + 30) + archive.readUInt16LE(position + 32);
  }
  if (position !== start + archive.readUInt32LE(end + 12)) throw new Error("the ZIP archive is damaged: its directory is broken");
  checkLimits(
    count,
    entries.reduce((sum, entry) => sum + entry.size, 0),
    limits,
  );
  return entries;
}

function findEnd(archive: Buffer): number {
  const earliest = Math.max(0, archive.length - endRecordSize - longestComment);
  for (let position = archive.length - endRecordSize; position >= earliest; position--)
    if (
      archive.readUInt32LE(position) === endSignature &&
      position + endRecordSize + archive.readUInt16LE(position + 20) === archive.length
    )
      return position;
  throw new Error("this is not a ZIP archive, or its end is missing");
}

function readCentralHeader(archive: Buffer, position: number, nameEnd: number): Entry {
  const entry = {
    name: slice(archive, position + centralHeaderSize, nameEnd).toString("utf8"),
    method: archive.readUInt16LE(position + 10),
    checksum: archive.readUInt32LE(position + 16),
    packedSize: archive.readUInt32LE(position + 20),
    size: archive.readUInt32LE(position + 24),
    offset: archive.readUInt32LE(position + 42),
  };
  if ((archive.readUInt16LE(position + 8) & encryptedFlag) !== 0) throw new Error(`${entry.name} is encrypted`);
  if ([entry.packedSize, entry.size, entry.offset].includes(zip64Marker)) throw new Error("a ZIP64 archive is not read");
  return entry;
}

function readEntry(archive: Buffer, entry: Entry): ZipFile {
  if (archive.readUInt32LE(entry.offset) !== localSignature) throw new Error(`${entry.name} is not where the ZIP directory says`);
  const nameStart = entry.offset + localHeaderSize;
  const nameEnd = nameStart + archive.readUInt16LE(entry.offset + 26);
  if (slice(archive, nameStart, nameEnd).toString("utf8") !== entry.name)
    throw new Error(`${entry.name} has another name where the ZIP directory points`);
  const start = nameEnd + archive.readUInt16LE(entry.offset + 28);
  const content = unpack(slice(archive, start, start + entry.packedSize), entry);
  if (content.length !== entry.size || crc32(content) !== entry.checksum)
    throw new Error(`${entry.name} is damaged: size or checksum differ from what the ZIP directory says`);
  return { name: entry.name, content };
}

function unpack(data: Buffer, entry: Entry): Buffer {
  if (entry.method === stored) return Buffer.from(data);
  if (entry.method !== deflated) throw new Error(`${entry.name} is packed by method ${entry.method}; only 0 and 8 are read`);
  try {
    // The sum of the declared sizes is limited, so a ZIP bomb stops at its declared size.
    return inflateRawSync(data, { maxOutputLength: Math.max(entry.size, 1) });
  } catch (error) {
    throw new Error(`${entry.name} is damaged: it does not unpack to the ${entry.size} bytes it declares`, { cause: error });
  }
}

/** Buffer#subarray truncates silently, but a range outside the archive must be an error. */
function slice(archive: Buffer, start: number, end: number): Buffer {
  if (end > archive.length) throw new RangeError("outside the archive");
  return archive.subarray(start, end);
}

function checkLimits(files: number, bytes: number, limits: ZipLimits): void {
  if (files > limits.files) throw new Error(`the ZIP archive would hold ${files} files; at most ${limits.files} are allowed`);
  if (bytes > limits.bytes) throw new Error(`the ZIP archive would hold ${bytes} bytes; at most ${limits.bytes} are allowed`);
}

function checkNames(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (!isSafeName(name)) throw new Error(`${JSON.stringify(name)} is not a safe name in a ZIP archive`);
    if (seen.has(name)) throw new Error(`${JSON.stringify(name)} stands twice in the ZIP archive`);
    seen.add(name);
  }
}

/** Rejects absolute paths, drives, backslashes, control characters and `..`, so that unpacked files stay in their folder. */
function isSafeName(name: string): boolean {
  if (Buffer.byteLength(name) > 1024) return false;
  for (const character of name) if (character < " " || character === "\u007f" || '\\:"<>|*?'.includes(character)) return false;
  const parts = name.replace(/\/$/, "").split("/");
  return parts.every((part) => part !== "" && part !== "." && part !== "..");
}
