/** The context in which steps are opened, and the resolution of method names in a chain's file. */
import { resolve } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import {
  type ExtractorOptions,
  extractorIds,
  type FittedArtefact,
  type StageMethod,
} from '@headwater/extractors';
import { stageMethodOf, stageMethods } from '../methods/method-table.ts';
import { automatic } from './automatic.ts';
import type { MethodStep } from './chain-file.ts';
import { builtInMethod, netFileMethod } from './extractor-method.ts';

/** A step's artefact, with the digest of the steps before it. */
export interface FittedStep {
  readonly artefact: FittedArtefact;
  /** Digest over the steps before it, at the time of fitting. */
  readonly basis: string;
}

export interface ChainContext {
  /** The file's name as given by the user, for messages. */
  readonly file: string;
  /** Its folder, to which paths in the file are relative. */
  readonly folder: string;
  /** Fitted artefacts, by the places of the steps. */
  readonly artefacts: ReadonlyMap<string, FittedStep>;
  /** Outdated artefacts are fitted again and are not an error. */
  readonly learning: boolean;
  /** The remedy for a step that is not fitted. */
  readonly howToFit: string;
  readonly settings: ExtractorOptions;
}

/** Adds file, step and method to an error. */
export function withStepContext(context: ChainContext, link: MethodStep, thrown: unknown): unknown {
  // The error of an expanded step has its context already.
  if (!(thrown instanceof HeadwaterError) || thrown.message.startsWith(`${context.file}: `)) return thrown;
  const message = `${context.file}: ${link.place} (${link.method}): ${thrown.message}`;
  const { code, verdict, context: fields } = thrown;
  return new HeadwaterError(code, message, { verdict, context: fields, cause: thrown });
}

/** Paths in the options of a user-supplied module are relative to the chain's file. */
export function optionsOf(
  { folder }: ChainContext,
  { options }: MethodStep,
): Readonly<Record<string, unknown>> {
  const { module, covers } = options;
  const absolute = (path: unknown) => (typeof path === 'string' ? resolve(folder, path) : path);
  return {
    ...options,
    ...(module !== undefined && { module: absolute(module) }),
    ...(Array.isArray(covers) && { covers: covers.map(absolute) }),
  };
}

/** Errors: config-invalid. */
export function methodOf({ folder }: ChainContext, { method: name }: MethodStep): StageMethod {
  const method = name.toLowerCase() === automatic.method ? automatic : stageMethodOf(name);
  if (method) return method;
  if (extractorIds().includes(name)) return builtInMethod(name);
  if (/\.ya?ml$/.test(name)) return netFileMethod(resolve(folder, name));
  const methods = [automatic, ...stageMethods()].map((known) => known.method);
  throw new HeadwaterError(
    'config-invalid',
    `unknown method; known methods: ${[...methods, ...extractorIds()].join(', ')}, and paths of net files (.yaml)`,
  );
}

/** Whether a step with these options must be fitted before it can be opened. */
export function needsFitting(method: StageMethod, options: unknown): boolean {
  return method.fit !== undefined && (method.learns?.(options) ?? true);
}
