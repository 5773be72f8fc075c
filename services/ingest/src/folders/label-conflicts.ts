/**
 * Finds identical files in folders of different labels. They are one image, whose last label counts, so each
 * conflict is reported.
 */

/** A file with the bytes of an earlier file and another label. */
export interface LabelConflict {
  readonly path: string;
  readonly label: string;
  /** The label of the earlier file. */
  readonly former: string;
}

/** Needs about 150 bytes an image. */
export class LabelConflicts {
  readonly #labels = new Map<string, string>();

  /** `id`: digest of the bytes. Returns the conflict with an earlier file; undefined where there is none. */
  note(id: string, path: string, label: string): LabelConflict | undefined {
    const former = this.#labels.get(id);
    this.#labels.set(id, label);
    return former === undefined || former === label ? undefined : { path, label, former };
  }
}
