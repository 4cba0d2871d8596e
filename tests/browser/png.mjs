// Makes a picture of a page small enough for a repository: at most 256 colours, each of them one that is in it.
// Reads what Chromium writes (8 bits a channel, not interlaced) and nothing else.

import { deflateSync, inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** The same picture with a palette. */
export function withPalette(png) {
  const { width, height, channels, pixels } = read(png);
  const { palette, indexes } = reduced(pixels, channels);
  const lines = Buffer.alloc(height * (width + 1));
  for (let line = 0; line < height; line += 1) {
    indexes.copy(lines, line * (width + 1) + 1, line * width, (line + 1) * width);
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const chunks = [chunk("IHDR", head), chunk("PLTE", palette), chunk("IDAT", deflateSync(lines, { level: 9 }))];
  return Buffer.concat([SIGNATURE, ...chunks, chunk("IEND", Buffer.alloc(0))]);
}

function chunk(kind, data) {
  const body = Buffer.concat([Buffer.from(kind, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** The checksum of the format. */
function crc32(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (0xedb88320 & -(sum & 1));
  }
  return ~sum >>> 0;
}

function read(png) {
  const [width, height, depth, kind] = [png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25]];
  const channels = { 2: 3, 6: 4 }[kind];
  if (depth !== 8 || !channels || png[28] !== 0) throw new Error("not a picture as Chromium writes it");
  const data = [];
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12) {
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  return { width, height, channels, pixels: unfiltered(inflateSync(Buffer.concat(data)), width * channels, height, channels) };
}

/** Undoes the five filters of the format, line by line. */
function unfiltered(lines, length, height, channels) {
  const pixels = Buffer.alloc(length * height);
  for (let line = 0; line < height; line += 1) {
    const filter = lines[line * (length + 1)];
    for (let place = 0; place < length; place += 1) {
      const here = line * length + place;
      const left = place < channels ? 0 : pixels[here - channels];
      const above = line === 0 ? 0 : pixels[here - length];
      const corner = line === 0 || place < channels ? 0 : pixels[here - length - channels];
      const expected = [0, left, above, (left + above) >> 1, nearest(left, above, corner)][filter];
      pixels[here] = lines[line * (length + 1) + 1 + place] + expected;
    }
  }
  return pixels;
}

/** The one of three neighbours that is nearest to what they let one expect. */
function nearest(left, above, corner) {
  const expected = left + above - corner;
  const [byLeft, byAbove, byCorner] = [left, above, corner].map((value) => Math.abs(expected - value));
  if (byLeft <= byAbove && byLeft <= byCorner) return left;
  return byAbove <= byCorner ? above : corner;
}

/** Puts like colours together, more and more, until a palette holds them; each group is shown as its commonest. */
function reduced(pixels, channels) {
  const counts = new Map();
  for (let at = 0; at < pixels.length; at += channels) {
    const colour = pixels.readUIntBE(at, 3);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const common = Array.from(counts).sort(([, one], [, other]) => other - one);
  for (let bits = 8; bits > 0; bits -= 1) {
    const mask = 0x010101 * ((0xff << (8 - bits)) & 0xff);
    const groups = new Map();
    for (const [colour] of common) if (!groups.has(colour & mask)) groups.set(colour & mask, [groups.size, colour]);
    if (groups.size > 256) continue;
    const palette = Buffer.alloc(groups.size * 3);
    for (const [index, colour] of groups.values()) palette.writeUIntBE(colour, index * 3, 3);
    const indexes = Buffer.alloc(pixels.length / channels);
    for (let pixel = 0; pixel < indexes.length; pixel += 1) {
      indexes[pixel] = groups.get(pixels.readUIntBE(pixel * channels, 3) & mask)[0];
    }
    return { palette, indexes };
  }
  throw new Error("no palette holds it");
}
