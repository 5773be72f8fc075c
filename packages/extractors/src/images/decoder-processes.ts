/**
 * Decoders in processes of their own. Each works on one image at a time, so when a process dies (of a defect in native code, or of too much
 * memory) it is known of which image: that one is tried once more in a new process, since something else may have been to
 * blame, and refused when that dies, too. The service and all other images go on.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { HeadwaterError } from '@headwater/errors';
import type { ImageLimits } from '../options.ts';
import { Semaphore } from '../semaphore.ts';
import type { Preprocessing } from '../table/definition.ts';
import { setDecoder } from './decoder.ts';
import type { DecodeAnswer, DecodeRequest } from './decoder-protocol.ts';

export interface DecoderProcessesOptions {
  /** How many at most; each is started when it is first needed. */
  readonly processes: number;
  /** Resident memory of one. */
  readonly maxBytes: number;
  /** Past it an image counts as one that killed its process. */
  readonly timeoutMs?: number;
  /** Told of each process that died while it worked. */
  readonly died?: (how: string) => void;
  /** Default: the program of this package. */
  readonly program?: string;
}

/** Longer than a decoder gives itself. */
const defaultTimeoutMs = 40_000;
const attempts = 2;

const ownProgram = () => createRequire(import.meta.url).resolve('@headwater/extractors/decoder-process');

export class DecoderProcesses {
  private readonly options: DecoderProcessesOptions;
  private readonly places: Semaphore;
  private readonly idle: ChildProcess[] = [];
  private readonly all = new Set<ChildProcess>();

  constructor(options: DecoderProcessesOptions) {
    this.options = options;
    this.places = new Semaphore(options.processes);
  }

  /** Errors: those of decoding; extractor-failed where the image killed its process twice. */
  readonly decode = async (
    image: Uint8Array,
    preprocessing: Preprocessing,
    limits: ImageLimits,
  ): Promise<Uint8Array> => {
    await this.places.enter();
    try {
      for (let attempt = 1; ; attempt += 1) {
        const answer = await this.ask({ image, preprocessing, limits });
        if (typeof answer !== 'string') return pixelsOf(answer);
        this.options.died?.(answer);
        if (attempt < attempts) continue;
        const message = `This image has ended the process that decodes it twice (${answer}).`;
        throw new HeadwaterError('extractor-failed', message);
      }
    } finally {
      this.places.leave();
    }
  };

  close(): void {
    for (const child of this.all) child.kill('SIGKILL');
    this.all.clear();
    this.idle.length = 0;
  }

  /** The answer, or how the process ended. */
  private ask(request: DecodeRequest): Promise<DecodeAnswer | string> {
    const child = this.idle.pop() ?? this.start();
    return new Promise((resolve) => {
      const late = setTimeout(() => child.kill('SIGKILL'), this.options.timeoutMs ?? defaultTimeoutMs);
      const settle = (result: DecodeAnswer | string) => {
        clearTimeout(late);
        child.removeAllListeners('message').removeAllListeners('exit').removeAllListeners('error');
        if (typeof result === 'string') this.all.delete(child);
        else this.idle.push(child);
        child.on('error', () => undefined);
        child.once('exit', () => this.forget(child));
        resolve(result);
      };
      child.removeAllListeners('exit').once('exit', (code, signal) => settle(signal ?? `exit code ${code}`));
      child.once('error', ({ message }) => settle(message));
      child.once('message', (answer: DecodeAnswer) => settle(answer));
      child.send(request);
    });
  }

  private start(): ChildProcess {
    const { program = ownProgram(), maxBytes } = this.options;
    const child = fork(program, [String(maxBytes)], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
    });
    this.all.add(child);
    // It ends with us, and does not keep us from ending.
    child.unref();
    child.channel?.unref();
    return child;
  }

  /** One that died between two images. */
  private forget(child: ChildProcess): void {
    this.all.delete(child);
    const at = this.idle.indexOf(child);
    if (at >= 0) this.idle.splice(at, 1);
  }
}

/** From now on images are decoded in processes of their own, wherever in this process they are asked for, until `close`. */
export function isolateDecoding(options: DecoderProcessesOptions): { close(): void } {
  const processes = new DecoderProcesses(options);
  setDecoder(processes.decode);
  return {
    close() {
      setDecoder(undefined);
      processes.close();
    },
  };
}

function pixelsOf(answer: DecodeAnswer): Uint8Array {
  if ('pixels' in answer) return answer.pixels;
  const { code, message, context } = answer.error;
  throw new HeadwaterError(code, message, { context });
}
