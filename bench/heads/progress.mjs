/** Progress goes to standard error, since standard output is for the result. */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

/** Counts steps, and reports every tenth of them. */
export function describeProgress(what, total) {
  let done = 0;
  return {
    step() {
      done++;
      if (done % Math.ceil(total / 10) === 0 || done === total) say(`${what}: ${done} of ${total}`);
    },
  };
}
