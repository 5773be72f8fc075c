/**
 * Classes are ordered by their UTF-8 bytes, so that a program in any language has the same order. JavaScript compares UTF-16
 * code units, which differs for characters beyond the basic plane.
 */

/** Negative, zero or positive, as the UTF-8 bytes of `a` come before, equal, or come after those of `b`. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const unitA = a.charCodeAt(i);
    const unitB = b.charCodeAt(i);
    if (unitA !== unitB) return rank(unitA) - rank(unitB);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above U+FFFF: they come after everything else, as their four bytes do. */
function rank(codeUnit: number): number {
  return codeUnit >= 0xd800 && codeUnit <= 0xdfff ? codeUnit + 0x10000 : codeUnit;
}
