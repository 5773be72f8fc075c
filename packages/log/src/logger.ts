/** The part of pino's interface that Headwater uses; services pass their pino logger. */
export interface Logger {
  trace(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  fatal(fields: object, message: string): void;
  /** Where it is absent, every level counts as enabled. */
  isLevelEnabled?(level: string): boolean;
  child(fields: object): Logger;
}
