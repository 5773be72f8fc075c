/** Extractors for images sent over HTTP. Each is opened on first use, since most processes never need one. */
import { HeadwaterError } from '@headwater/errors';
import { idOfExtractorFile, openExtractor } from '@headwater/extractor-pipelines';
import { type Extractor, extractorIds } from '@headwater/extractors';

export interface ImageSizeLimits {
  readonly maxBytes: number;
  readonly maxPixels: number;
}

export class LazyExtractors {
  readonly #limits: ImageSizeLimits;
  readonly #files: ReadonlyMap<string, string>;
  readonly #open = new Map<string, Promise<Extractor>>();

  /** `files`: extractors of the user, by id (see `filesById`). */
  constructor(limits: ImageSizeLimits, files: ReadonlyMap<string, string> = new Map()) {
    this.#limits = limits;
    this.#files = files;
  }

  /** Errors: extractor-unknown, config-invalid, model-invalid. */
  open(id: string): Promise<Extractor> {
    const known = this.#open.get(id);
    if (known !== undefined) return known;
    const opening = this.#openNew(id);
    this.#open.set(id, opening);
    opening.catch(() => this.#open.delete(id));
    return opening;
  }

  async #openNew(id: string): Promise<Extractor> {
    const file = this.#files.get(id);
    if (file === undefined && !extractorIds().includes(id)) {
      const message = `unknown extractor ${id}; add its file to EXTRACTOR_FILES of classify, or send a vector`;
      throw new HeadwaterError('extractor-unknown', message, {
        verdict: 'dead-letter',
        context: { extractor: id },
      });
    }
    return await openExtractor(file ?? id, { limits: this.#limits, maxPending: 16 });
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#open.values());
    this.#open.clear();
    for (const one of opened) if (one.status === 'fulfilled') await one.value.close();
  }
}

/** Extractor files by the id in each. Errors: config-invalid, also where two files have one id. */
export async function filesById(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const path of paths) {
    const id = await idOfExtractorFile(path);
    const other = files.get(id);
    if (other !== undefined) {
      throw new HeadwaterError(
        'config-invalid',
        `EXTRACTOR_FILES: ${other} and ${path} both have the id ${id}`,
      );
    }
    files.set(id, path);
  }
  return files;
}
