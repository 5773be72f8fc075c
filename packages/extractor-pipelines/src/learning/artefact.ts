/**
 * What a method learned, as it is saved beside a chain's file. An artefact that was altered by one byte, that another version wrote, or that
 * was fitted with other options than the chain states, must not open: its vectors would go under a wrong digest.
 */
import { HeadwaterError } from '@headwater/errors';
import { artefactDigest, canonicalJson, type FittedArtefact } from '@headwater/extractors';
import { z } from 'zod';

/** How a method's artefacts are written; the version counts up with every change of `learned`. */
interface ArtefactFormat<Learned> {
  readonly method: string;
  readonly formatVersion: number;
  readonly learned: z.ZodType<Learned>;
}

const artefactSchema = z.strictObject({
  method: z.string(),
  formatVersion: z.int().positive(),
  records: z.int().nonnegative(),
  options: z.record(z.string(), z.unknown()),
  learned: z.record(z.string(), z.unknown()),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});

/** Adds the digest over all other members. */
export function sealArtefact(parts: Omit<FittedArtefact, 'digest'>): FittedArtefact {
  return { ...parts, digest: artefactDigest(parts) };
}

/** What a file holds, after JSON.parse. Errors: model-invalid. */
export function checkArtefact(content: unknown): FittedArtefact {
  const parsed = artefactSchema.safeParse(content);
  if (!parsed.success) throw invalid('is not one, or was cut short');
  if (artefactDigest(parsed.data) !== parsed.data.digest) throw invalid('does not have the digest it states');
  return parsed.data;
}

/** What was learned. Errors: config-invalid (none, or fitted with other options), model-invalid. */
export function openArtefact<Learned>(
  format: ArtefactFormat<Learned>,
  options: Readonly<Record<string, unknown>>,
  artefact: FittedArtefact | undefined,
): Learned {
  const { method, formatVersion } = format;
  if (artefact === undefined) throw new HeadwaterError('config-invalid', `${method} must be fitted first`);
  const known = checkArtefact(artefact);
  if (known.method !== method) throw invalid(`was fitted for ${known.method}, not for ${method}`);
  if (known.formatVersion !== formatVersion) {
    throw invalid(`has format ${known.formatVersion}, this version reads ${formatVersion}: fit again`);
  }
  if (canonicalJson(known.options) !== canonicalJson(options)) {
    const text = `${method} was fitted with ${canonicalJson(known.options)}, and is now given ${canonicalJson(options)}`;
    throw new HeadwaterError('config-invalid', `${text}: fit again, or give the options it was fitted with`);
  }
  const learned = format.learned.safeParse(known.learned);
  if (!learned.success) throw invalid(`does not hold what ${method} learns`);
  return learned.data;
}

function invalid(reason: string): HeadwaterError {
  return new HeadwaterError('model-invalid', `The fitted artefact ${reason}`);
}
