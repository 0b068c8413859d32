/** Decimals are counted exactly, however many digits they have. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { fromMicros, fromUnits, readJson, toMicros, toUnits } from "../src/index.ts";

test("decimals of 20 digits and more keep every digit as units and back", () => {
  assert.equal(toMicros("12345678901234567890.123456"), 12345678901234567890123456n);
  assert.equal(fromMicros(12345678901234567890123456n), "12345678901234567890.123456");
  for (const text of ["0.000001", "-0.000001", "0.000000", "99999999999999999999.999999", "-12345678901234567890.000001"]) {
    assert.equal(fromMicros(toMicros(text)), text);
  }
});

test("units have as many places as are asked for", () => {
  assert.equal(toUnits("1.5", 2), 150n);
  assert.equal(toUnits("+7", 0), 7n);
  assert.equal(toUnits("1.500", 1), 15n);
  assert.equal(fromUnits(-5n, 2), "-0.05");
  assert.equal(fromUnits(7n, 0), "7");
});

test("what is no decimal, or has more places than fit, is refused and never rounded", () => {
  for (const text of ["", "1e3", "NaN", "1.", ".5", "0x10", " 1", "1,5"]) {
    assert.throws(() => toMicros(text), RangeError);
  }
  assert.throws(() => toMicros("0.0000001"), /more than 6 decimal places/);
});

test("a long integer in JSON becomes a BigInt and a string with digits stays a string", () => {
  const text = '{"a":12345678901234567890,"b":"12345678901234567890","c":-9007199254740993,"d":[1,2.5],"e":"\\"9007199254740993\\""}';
  assert.deepEqual(readJson(text), {
    a: 12345678901234567890n,
    b: "12345678901234567890",
    c: -9007199254740993n,
    d: [1, 2.5],
    e: '"9007199254740993"',
  });
});
