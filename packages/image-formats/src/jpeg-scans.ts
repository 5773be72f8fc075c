/**
 * Checks that a progressive JPEG has all its scans. Each scan contains some bits of some coefficients; a file that is
 * truncated between two scans decodes to a coarse image without a warning.
 */

const START_OF_SCAN = Buffer.from([0xff, 0xda]);
const COEFFICIENTS = 64;

/** By component: the lowest received bit of each coefficient; undefined where there is none. */
type Progress = Map<number, (number | undefined)[]>;

/** Records the scan whose marker is at `at`. */
function noteScan(bytes: Buffer, at: number, progress: Progress): void {
  const count = bytes.readUInt8(at + 4);
  const parameters = at + 5 + count * 2;
  const [first, last] = [bytes.readUInt8(parameters), bytes.readUInt8(parameters + 1)];
  const lowestBit = bytes.readUInt8(parameters + 2) & 0xf;
  for (let index = 0; index < count; index += 1) {
    const component = bytes.readUInt8(at + 5 + index * 2);
    const lowest = progress.get(component) ?? [];
    for (let place = first; place <= last && place < COEFFICIENTS; place += 1) lowest[place] = lowestBit;
    progress.set(component, lowest);
  }
}

/** `first` is the offset of the first scan's marker. Throws RangeError where a scan header is incomplete. */
export function hasAllScans(bytes: Buffer, first: number, components: number): boolean {
  const progress: Progress = new Map();
  // Within a scan, FF is followed by 00 or a marker.
  for (let at = first; at >= 0; at = bytes.indexOf(START_OF_SCAN, at + 2)) noteScan(bytes, at, progress);
  const isWhole = (lowest: readonly (number | undefined)[]) =>
    Array.from({ length: COEFFICIENTS }, (_, place) => lowest[place]).every((bit) => bit === 0);
  return progress.size >= components && [...progress.values()].every(isWhole);
}
