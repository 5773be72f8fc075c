/**
 * Files of the same bytes in folders of several classes: they are one image, whose last label counts. A person has to decide, so each is
 * reported.
 */

/** A file that gives an image another label than a file before it. */
export interface LabelConflict {
  readonly path: string;
  readonly label: string;
  /** Of the file before it. */
  readonly former: string;
}

/** Grows by an id and a reference for each image, some 150 bytes. */
export class LabelConflicts {
  readonly #labels = new Map<string, string>();

  /** `id`: of the bytes. Undefined where no file before had the same bytes and another label. */
  note(id: string, path: string, label: string): LabelConflict | undefined {
    const former = this.#labels.get(id);
    this.#labels.set(id, label);
    return former === undefined || former === label ? undefined : { path, label, former };
  }
}
