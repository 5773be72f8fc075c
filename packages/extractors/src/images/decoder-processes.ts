/**
 * Decoders in separate processes. Each works on one image at a time, so the image is known when a process ends (by a defect in
 * native code, or too much memory). That image is retried once in a new process, since the cause may lie elsewhere, and
 * rejected when that process ends too. The service and all other images continue.
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
  /** Maximum number of processes; each is started when it is first needed. */
  readonly processes: number;
  /** Maximum resident memory of one process. */
  readonly maxBytes: number;
  /** Timeout after which a process is ended, which counts as a crash. */
  readonly timeoutMs?: number;
  /** Called for each process that ended while it worked. */
  readonly died?: (how: string) => void;
  /** Default: the program of this package. */
  readonly program?: string;
}

/** Longer than the decoder's own timeout. */
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

  /** Errors: those of decoding; extractor-failed if the image ended its process twice. */
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
        const message = `the image ended its decoder process twice (${answer})`;
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

  /** The result, or how the process ended. */
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
      // One image at a time needs one thread, and the pool cannot be resized once the process has started.
      env: { ...process.env, UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE ?? '1' },
    });
    this.all.add(child);
    // The process ends with its parent, and does not keep the parent alive.
    child.unref();
    child.channel?.unref();
    return child;
  }

  /** Removes a process that ended between two images. */
  private forget(child: ChildProcess): void {
    this.all.delete(child);
    const at = this.idle.indexOf(child);
    if (at >= 0) this.idle.splice(at, 1);
  }
}

/** Decodes images in separate processes, for all callers in this process, until `close`. */
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
