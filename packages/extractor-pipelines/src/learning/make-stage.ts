/**
 * The common way to make a step, so that each has a digest over everything its values depend on, and rejects values of other
 * types.
 */
import { canonicalJson, type Stage, sha256, type Value, type ValueType } from '@headwater/extractors';
import { checkType } from './values.ts';

interface StageParts {
  readonly method: string;
  /** Increased when the same options and artefact give other values. */
  readonly version: number;
  readonly takes: readonly ValueType[];
  readonly gives: ValueType;
  readonly dimensions: number | null;
  /** With all defaults. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The digest of the artefact, for fitted steps. */
  readonly artefact?: string | undefined;
  /** Versions of tables that come with the engine, if values depend on them. */
  readonly environment?: string;
  readonly apply: (value: Value) => Value;
}

export function makeStage(parts: StageParts): Stage {
  const { method, version, takes, gives, dimensions, options } = parts;
  const { artefact = null, environment = null } = parts;
  return {
    method,
    takes,
    gives,
    dimensions,
    digest: sha256(`headwater-link-1\n${canonicalJson({ method, version, options, artefact, environment })}`),
    apply(value) {
      checkType(method, takes, value);
      return parts.apply(value);
    },
  };
}
