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
  /** `<prefix><group>-<lane>` */
  transactionalId(group: string, lane: number): string;
}
