/** Stands in the digest of every extractor that decodes images. */

/**
 * Raised whenever some accepted file gives other pixels than before: the pixels decide a vector as much as the weights do.
 * 1: up to 0.1.0. 2: colour of deep samples, of gAMA, cHRM, cICP and nclx; samples that are not alpha; damaged scans refused.
 */
export const decodeRevision = 2;
