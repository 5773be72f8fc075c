// Adds blocks of sixteen vectors to the Gram matrix. See ../src/kernel/gram.ts for the layout and for why nothing overflows.

/**
 * entries ± Σ x xᵀ over `blocks` blocks of sixteen vectors. A block holds one v128 for each four dimensions and each pair of
 * vectors: (x_j of both), (x_{j+1} of both), …, so that one dot product yields four columns of a row. The outer loop runs over
 * rows, so that a row of the matrix stays in the cache while all blocks are added to it.
 */
export function accumulate(entries: usize, packed: usize, width: i32, blocks: i32, negative: bool): void {
  const blockBytes = <usize>width * 32;
  let row = entries;
  for (let i = 0; i < width; i++) {
    const start = <usize>(i >> 2) * 128;
    for (let block = 0; block < blocks; block++) {
      const base = packed + <usize>block * blockBytes;
      addRow(row, base + start, base + blockBytes, base + start + <usize>(i & 3) * 4, negative);
    }
    row += <usize>(width - (i & ~3)) * 8;
  }
}

function splat(address: usize, pair: usize, negative: bool): v128 {
  const value = v128.load32_splat(address + pair * 16);
  return negative ? i16x8.neg(value) : value;
}

function addRow(row: usize, from: usize, end: usize, own: usize, negative: bool): void {
  const a0 = splat(own, 0, negative);
  const a1 = splat(own, 1, negative);
  const a2 = splat(own, 2, negative);
  const a3 = splat(own, 3, negative);
  const a4 = splat(own, 4, negative);
  const a5 = splat(own, 5, negative);
  const a6 = splat(own, 6, negative);
  const a7 = splat(own, 7, negative);
  for (; from < end; from += 128) {
    const low = i32x4.add(
      i32x4.add(i32x4.dot_i16x8_s(a0, v128.load(from)), i32x4.dot_i16x8_s(a1, v128.load(from, 16))),
      i32x4.add(i32x4.dot_i16x8_s(a2, v128.load(from, 32)), i32x4.dot_i16x8_s(a3, v128.load(from, 48))),
    );
    const high = i32x4.add(
      i32x4.add(i32x4.dot_i16x8_s(a4, v128.load(from, 64)), i32x4.dot_i16x8_s(a5, v128.load(from, 80))),
      i32x4.add(i32x4.dot_i16x8_s(a6, v128.load(from, 96)), i32x4.dot_i16x8_s(a7, v128.load(from, 112))),
    );
    const sum = i32x4.add(low, high);
    const upper = i8x16.shuffle(sum, sum, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
    v128.store(row, f64x2.add(v128.load(row), f64x2.convert_low_i32x4_s(sum)));
    v128.store(row, f64x2.add(v128.load(row, 16), f64x2.convert_low_i32x4_s(upper)), 16);
    row += 32;
  }
}
