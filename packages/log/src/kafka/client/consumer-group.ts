/**
 * Completes kafkajs' group membership: its requests can carry a group instance id, but its broker calls drop it, and
 * it does not report the generation that it has joined.
 */

/** An assigner that also carries the group instance id: kafkajs passes no further options to its consumer group. */
export interface StaticAssigner {
  /** Undefined for a dynamic member. */
  readonly instanceId?: string | undefined;
}

type RequestFactory = (request: object) => unknown;

interface GroupBroker {
  lookupRequest(apiKey: number, definition: unknown): RequestFactory;
}

interface GroupCluster {
  findGroupCoordinator(options: object): Promise<GroupBroker>;
}

interface ConsumerGroupOptions {
  readonly cluster: GroupCluster;
  readonly assigners: readonly StaticAssigner[];
  readonly instrumentationEmitter: { emit(event: string, payload?: object): void };
}

interface ConsumerGroup {
  readonly generationId: number;
  memberId: string | null;
  instrumentationEmitter: ConsumerGroupOptions['instrumentationEmitter'];
  leave(): Promise<void>;
}

export type ConsumerGroupClass = new (options: ConsumerGroupOptions) => ConsumerGroup;

/** API keys of JoinGroup, Heartbeat and SyncGroup. */
const membershipRequests = new Set([11, 12, 14]);

export function completeConsumerGroup(Original: ConsumerGroupClass): ConsumerGroupClass {
  return class extends Original {
    readonly #isStatic: boolean;

    constructor(options: ConsumerGroupOptions) {
      const { cluster, assigners, instrumentationEmitter } = options;
      const instanceId = assigners[0]?.instanceId;
      super(instanceId === undefined ? options : { ...options, cluster: asInstance(cluster, instanceId) });
      this.#isStatic = instanceId !== undefined;
      this.instrumentationEmitter = {
        emit: (event, payload = {}) =>
          instrumentationEmitter.emit(event, { ...payload, generationId: this.generationId }),
      };
    }

    /** A static member stays in its group until it returns or its session times out, and gets the same partitions. */
    override async leave(): Promise<void> {
      if (this.#isStatic) this.memberId = null;
      else await super.leave();
    }
  };
}

function asInstance(cluster: GroupCluster, groupInstanceId: string): GroupCluster {
  return overriding(cluster, 'findGroupCoordinator', async (options) => {
    const broker = await cluster.findGroupCoordinator(options);
    return overriding(broker, 'lookupRequest', (apiKey, definition) => {
      const create = broker.lookupRequest(apiKey, definition);
      return membershipRequests.has(apiKey) ? (request) => create({ ...request, groupInstanceId }) : create;
    });
  });
}

/** A view of `target` with one other method; everything else is read from and written to `target`. */
function overriding<T extends object, K extends keyof T>(target: T, name: K, method: T[K]): T {
  return new Proxy(target, {
    get: (original, key, view) => (key === name ? method : Reflect.get(original, key, view)),
    set: (original, key, value) => Reflect.set(original, key, value),
  });
}
