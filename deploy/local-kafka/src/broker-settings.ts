/** A KRaft node that is broker and controller in one, set up for a laptop: small, quick to start, quick to tell. */
export interface BrokerAddress {
  readonly port: number;
  readonly controllerPort: number;
}

export interface BrokerNode extends BrokerAddress {
  /** `node.id`, from 1. */
  readonly id: number;
  /** The port that clients connect to, where it is not the broker's own: a proxy stands between. */
  readonly advertised?: { readonly port: number; readonly internalPort: number } | undefined;
}

/**
 * `server.properties` of one of these nodes. Paths may contain anything but line breaks. `security` takes the place of the plain listener.
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

/** Only this machine can connect; the advertised address is the one of this start, whatever it was before. */
function network({ id, port, controllerPort, advertised }: BrokerNode, nodes: readonly BrokerNode[]) {
  const internal = advertised === undefined ? '' : `,INTERNAL://127.0.0.1:${advertised.internalPort}`;
  return {
    'process.roles': 'broker,controller',
    'node.id': id,
    'controller.quorum.voters': nodes.map((one) => `${one.id}@127.0.0.1:${one.controllerPort}`).join(),
    listeners: `PLAINTEXT://127.0.0.1:${port}${internal},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${advertised?.port ?? port}${internal}`,
    'controller.listener.names': 'CONTROLLER',
    // Brokers reach each other beside the proxies of clients.
    'inter.broker.listener.name': advertised === undefined ? 'PLAINTEXT' : 'INTERNAL',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
  };
}

/** There is one node: nothing can be replicated. Topics are created on purpose only. */
const single = {
  'default.replication.factor': 1,
  'offsets.topic.replication.factor': 1,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'auto.create.topics.enable': false,
};

/** As in production: an acknowledged record is on two brokers, and one may be away. A quorum of less than three cannot lose any. */
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

/** The cleaner's buffer alone would take a third of the heap by default. */
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
 * Groups form at once, tests may use short sessions, abandoned transactions end soon, retention is looked at each
 * minute and compaction each second, and a broker that was killed may come back before its old registration has slept out nine seconds.
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

/** Java properties take a backslash for an escape. */
function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\');
}

/** `log4j2.properties`: two files of 10 MB at most, however long the broker runs; each start begins a new one. */
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
