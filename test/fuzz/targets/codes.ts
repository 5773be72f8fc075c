/** Maps errors to their documented codes; any other error is a defect, and passes through. */
import { errorCodes, HeadwaterError } from '@headwater/errors';

/** `ok`, or the code of the error that `work` ends with. */
export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'ok';
  } catch (thrown) {
    if (thrown instanceof HeadwaterError && thrown.code in errorCodes && thrown.code !== 'unexpected') {
      return thrown.code;
    }
    throw thrown;
  }
}
