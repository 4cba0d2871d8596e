import assert from "node:assert/strict";
import { test } from "node:test";
import { Authenticator, codeAt, fromBase32 } from "./totp.mjs";

const SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"; // RFC 6238, appendix B: "12345678901234567890"

test("codes are those of RFC 6238, appendix B", () => {
  const key = fromBase32(SECRET);
  assert.equal(key.toString(), "12345678901234567890");
  for (const [seconds, code] of [[59, "287082"], [1111111109, "081804"], [2000000000, "279037"]]) {
    assert.equal(codeAt(key, Math.floor(seconds / 30)), code);
  }
});

test("an authenticator never gives the same step twice", () => {
  let now = 3_000_000;
  const authenticator = new Authenticator(SECRET, { now: () => now });
  const key = fromBase32(SECRET);
  assert.equal(authenticator.code(), codeAt(key, 100));
  assert.equal(authenticator.code(), codeAt(key, 101));
  assert.throws(() => authenticator.code(), /more than two codes/);
  now = 3_090_000;
  assert.equal(authenticator.code(), codeAt(key, 103));
});
