/** A local Apache Kafka without Docker: downloaded once, run as a child process. */
export type { LocalBroker } from './broker-node.ts';
export { createAuthority } from './certificates.ts';
export { findLibraries, openLibraries } from './libraries.ts';
export { type LocalKafka, type Progress, startLocalKafka } from './local-kafka.ts';
export { findPrerequisites, requireJava } from './prerequisites.ts';
export {
  type ClusterState,
  coordinatorOf,
  describeCluster,
  moveLeaders,
} from './requests/cluster-requests.ts';
