/**
 * A random projection keeps distances, to a few percent, independently of the data (Johnson, Lindenstrauss, 1984), even if its
 * matrix holds only −1, 0 and 1 (Achlioptas: Database-friendly random projections, 2003). Signs come from a fixed generator and
 * a seed.
 */

/** Maximum number of entries of the matrix, one byte each. */
export const mostEntries = 2 ** 26;

interface ProjectionOptions {
  readonly input: number;
  readonly dimensions: number;
  readonly seed: number;
  /** Two thirds of the entries are 0, the others ±√3; otherwise all are ±1. */
  readonly sparse: boolean;
}

/** y = R x / √k: sums in float64, in the order of the entries, rounded to float32. */
export function openProjection(options: ProjectionOptions): (vector: Float32Array) => Float32Array {
  const { input, dimensions, sparse } = options;
  const matrix = drawMatrix(options);
  const scale = Math.sqrt((sparse ? 3 : 1) / dimensions);
  return (vector) => {
    const projected = new Float32Array(dimensions);
    for (let row = 0; row < dimensions; row++) {
      let sum = 0;
      for (let i = 0; i < input; i++) sum += (matrix[row * input + i] ?? 0) * (vector[i] ?? 0);
      projected[row] = sum * scale;
    }
    return projected;
  };
}

/** One draw for each entry, row by row. */
function drawMatrix({ input, dimensions, seed, sparse }: ProjectionOptions): Int8Array {
  const draw = createDraws(seed);
  return new Int8Array(input * dimensions).map(() => {
    const word = draw();
    if (!sparse) return word >= 0x80000000 ? 1 : -1;
    const face = Math.floor(word / (2 ** 32 / 6));
    return face === 0 ? -1 : face === 1 ? 1 : 0;
  });
}

/** Thirty-two bits per draw: a counter, mixed as in SplitMix (Steele, Lea, Flood, 2014) with the finalizer of MurmurHash3. */
function createDraws(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b9);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let word = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
    return (word ^ (word >>> 16)) >>> 0;
  };
}
