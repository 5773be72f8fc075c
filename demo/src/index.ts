/** The demo run of `headwater start`: sources, local stack, run, audit and terminal. */
export { type DemoHost, type DemoOptions, startDemo } from './demo.ts';
