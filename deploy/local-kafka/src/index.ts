/** A local Apache Kafka without Docker: downloaded once, run as a child process. */
export type { LocalBroker } from './broker-node.ts';
export type { BrokerSecurity } from './broker-security.ts';
export { type Authority, type Certified, createAuthority } from './certificates.ts';
export { findLibraries, kafkaVersion, type LibrariesOptions, openLibraries } from './libraries.ts';
export { type LocalKafka, type LocalKafkaOptions, type Progress, startLocalKafka } from './local-kafka.ts';
export { findPrerequisites, type Prerequisites, type Program, requireJava } from './prerequisites.ts';
export {
  type ClusterState,
  coordinatorOf,
  describeCluster,
  moveLeaders,
  type PartitionState,
} from './requests/cluster-requests.ts';
