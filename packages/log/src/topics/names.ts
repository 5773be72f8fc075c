/** Names of topics, groups and transactional ids; each can be set, for clusters with naming rules. */
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

/** A prefix is added to every name of its kind, except to names that are set. */
export interface NamesOptions {
  readonly topicPrefix?: string | undefined;
  readonly groupPrefix?: string | undefined;
  /** Default: none; the group name already has the group prefix. */
  readonly transactionalIdPrefix?: string | undefined;
  readonly topics?: {
    readonly [topic in FixedTopic]?: string | undefined;
  } & {
    /** Prefix of the extractor's id; default `<topicPrefix>vectors.` */
    readonly vectors?: string | undefined;
    /** Suffix of the dead-letter topic; default `-dlt`. */
    readonly deadLetters?: string | undefined;
  };
  readonly groups?: {
    /** Prefix of the extractor's id; default `<groupPrefix>headwater.extract.` */
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
