/** Extractors for images that come over HTTP: opened when the first one comes, since most processes never need one. */
import { type Extractor, openExtractor } from '@headwater/extractors';

export interface ImageSizeLimits {
  readonly maxBytes: number;
  readonly maxPixels: number;
}

export class LazyExtractors {
  readonly #limits: ImageSizeLimits;
  readonly #open = new Map<string, Promise<Extractor>>();

  constructor(limits: ImageSizeLimits) {
    this.#limits = limits;
  }

  /** Errors: extractor-unknown, model-invalid. */
  open(id: string): Promise<Extractor> {
    const known = this.#open.get(id);
    if (known !== undefined) return known;
    const opening = openExtractor(id, { limits: this.#limits, maxPending: 16 });
    this.#open.set(id, opening);
    opening.catch(() => this.#open.delete(id));
    return opening;
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#open.values());
    this.#open.clear();
    for (const one of opened) if (one.status === 'fulfilled') await one.value.close();
  }
}
