/** Every question, in the order in which they are asked. A new one is a file beside this one, and a line here. */
export const questions = [];
