import type { SQSRecord } from "aws-lambda";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LifecycleHook, RetirementReason } from "../../../handlers/lib/core/retirement.ts";
import { handleRelease } from "../../../handlers/release/handler.ts";
import { interruptionEvent, stateEvent, terminateEvent } from "../../fakes/instance-events.ts";
import { createLogFake } from "../../fakes/log.ts";

const roleId = "AROAEXAMPLEOFTHEFLEET";
const eventBridge = "AIDAEXAMPLEOFEVENTS";
const ours = "i-0123456789abcdef0";
const theirs = "i-0fedcba9876543210";

function setUp() {
  const started: { agent: string; reason: RetirementReason; hook?: LifecycleHook | undefined }[] = [];
  const noted: string[] = [];
  const broken = new Set<string>();
  const log = createLogFake();
  let count = 0;
  return {
    started,
    noted,
    broken,
    log,
    send: (...messages: readonly { readonly from: string; readonly body: unknown }[]) =>
      handleRelease(
        {
          Records: messages.map(({ from, body }) => {
            count += 1;
            return {
              messageId: `message-${count}`,
              body: typeof body === "string" ? body : JSON.stringify(body),
              attributes: { SenderId: from },
            } as SQSRecord;
          }),
        },
        {
          log,
          group: {
            starting: async () => 0,
            has: async (id) => {
              if (broken.has(id)) throw new Error("Auto Scaling is down");
              return id === ours || id.startsWith("i-00");
            },
            note: async (id, fact) => {
              noted.push(`${id} ${fact}`);
            },
            wordOf: () => Promise.reject(new Error("nobody asks")),
          },
          retirements: {
            running: () => Promise.reject(new Error("nobody asks")),
            start: async ({ name }, reason, hook) => {
              started.push({ agent: name, reason, hook });
              return true;
            },
          },
        },
      ),
  };
}

const release = { reason: "JOB_FINISHED" };
const done = { batchItemFailures: [] };

describe("instances that leave", () => {
  it("retires the instance that sent the message", async () => {
    const queue = setUp();
    expect(await queue.send({ from: `${roleId}:${ours}`, body: release })).toEqual(done);
    expect(queue.started).toEqual([{ agent: ours, reason: "release", hook: undefined }]);
    expect(queue.noted).toEqual([`${ours} left`]);
    expect(queue.log.lines.at(-1)).toMatchObject({ level: "info", fields: { said: "JOB_FINISHED" } });
  });

  it("Semaphore defect 3: a job can release its own instance alone, whatever it writes", async () => {
    const queue = setUp();
    await queue.send(
      { from: `${roleId}:${ours}`, body: { ...release, instanceId: "i-00000000", agent: "i-00000000" } },
      { from: `${roleId}:${ours}`, body: terminateEvent("i-00000000") },
      { from: `${roleId}:${ours}`, body: interruptionEvent("i-00000000") },
    );
    expect(queue.started.map(({ agent }) => agent)).toEqual([ours]);
  });

  it.each([
    ["another instance, with an event of AWS's", `${roleId}:${theirs}`, terminateEvent(ours)],
    ["an instance with another role, with an event of AWS's", `AROAOTHERROLE:${theirs}`, interruptionEvent(ours)],
    ["the role in a session that is no instance", `${roleId}:somebody`, release],
    ["the role in a session that only begins like an instance", `${roleId}:i-000000010:x`, release],
    ["a role whose id only ends like ours", `AIDA${roleId}:${ours}`, release],
    ["a user who plays an instance", "AIDAEXAMPLE", release],
    ["nobody", "", release],
  ])("Semaphore defect 3: drops what is sent by %s", async (_, from, body) => {
    const queue = setUp();
    expect(await queue.send({ from, body })).toEqual(done);
    expect(queue.started).toEqual([]);
    expect(queue.log.lines).toMatchObject([{ level: "warn" }]);
  });

  it("drops what comes from an instance with the role that is not in the group", async () => {
    const queue = setUp();
    expect(await queue.send({ from: `${roleId}:${theirs}`, body: release })).toEqual(done);
    expect(queue.started).toEqual([]);
  });
});

