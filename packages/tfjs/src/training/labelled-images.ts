/** Labelled images in memory for training, which reads them in another order in each epoch. */
export interface LabelledImages {
  readonly count: number;
  /** Each image is square. */
  readonly side: number;
  readonly channels: number;
  /** Names by class index. */
  readonly classes: readonly string[];
  /** uint8 [count, side, side, channels], one after another. */
  readonly pixels: Uint8Array;
  /** Class index of each image. */
  readonly labels: Uint8Array;
}

/** The images at these indices, in this order. */
export function pick(images: LabelledImages, places: ArrayLike<number>): LabelledImages {
  const bytes = images.side ** 2 * images.channels;
  const pixels = new Uint8Array(places.length * bytes);
  const labels = new Uint8Array(places.length);
  for (let index = 0; index < places.length; index++) {
    const place = places[index] ?? 0;
    pixels.set(images.pixels.subarray(place * bytes, (place + 1) * bytes), index * bytes);
    labels[index] = images.labels[place] ?? 0;
  }
  return { ...images, count: places.length, pixels, labels };
}

/** Only the images whose class passes. */
export function withClasses(images: LabelledImages, passes: (name: string) => boolean): LabelledImages {
  const wanted = images.classes.map(passes);
  const places: number[] = [];
  for (let place = 0; place < images.count; place++)
    if (wanted[images.labels[place] ?? 0]) places.push(place);
  return pick(images, places);
}

/** Random 32-bit numbers that are the same for the same seed (Vigna's splitmix, 32-bit finalizer of MurmurHash3). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
}

/** The numbers 0 … count−1 in an order determined by the seed (Fisher and Yates). */
export function shuffled(count: number, seed: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  const next = randomNumbers(seed);
  for (let last = count - 1; last > 0; last--) {
    const other = next() % (last + 1);
    const kept = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = kept;
  }
  return order;
}

/** Splits off every `every`th image of a fixed pseudo-random order for testing; the rest is for training. */
export function splitImages(
  images: LabelledImages,
  every = 5,
): { readonly train: LabelledImages; readonly test: LabelledImages } {
  const order = shuffled(images.count, 0);
  return {
    train: pick(
      images,
      order.filter((_, index) => index % every !== 0),
    ),
    test: pick(
      images,
      order.filter((_, index) => index % every === 0),
    ),
  };
}
