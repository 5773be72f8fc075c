/** Settings of a KRaft node that is broker and controller, for a laptop: small and quick to start. */
interface BrokerAddress {
  readonly port: number;
  readonly controllerPort: number;
}

export interface BrokerNode extends BrokerAddress {
  /** `node.id`, from 1. */
  readonly id: number;
  /** Port for clients where a proxy is in front of the broker. */
  readonly advertised?: { readonly port: number; readonly internalPort: number } | undefined;
}

/**
 * `server.properties` of one of these nodes. Paths must not contain line breaks. `security` replaces the plain listener.
 */
export function brokerSettings(
  node: BrokerNode,
  nodes: readonly BrokerNode[],
  logDir: string,
  security: Readonly<Record<string, string>> = {},
): string {
  const settings = {
    ...network(node, nodes),
    ...(nodes.length === 1 ? single : replicated(nodes.length)),
    ...small,
    ...quick,
    ...security,
    'log.dirs': logDir,
  };
  return `${Object.entries(settings)
    .map(([name, value]) => `${name}=${escapeValue(String(value))}`)
    .join('\n')}\n`;
}

/** Listens only on the loopback interface; the advertised address is that of the current start. */
function network({ id, port, controllerPort, advertised }: BrokerNode, nodes: readonly BrokerNode[]) {
  const internal = advertised === undefined ? '' : `,INTERNAL://127.0.0.1:${advertised.internalPort}`;
  return {
    'process.roles': 'broker,controller',
    'node.id': id,
    'controller.quorum.voters': nodes.map((one) => `${one.id}@127.0.0.1:${one.controllerPort}`).join(),
    listeners: `PLAINTEXT://127.0.0.1:${port}${internal},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${advertised?.port ?? port}${internal}`,
    'controller.listener.names': 'CONTROLLER',
    // Brokers connect to each other without the proxies of clients.
    'inter.broker.listener.name': advertised === undefined ? 'PLAINTEXT' : 'INTERNAL',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
  };
}

/** A single node cannot replicate. Topics are not created automatically. */
const single = {
  'default.replication.factor': 1,
  'offsets.topic.replication.factor': 1,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'auto.create.topics.enable': false,
};

/** As in production: an acknowledged record is on two brokers, and one may be down. Fewer than three must all be up. */
function replicated(count: number) {
  const replicas = Math.min(3, count);
  const insync = replicas === 3 ? 2 : 1;
  return {
    ...single,
    'default.replication.factor': replicas,
    'min.insync.replicas': insync,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': insync,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': insync,
    'unclean.leader.election.enable': false,
  };
}

/** By default, the cleaner's buffer alone would take a third of the heap. */
const small = {
  'offsets.topic.num.partitions': 8,
  'transaction.state.log.num.partitions': 8,
  'num.network.threads': 2,
  'num.io.threads': 4,
  'log.segment.bytes': 134_217_728,
  'log.index.size.max.bytes': 2_097_152,
  'log.cleaner.dedupe.buffer.size': 16_777_216,
};

/**
 * Short intervals: groups form immediately, sessions can be short, abandoned transactions end soon, retention runs each
 * minute and compaction each second, and a killed broker can return before the default session of nine seconds ends.
 */
const quick = {
  'broker.heartbeat.interval.ms': 500,
  'broker.session.timeout.ms': 4_000,
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 1_000,
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 1_000,
  'log.retention.check.interval.ms': 60_000,
  'log.cleaner.backoff.ms': 1_000,
};

/** In Java properties, a backslash starts an escape sequence. */
function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\');
}

/** `log4j2.properties`: at most two files of 10 MB; each start creates a new one. */
export function brokerLogSettings(logFile: string): string {
  return `status = error
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = ${escapeValue(logFile)}
appender.file.filePattern = ${escapeValue(logFile)}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = [%d] %p %m (%c)%n%throwable
appender.file.policies.type = Policies
appender.file.policies.start.type = OnStartupTriggeringPolicy
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 1
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
`;
}
