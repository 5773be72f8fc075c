/** Standard output belongs to the result: what is going on is told on standard error. */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

/** Counts steps and says so at every tenth of them. */
export function describeProgress(what, total) {
  let done = 0;
  return {
    step() {
      done++;
      if (done % Math.ceil(total / 10) === 0 || done === total) say(`${what}: ${done} of ${total}`);
    },
  };
}
