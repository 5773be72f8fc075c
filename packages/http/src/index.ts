/** Shared parts of HTTP interfaces: access, problem documents, limits, security headers, request metrics. */
export { type Access, type AccessTable, accessNote, accessOf, securitySchemes } from './access.ts';
export { disconnectSignal } from './client-disconnect.ts';
export { httpEnvironment } from './environment.ts';
export type { PeerAcceptance } from './peers/accept-peers.ts';
export {
  type ImageAnswer,
  type ImagePrediction,
  imageQuestionPath,
} from './peers/image-question.ts';
export type { PeerResponse } from './peers/peer-client.ts';
export { advertisedUrl, type PeerConfig, peerEnvironment } from './peers/peer-environment.ts';
export { type Gathered, openPeers, type PartialAnswer, Peers } from './peers/peers.ts';
export { type Problem, pathOf, problemOf } from './problems.ts';
export { parseJson } from './request-bodies.ts';
export { checkExposure, createHttpServer, type HttpServerOptions, listenHttp } from './server.ts';
