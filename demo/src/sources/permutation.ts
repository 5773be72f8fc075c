/**
 * A fixed pseudo-random order of the images, which mixes writers and classes. A Feistel network needs no table.
 */

const rounds = 6;

/**
 * A bijection of 0 … size−1, decided by the seed alone: a balanced Feistel network over the next power of
 * four, walked in cycles until it lands inside (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002).
 */
export function createPermutation(size: number, seed: number): (index: number) => number {
  const halfBits = Math.max(1, Math.ceil(Math.log2(Math.max(2, size)) / 2));
  const mask = 2 ** halfBits - 1;
  const encipher = (index: number): number => {
    let left = index >>> halfBits;
    let right = index & mask;
    for (let round = 0; round < rounds; round++) {
      [left, right] = [right, left ^ (scramble(right, seed + round) & mask)];
    }
    return ((left << halfBits) | right) >>> 0;
  };
  return (index) => {
    let place = encipher(index);
    while (place >= size) place = encipher(place);
    return place;
  };
}

/** The finalizer of MurmurHash3: spreads every bit of the input over 32 bits. */
function scramble(value: number, key: number): number {
  let hash = (value ^ Math.imul(key + 1, 0x9e3779b1)) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
