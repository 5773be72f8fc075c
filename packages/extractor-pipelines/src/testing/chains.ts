/** Test folders with chains and samples. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SourceRecord } from '@headwater/extractors';
import { gradient, smooth } from '@headwater/testing';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import type { Sample } from '../chains/fit-chain.ts';

export async function chainFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'chain-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return {
    folder,
    /** Writes a chain's file; returns its path. */
    async chain(chain: unknown, more: object = {}): Promise<string> {
      const path = join(folder, 'look.yaml');
      await writeFile(path, stringify({ id: 'look.v1', chain, ...more }));
      return path;
    },
    fitted: join(folder, 'look.v1.fitted.json'),
  };
}

const pictures = Promise.all([
  smooth(40, 30).png().toBuffer(),
  gradient(30, 40).png().toBuffer(),
  smooth(60, 60).modulate({ hue: 90 }).jpeg().toBuffer(),
]);

/** Products of a shop: a picture, a price that is sometimes missing, a shelf, and words. */
export async function products(count: number, first = 0): Promise<SourceRecord[]> {
  const images = await pictures;
  return Array.from({ length: count }, (_, at) => {
    const index = first + at;
    const price: Record<string, string> = index % 5 === 0 ? {} : { price: String((index * 7) % 30) };
    const words =
      ['red shoes with laces', 'a blue hat of wool', `green scarf number ${index}`][index % 3] ?? '';
    return {
      image: images[(index * 2) % 3] ?? new Uint8Array(),
      attributes: { shelf: ['top', 'low'][index % 2] ?? '', words, ...price },
    };
  });
}

export function sampleOf(records: readonly SourceRecord[]): Sample {
  return {
    name: 'a sample',
    size: records.length,
    async *records() {
      for (const [index, record] of records.entries()) yield { name: `${index}`, read: async () => record };
    },
  };
}

/** Settings of tests, which share two cores. */
export const signal: AbortSignal = new AbortController().signal;
