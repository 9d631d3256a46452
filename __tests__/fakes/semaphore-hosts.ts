import type { InstanceCommands } from "../../handlers/lib/core/ports.ts";

/** One host with its agent. Only the host itself knows the agent's state. */
interface FakeHost {
  /** Its agent was told to take no more jobs. */
  told: boolean;
  works: boolean;
  /** The agent's unit runs. */
  up: boolean;
  /** The agent waits for an answer of Semaphore without end: it leaves neither idle nor after its job. */
  deaf: boolean;
}

/** The hosts of a Semaphore fleet, and the commands that reach them: what `drain` of agents/semaphore/boot.sh does. */
export interface SemaphoreHosts extends InstanceCommands {
  /** By instance id. */
  readonly hosts: Map<string, FakeHost>;
  /** Called right before a host hears a command. */
  onCommand: (() => void) | undefined;
  /** A false result of a command: its output, or the error that it throws. */
  spoilt: string | Error | undefined;
  add(id: string): void;
  /** Semaphore gives no job to an agent that was told to leave. Returns whether this one took it. */
  offerJob(id: string): boolean;
  endJob(id: string): void;
}

/** See {@link SemaphoreHosts}. */
export function createSemaphoreHosts(): SemaphoreHosts {
  const hosts = new Map<string, FakeHost>();
  const fake: SemaphoreHosts = {
    hosts,
    onCommand: undefined,
    spoilt: undefined,
    add: (id) => hosts.set(id, { told: false, works: false, up: true, deaf: false }),
    offerJob(id) {
      const host = hosts.get(id);
      if (!host?.up || host.told || host.works) return false;
      host.works = true;
      return true;
    },
    endJob(id) {
      const host = hosts.get(id);
      if (host) Object.assign(host, { works: false, up: host.up && (host.deaf || !host.told) });
    },
    async run(id, script) {
      fake.onCommand?.();
      const host = hosts.get(id);
      if (host === undefined) return undefined;
      if (script !== "drain") throw new Error(`no script ${script} on ${id}`);
      host.told = true;
      if (!host.works && !host.deaf) host.up = false;
      if (fake.spoilt instanceof Error) throw fake.spoilt;
      return fake.spoilt ?? (host.up ? (host.deaf ? "silent" : "busy") : "idle");
    },
  };
  return fake;
}
