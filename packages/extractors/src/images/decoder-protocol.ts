/** Requests and responses of a decoder process; structured clones, so that bytes need no encoding. */
import type { ErrorCode } from '@headwater/errors';
import type { ImageLimits } from '../options.ts';
import type { Preprocessing } from '../table/definition.ts';

export interface DecodeRequest {
  readonly image: Uint8Array;
  readonly preprocessing: Preprocessing;
  readonly limits: ImageLimits;
}

export type DecodeAnswer =
  | { readonly pixels: Uint8Array }
  | {
      readonly error: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly context: Readonly<Record<string, string | number | boolean | null>>;
      };
    };
