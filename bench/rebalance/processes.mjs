/** Classify processes of one checkout, each with a folder, a log and maybe a name of its own. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export class ClassifyProcess {
  #options;
  #child;
  #ended;
  #starts = 0;

  /** `name` is the folder's; `isStatic` makes it the name in the group, too. */
  constructor(options) {
    this.#options = options;
  }

  get isRunning() {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async start({ isStatic = true } = {}) {
    const { root, name, folder, environment } = this.#options;
    const data = join(folder, name);
    await mkdir(data, { recursive: true });
    this.#starts += 1;
    const output = openSync(this.#logFile(this.#starts), 'a');
    this.#child = spawn(process.execPath, [join(root, 'services/classify/dist/main.js')], {
      stdio: ['ignore', output, output],
      env: {
        ...process.env,
        ...environment,
        DATA_DIR: data,
        ...(isStatic ? { GROUP_INSTANCE_ID: name } : {}),
      },
    });
    closeSync(output);
    const child = this.#child;
    this.#ended = new Promise((resolve) => {
      child.once('exit', resolve);
    });
  }

  async stop(signal) {
    if (!this.isRunning) return;
    this.#child.kill(signal);
    await this.#ended;
  }

  async eraseDisk() {
    await rm(join(this.#options.folder, this.#options.name), { recursive: true, force: true });
  }

  /** What the process that runs, or ran last, has logged since `at`: assignments and opened partitions of the join. */
  logged(at) {
    const lines = readFileSync(this.#logFile(this.#starts), 'utf8').split('\n').flatMap(parse);
    const own = lines.filter(({ role, time }) => role === 'join' && new Date(time).getTime() >= at);
    return {
      assignments: own.filter(({ msg }) => msg === 'partitions assigned').length,
      opened: own
        .filter(({ msg }) => msg === 'partition opened')
        .map(({ partition, outcome }) => ({ partition, outcome })),
    };
  }

  #logFile(start) {
    const { folder, name } = this.#options;
    return join(folder, `${name}-${start}.log`);
  }
}

function parse(line) {
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}
