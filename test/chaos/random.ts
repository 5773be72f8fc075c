/** Chance that can be had again: the same seed makes the same stream and the same faults, in the same order. */
export interface Random {
  /** From 0 up to, and without, 1. */
  next(): number;
  /** A whole number; both ends can come up. */
  integer(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  shuffle<T>(items: readonly T[]): T[];
}

/** `purpose` keeps what is drawn for one thing from changing what is drawn for another. */
export function createRandom(seed: number, purpose: string): Random {
  let state = scramble(seed, purpose);
  /** mulberry32, by Tommy Ettinger (public domain). */
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
  return {
    next,
    integer,
    chance: (probability) => next() < probability,
    pick(from) {
      const picked = from[integer(0, from.length - 1)];
      if (picked === undefined) throw new RangeError('nothing to pick from');
      return picked;
    },
    shuffle(items) {
      return items
        .map((item) => ({ item, place: next() }))
        .sort((a, b) => a.place - b.place)
        .map(({ item }) => item);
    },
  };
}

/** FNV-1a over the purpose, begun at the seed. */
function scramble(seed: number, purpose: string): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (const byte of Buffer.from(purpose)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
