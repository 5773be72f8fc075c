/** Every name that a cluster sees, decided in one place; each can be set, so that locked-down clusters fit. */

export interface Names {
  readonly topics: {
    readonly images: string;
    readonly labels: string;
    readonly examples: string;
    readonly heads: string;
    readonly serving: string;
    readonly predictions: string;
    /** `vectors.<extractor>` */
    vectors(extractor: string): string;
    /** `<topic>-dlt` */
    deadLetters(topic: string): string;
  };
  readonly groups: {
    /** One group an extractor. */
    extract(extractor: string): string;
    readonly join: string;
    readonly train: string;
  };
  /** `<prefix><group>-<partition>` */
  transactionalId(group: string, partition: number): string;
}

type FixedTopic = 'images' | 'labels' | 'examples' | 'heads' | 'serving' | 'predictions';

/** Prefixes come before every name of their kind; a name that is set stands as it is, without a prefix. */
export interface NamesOptions {
  readonly topicPrefix?: string | undefined;
  readonly groupPrefix?: string | undefined;
  /** Default: none beyond the group's own name, which carries the group prefix. */
  readonly transactionalIdPrefix?: string | undefined;
  readonly topics?: {
    readonly [topic in FixedTopic]?: string | undefined;
  } & {
    /** What the extractor's id is appended to; default `<topicPrefix>vectors.` */
    readonly vectors?: string | undefined;
    /** What is appended to a topic's name for its dead letters; default `-dlt`. */
    readonly deadLetters?: string | undefined;
  };
  readonly groups?: {
    /** What the extractor's id is appended to; default `<groupPrefix>headwater.extract.` */
    readonly extract?: string | undefined;
    readonly join?: string | undefined;
    readonly train?: string | undefined;
  };
}

/** Names without options: topics `images`, `vectors.<extractor>`, …; groups `headwater.join`, … */
export function createNames(options: NamesOptions = {}): Names {
  const set = { ...options.topics };
  const groups = { ...options.groups };
  const topic = (name: FixedTopic) => set[name] ?? `${options.topicPrefix ?? ''}${name}`;
  const group = (name: string) => `${options.groupPrefix ?? ''}headwater.${name}`;
  const vectors = set.vectors ?? `${options.topicPrefix ?? ''}vectors.`;
  const extract = groups.extract ?? group('extract.');
  return {
    topics: {
      images: topic('images'),
      labels: topic('labels'),
      examples: topic('examples'),
      heads: topic('heads'),
      serving: topic('serving'),
      predictions: topic('predictions'),
      vectors: (extractor) => `${vectors}${extractor}`,
      deadLetters: (source) => `${source}${set.deadLetters ?? '-dlt'}`,
    },
    groups: {
      extract: (extractor) => `${extract}${extractor}`,
      join: groups.join ?? group('join'),
      train: groups.train ?? group('train'),
    },
    transactionalId: (owner, partition) => `${options.transactionalIdPrefix ?? ''}${owner}-${partition}`,
  };
}
