/** One way to make a link, so that each states a digest over all that its values depend on, and refuses values of other types. */
import { canonicalJson, type Stage, sha256, type Value, type ValueType } from '@headwater/extractors';
import { checkType } from './values.ts';

interface StageParts {
  readonly method: string;
  /** Counts up when the same options and artefact come to give other values. */
  readonly version: number;
  readonly takes: readonly ValueType[];
  readonly gives: ValueType;
  readonly dimensions: number | null;
  /** With all defaults filled in. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The digest of the artefact, of links that learned. */
  readonly artefact?: string | undefined;
  /** Versions of tables that come with the engine, where values depend on them. */
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
