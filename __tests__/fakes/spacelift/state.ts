import type { Clock } from "../../../handlers/lib/core/ports.ts";

/** A worker as its pool shows it. A test's values are shown as they are, even if a real server would not show them. */
export interface FakeWorker {
  readonly id: string;
  busy: unknown;
  drained: unknown;
  /** JSON in a string. */
  metadata: unknown;
  /** Seconds since 1970. */
  createdAt: number;
  availableAt: unknown;
  /** The list of the pool leaves it out, as one that is late does. */
  hidden?: boolean;
}

/** A private worker pool. */
export interface FakeWorkerPool {
  readonly id: string;
  pendingRuns: number;
  readonly workers: Map<string, FakeWorker>;
}

/** A named webhook or a policy, as it was saved last. */
export type FakeSaved = {
  readonly id: string;
  readonly input: Readonly<Record<string, unknown>>;
};

/** One Spacelift account. Tests and the API of the fake change it alike. */
export class SpaceliftState {
  readonly pools = new Map<string, FakeWorkerPool>();
  readonly webhooks = new Map<string, FakeSaved>();
  readonly policies = new Map<string, FakeSaved>();
  /** Of the one API key. */
  readonly keyId = "01TESTKEY";
  /** The group that workers of ours name as theirs. */
  group = "ci";
  /** How long sessions last. */
  sessionSeconds = 36_000;
  /** Whether the server shows since when workers are idle, as newer servers do. */
  tellsIdleTimes = true;
  /** Whether the key may drain workers. */
  mayDrain = true;
  /** Whether the key may manage webhooks and policies. */
  mayAdminister = true;
  readonly #sessions = new Map<string, number>();
  #count = 0;
  #opened = 0;

  constructor(
    readonly clock: Clock,
    /** The secret of the API key. */
    public secret: string,
  ) {}

  addPool(id: string): FakeWorkerPool {
    const pool: FakeWorkerPool = { id, pendingRuns: 0, workers: new Map() };
    this.pools.set(id, pool);
    return pool;
  }

  /** A worker without a run, as one of our instances registers it. */
  addWorker(pool: FakeWorkerPool, instanceId: string, changes: Partial<FakeWorker> = {}): FakeWorker {
    const now = this.now();
    const worker: FakeWorker = {
      id: this.newId(),
      busy: false,
      drained: false,
      metadata: JSON.stringify({ asg_id: this.group, instance_id: instanceId, ami_id: "ami-1" }),
      createdAt: now,
      availableAt: now,
      ...changes,
    };
    pool.workers.set(worker.id, worker);
    return worker;
  }

  /** Whether the worker took a run: a drained one takes none, and a busy one no second. */
  startRun(worker: FakeWorker): boolean {
    if (worker.drained !== false || worker.busy !== false) return false;
    worker.busy = true;
    worker.availableAt = null;
    return true;
  }

  endRun(worker: FakeWorker): void {
    worker.busy = false;
    worker.availableAt = this.now();
  }

  openSession(id: unknown, secret: unknown): { readonly jwt: string; readonly validUntil: number } | undefined {
    if (id !== this.keyId || secret !== this.secret) return undefined;
    this.#opened += 1;
    const jwt = `test-session-${this.#opened}`;
    const validUntil = this.now() + this.sessionSeconds;
    this.#sessions.set(jwt, validUntil);
    return { jwt, validUntil };
  }

  isOpen(jwt: string): boolean {
    return (this.#sessions.get(jwt) ?? 0) > this.now();
  }

  /** Ends all sessions before their time. */
  endSessions(): void {
    this.#sessions.clear();
  }

  /**
   * Saves a webhook or a policy. A new one gets an id from its name, as docs/resources/named_webhook.md of Spacelift's
   * Terraform provider says; so no two may have one name (assumed).
   *
   * @param id of one that is there; `undefined`: a new one
   */
  save(all: Map<string, FakeSaved>, input: unknown, id?: string): { readonly id: string } | string {
    const given = input as FakeSaved["input"];
    const slug = String(given.name)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-");
    if (id === undefined && all.has(slug)) return "name already taken";
    if (id !== undefined && !all.has(id)) return "not found";
    const saved = { id: id ?? slug, input: given };
    all.set(saved.id, saved);
    return saved;
  }

  newId(): string {
    this.#count += 1;
    return `01TEST${String(this.#count).padStart(20, "0")}`;
  }

  private now(): number {
    return Math.floor(this.clock.now().getTime() / 1000);
  }
}
