/** Shared parts of HTTP interfaces: access, problem documents, limits, security headers, request metrics. */
export { type Access, type AccessTable, accessNote, accessOf, securitySchemes } from './access.ts';
export { disconnectSignal } from './client-disconnect.ts';
export { httpEnvironment } from './environment.ts';
export { type Problem, pathOf, problemOf } from './problems.ts';
export { parseJson } from './request-bodies.ts';
export { checkExposure, createHttpServer, type HttpServerOptions, listenHttp } from './server.ts';
