/**
 * The fitted artefacts of a chain, stored beside its file as `<id>.fitted.json`: one artefact for each fitted step. The id
 * contains the version, so that each version of a chain is fitted separately. Digests cover every byte when it is read.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import { canonicalJson } from '@headwater/extractors';
import { z } from 'zod';
import { checkArtefact } from '../learning/artefact.ts';
import type { FittedStep } from './chain-context.ts';

const formatVersion = 1;

const learnedFile = z.strictObject({
  formatVersion: z.literal(formatVersion),
  extractor: z.string(),
  links: z.record(
    z.string(),
    z.strictObject({ basis: z.string().regex(/^[0-9a-f]{64}$/), artefact: z.unknown() }),
  ),
});

/** Path of the artefacts of the chain with this id; `folder` is that of its file. */
export function fittedPath(folder: string, id: string): string {
  return join(folder, `${id}.fitted.json`);
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
}

function invalid(path: string, reason: string, cause?: unknown): HeadwaterError {
  const message = `${path} ${reason}; restore the fitted file or fit again`;
  return new HeadwaterError('model-invalid', message, cause === undefined ? {} : { cause });
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(path, 'is not JSON, or is truncated', cause);
  }
}

/** By the places of the steps; empty if nothing is fitted yet. Errors: model-invalid. */
export async function readFitted(path: string, id: string): Promise<Map<string, FittedStep>> {
  const text = await readFile(path, 'utf8').catch((thrown: unknown) => {
    if (isMissing(thrown)) return undefined;
    throw invalid(path, 'cannot be read', thrown);
  });
  if (text === undefined) return new Map();
  const parsed = learnedFile.safeParse(parse(text, path));
  if (!parsed.success) throw invalid(path, 'does not contain fitted artefacts of this version');
  if (parsed.data.extractor !== id) throw invalid(path, `belongs to ${parsed.data.extractor}, not to ${id}`);
  const links = Object.entries(parsed.data.links).map(([place, { basis, artefact }]) => {
    try {
      return [place, { basis, artefact: checkArtefact(artefact) }] as const;
    } catch (cause) {
      throw invalid(path, `was altered at ${place}`, cause);
    }
  });
  return new Map(links);
}

/** Replaces the file atomically; the same content gives the same bytes. Errors: config-invalid. */
export async function writeWhole(path: string, content: unknown): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeFile(temporary, `${canonicalJson(content)}\n`);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new HeadwaterError('config-invalid', `${path} cannot be written`, { cause });
  }
}

/** Errors: config-invalid. */
export async function writeFitted(
  path: string,
  id: string,
  links: ReadonlyMap<string, FittedStep>,
): Promise<void> {
  await writeWhole(path, { formatVersion, extractor: id, links: Object.fromEntries(links) });
}
