// What an authenticator app does: codes by RFC 6238 (HMAC-SHA-1, 30 seconds, 6 digits).

import { createHmac } from "node:crypto";

const STEP_SECONDS = 30;
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The bytes that a base32 text (RFC 4648, padding and blanks ignored) stands for. */
export function fromBase32(text) {
  let bits = 0;
  let value = 0;
  const bytes = [];
  for (const letter of text.toUpperCase().replace(/[\s=]/g, "")) {
    const digit = BASE32.indexOf(letter);
    if (digit < 0) throw new Error(`not base32: ${letter}`);
    value = ((value << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 0xff);
    }
  }
  return Buffer.from(bytes);
}

/** The code of one time step; `key` is bytes. */
export function codeAt(key, step) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac("sha1", key).update(counter).digest();
  const number = digest.readUInt32BE(digest[digest.length - 1] & 0x0f) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

/**
 * One person's authenticator. A server takes each code once, so each call gives a code of a later step than the
 * last: two in quick succession are in order, since servers accept a clock that is one step ahead.
 */
export class Authenticator {
  #key;
  #clock;
  #lastStep = -1;

  /** `secret` is base32, as shown at enrolment; `clock` is that of the house, since a phone shows the same time. */
  constructor(secret, clock) {
    this.#key = fromBase32(secret);
    this.#clock = clock;
  }

  /** A code not given before. */
  code() {
    const current = Math.floor(this.#clock.now() / 1000 / STEP_SECONDS);
    const step = Math.max(current, this.#lastStep + 1);
    if (step > current + 1) throw new Error("more than two codes within one step: the server would refuse them");
    this.#lastStep = step;
    return codeAt(this.#key, step);
  }
}
