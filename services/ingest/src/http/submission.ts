/**
 * Ingests one image. With `wait=prediction` the response has the predictions of this record, or its dead letter as a
 * problem; after the timeout it is the acceptance alone: the image is in the log all the same.
 */
import { type ErrorCode, errorCodes, HeadwaterError } from '@headwater/errors';
import type { AcceptedImage, ImageInput, Intake } from '../intake/intake.ts';
import type { Wait } from '../tracking/prediction-waits.ts';
import type { ServingTasks } from '../tracking/serving-tasks.ts';
import type { DeadLetterNotice } from '../tracking/tracked-image.ts';
import type { Tracker } from '../tracking/tracker.ts';
import { acceptedResponse, classifiedResponse, type ImageResponse } from './responses.ts';

export interface WaitRequest {
  /** Wait for this task alone. */
  readonly task: string | undefined;
  readonly timeoutMs: number;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
}

export interface Submission {
  readonly image: AcceptedImage;
  /** Resolves at once without a wait. Errors: those of the dead letter. */
  readonly answer: Promise<{ readonly status: 200 | 202; readonly body: ImageResponse }>;
}

export interface SubmissionParts {
  readonly intake: Intake;
  readonly tracker: Tracker;
  readonly serving: ServingTasks;
}

/** Resolves when the image is in the log. Errors: those of `Intake.accept`. */
export async function submitImage(
  { intake, tracker, serving }: SubmissionParts,
  input: ImageInput,
  request: WaitRequest | undefined,
): Promise<Submission> {
  let wait: Wait | undefined;
  try {
    const image = await intake.accept(input, (announced) => {
      if (request) wait = tracker.wait(announced, serving.completion(request.task));
    });
    tracker.accepted(image);
    if (!wait || !request) {
      return { image, answer: Promise.resolve({ status: 202, body: acceptedResponse(image) }) };
    }
    const answer = awaitAnswer(image, wait, request);
    // Not awaited where another file of the same form fails.
    answer.catch(() => {});
    return { image, answer };
  } catch (error) {
    wait?.cancel();
    throw error;
  }
}

async function awaitAnswer(image: AcceptedImage, wait: Wait, { timeoutMs, signal }: WaitRequest) {
  const timer = setTimeout(wait.cancel, timeoutMs);
  signal.addEventListener('abort', wait.cancel, { once: true });
  if (signal.aborted) wait.cancel();
  const outcome = await wait.outcome;
  clearTimeout(timer);
  signal.removeEventListener('abort', wait.cancel);
  if (outcome.kind === 'dead-lettered') throw errorOf(outcome.deadLetter, image.id);
  return outcome.kind === 'classified'
    ? ({ status: 200, body: classifiedResponse(image, outcome.predictions) } as const)
    : ({ status: 202, body: acceptedResponse(image) } as const);
}

/** The error of a dead letter, as if this service had thrown it. */
function errorOf({ code, reason, stage, topic }: DeadLetterNotice, id: string): HeadwaterError {
  const known: ErrorCode = Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : 'image-unreadable';
  return new HeadwaterError(known, reason, { context: { id, stage, deadLetterTopic: topic } });
}
