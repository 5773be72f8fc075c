/** A part of the digest of every extractor that decodes images. */

/**
 * Increased whenever some accepted file gives other pixels than before: pixels determine a vector as much as weights do. 1: up
 * to 0.1.0. 2: colour of deep samples, of gAMA, cHRM, cICP and nclx; samples that are not alpha; damaged scans rejected.
 */
export const decodeRevision = 2;