describe("the word of an instance on its agent", () => {
  it.each([
    ["never-registered", "never-registered", undefined],
    ["boot-failed", "never-registered", undefined],
    ["IDLE", "left", "release"],
    ["registered", "registered", undefined],
    ["toString", "left", "release"],
  ] as const)("%s is noted as %s, and its retirement is %s", async (word, fact, reason) => {
    const queue = setUp();
    expect(await queue.send({ from: `${roleId}:${ours}`, body: { reason: word } })).toEqual(done);
    expect(queue.noted).toEqual([`${ours} ${fact}`]);
    expect(queue.started.map((each) => each.reason)).toEqual(reason === undefined ? [] : [reason]);
  });
});

describe("notices of AWS", () => {
  it("retires an instance that the group terminates, with its hook", async () => {
    const queue = setUp();
    await queue.send({ from: eventBridge, body: terminateEvent(ours) });
    const hook = { name: "agent-fleets-retire", group: "ci" };
    expect(queue.started).toEqual([{ agent: ours, reason: "terminating", hook }]);
  });

  it("retires an instance of ours that Spot takes, and leaves those of others alone", async () => {
    const queue = setUp();
    const messages = [ours, theirs].map((id) => ({ from: eventBridge, body: interruptionEvent(id) }));
    await queue.send(...messages);
    expect(queue.started).toEqual([{ agent: ours, reason: "spot-interruption", hook: undefined }]);
  });

  it.each([
    ["a user, as EventBridge was seen", "AIDAEXAMPLEOFEVENTS"],
    ["the session of a role, as other services send already", "AROAEXAMPLEOFEVENTS:events"],
    ["the account itself", "111122223333"],
    ["a service", "events.amazonaws.com"],
    ["a person who sends a lost notice again", "AROAEXAMPLEOFADMINS:alice@example.com"],
    ["nobody that SQS names", ""],
    ["the instance itself", `${roleId}:${ours}`],
  ])("are taken from %s: AWS nowhere promises who sends them", async (_, from) => {
    const queue = setUp();
    await queue.send({ from, body: terminateEvent(ours) });
    expect(queue.started).toMatchObject([{ agent: ours, reason: "terminating" }]);
  });

  it("drops events of other sorts", async () => {
    const queue = setUp();
    expect(await queue.send({ from: eventBridge, body: stateEvent(ours) })).toEqual(done);
    expect(queue.started).toEqual([]);
  });
});

describe("batches", () => {
  it("Spacelift defect 12: a bad record poisons no batch, and is not delivered again", async () => {
    const queue = setUp();
    const lax = { ...terminateEvent(ours), detail: { EC2InstanceId: "i-1", LifecycleHookName: "x" } };
    const bad = ["", "{", "null", "[]", '"text"', { reason: 1 }, { reason: "x".repeat(101) }, {}, lax];
    const messages = bad.map((body) => ({ from: `${roleId}:${ours}`, body }));
    const answer = await queue.send(...messages, { from: `${roleId}:i-00000001`, body: release });
    expect(answer).toEqual(done);
    expect(queue.started.map(({ agent }) => agent)).toEqual(["i-00000001"]);
  });

  it("Spacelift defect 12: what could not be acted on is delivered again, and that alone", async () => {
    const queue = setUp();
    queue.broken.add("i-00000002");
    const answer = await queue.send(
      { from: `${roleId}:i-00000001`, body: release },
      { from: `${roleId}:i-00000002`, body: release },
      { from: `${roleId}:i-00000003`, body: release },
    );
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: "message-2" }] });
    expect(queue.started.map(({ agent }) => agent)).toEqual(["i-00000001", "i-00000003"]);
  });

  it("throws at no message, and starts nothing that the sender has not a right to", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.oneof(fc.json(), fc.string()), async (from, body) => {
        const queue = setUp();
        expect(await queue.send({ from, body })).toEqual(done);
        expect(queue.started).toEqual([]);
      }),
    );
  });
});
