import fc from "fast-check";
import { expect, test } from "vitest";
import { LineSplitter } from "../../src/processes/output.ts";

function split(chunks: readonly Buffer[]): string[] {
  const splitter = new LineSplitter();
  return [...chunks.flatMap((chunk) => splitter.write(chunk)), ...splitter.end()];
}

const line = fc.string({ unit: "grapheme", maxLength: 40 }).map((text) => text.replace(/[\r\n]/g, ""));

// A chunk may end between \r and \n or inside a multi-byte character.
test("wherever the bytes are cut into chunks, the lines are the same", () => {
  const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(line), fc.constantFrom("\n", "\r\n"), cuts, (lines, lineEnd, places) => {
      const bytes = Buffer.from(lines.map((one) => one + lineEnd).join(""));
      const borders = [0, ...places.filter((place) => place < bytes.length).sort((a, b) => a - b), bytes.length];
      const chunks = borders.slice(1).map((end, index) => bytes.subarray(borders[index], end));
      expect(split(chunks)).toEqual(lines);
    }),
  );
});

test("a last line without a line end counts; empty output has no lines", () => {
  expect(split([Buffer.from("one\ntwo")])).toEqual(["one", "two"]);
  expect(split([])).toEqual([]);
});

test("an endless line is cut, and the next line is complete", () => {
  const chunks = [...Array.from({ length: 100 }, () => Buffer.alloc(65_536, "x")), Buffer.from("\nnext\n")];
  expect(split(chunks)).toEqual([`${"x".repeat(8_192)} … (line cut)`, "next"]);
});
