/** What a command has of the process it runs in; tests put another in its place. */
/** Somebody ended the command; 128 + the signal's number is the exit code, as shells have it. */
export class Interruption extends Error {
  name = 'Interruption';
  exitCode;
  constructor(signal) {
    super(`interrupted by ${signal}`);
    this.exitCode = signal === 'SIGINT' ? 130 : 143;
  }
}
//# sourceMappingURL=console.js.map
