import { describe, expect, it } from "vitest";
import { createSpaceliftRetirement } from "../../../../../handlers/lib/vendors/spacelift/retirement.ts";
import { type Account, asks, instance, startAccount } from "./account.ts";

const agent = { name: instance(1), capacityId: instance(1) };

async function start(): Promise<Account & { readonly retirement: ReturnType<typeof createSpaceliftRetirement> }> {
  const account = await startAccount();
  return { ...account, retirement: createSpaceliftRetirement(account.runtime, account.deps) };
}

describe("spacelift retirement", () => {
  it("never asks for availableAt when it drains: an old server would refuse the whole mutation", async () => {
    const { fake, pool, state, retirement } = await start();
    state.tellsIdleTimes = false;
    state.addWorker(pool, instance(1));
    expect(await retirement.drain(agent)).toBe("idle");
    const drains = fake.requests.filter(asks("workerDrainSet"));
    expect(drains).toHaveLength(1);
    expect(drains[0]?.body.toString()).not.toContain("availableAt");
  });

  it("defect 7: where no session can be opened, nothing is taken for idle or gone", async () => {
    const { pool, state, retirement } = await start();
    state.addWorker(pool, instance(1));
    state.secret = "test-secret-of-nobody";
    await expect(retirement.drain(agent)).rejects.toMatchObject({ kind: "unauthorized" });
    await expect(retirement.drain({ ...agent, name: instance(9) })).rejects.toMatchObject({ kind: "unauthorized" });
  });

  it("defect 7: a key that may not drain is an error, not an idle worker", async () => {
    const { pool, state, retirement } = await start();
    const worker = state.addWorker(pool, instance(1));
    state.mayDrain = false;
    await expect(retirement.drain(agent)).rejects.toMatchObject({ kind: "unauthorized" });
    expect(worker.drained).toBe(false);
  });

  it("names the missing right where Spacelift denies a worker that it lists", async () => {
    const { fake, pool, state, retirement } = await start();
    state.addWorker(pool, instance(1));
    const errors = [{ message: "worker not found" }];
    fake.fail({ when: asks("workerDrainSet"), answer: { status: 200, json: { data: null, errors } } });
    await expect(retirement.drain(agent)).rejects.toMatchObject({
      message: expect.stringContaining(
        "the worker is listed: the API key lacks the right to drain it (Worker Pool: Drain worker)",
      ),
    });
  });

  it("goes by the id of a worker whose metadata is unreadable", async () => {
    const { pool, state, retirement } = await start();
    const worker = state.addWorker(pool, instance(1), { metadata: "{" });
    expect(await retirement.drain(agent)).toBe("unmatched");
    expect(await retirement.drain({ ...agent, vendorId: worker.id })).toBe("idle");
    expect(worker.drained).toBe(true);
  });

  it.each(["", null, {}, "None"])("ends no machine while a busy worker of ours names the instance %j", async (id) => {
    const { pool, state, retirement } = await start();
    const lost = state.addWorker(pool, instance(1));
    const known = { ...agent, vendorId: lost.id };
    pool.workers.delete(lost.id);
    const metadata = JSON.stringify({ asg_id: "ci", instance_id: id });
    const unmatched = state.addWorker(pool, "", { busy: true, metadata });
    expect(await retirement.drain(agent)).toBe("unmatched");
    expect(await retirement.drain(known)).toBe("busy");
    await expect(retirement.undrain(known)).resolves.toBeUndefined();
    unmatched.metadata = JSON.stringify({ asg_id: "other", instance_id: id });
    expect(await retirement.drain(agent)).toBe("unseen");
    expect(await retirement.drain(known)).toBe("unseen");
  });

  it("proves nothing where Spacelift loses the record of a worker that its retirement waits for", async () => {
    const { pool, state, retirement } = await start();
    const worker = state.addWorker(pool, instance(1), { busy: true });
    const known = { ...agent, vendorId: worker.id };
    expect(await retirement.drain(known)).toBe("busy");
    pool.workers.delete(worker.id);
    expect(await retirement.drain(known)).toBe("unseen");
  });

  it("leaves a worker of another group alone that names our machine", async () => {
    const { pool, state, retirement } = await start();
    const metadata = JSON.stringify({ asg_id: "other", instance_id: instance(1) });
    const foreign = state.addWorker(pool, instance(1), { metadata });
    expect(await retirement.drain(agent)).toBe("unseen");
    expect(foreign.drained).toBe(false);
  });

  it("drains every worker of an instance, and one that works makes the agent busy", async () => {
    const { pool, state, retirement } = await start();
    const [first, second] = [state.addWorker(pool, instance(1)), state.addWorker(pool, instance(1))];
    state.startRun(second);
    expect(await retirement.drain({ ...agent, vendorId: first.id })).toBe("busy");
    expect([first.drained, second.drained]).toEqual([true, true]);
    state.endRun(second);
    expect(await retirement.drain(agent)).toBe("idle");
    await retirement.undrain(agent);
    expect([first.drained, second.drained]).toEqual([false, false]);
  });

  it("finds out by the pool that a worker left between the two questions", async () => {
    const { fake, pool, state, retirement, operations } = await start();
    const worker = state.addWorker(pool, instance(1));
    const leave = () => {
      fake.onRequest = (request) => {
        if (asks("workerDrainSet")(request)) pool.workers.delete(worker.id);
      };
    };
    leave();
    expect(await retirement.drain({ ...agent, vendorId: worker.id })).toBe("unseen");
    expect(operations()).toEqual(["apiKeyUser", "workerPool", "workerDrainSet", "workerPool"]);
    pool.workers.set(worker.id, worker);
    await expect(retirement.undrain(agent)).resolves.toBeUndefined();
  });

  it("does not take a refusal for absence where the pool still lists the worker", async () => {
    const { fake, pool, state, retirement } = await start();
    state.addWorker(pool, instance(1));
    const errors = [{ message: "worker not found" }];
    fake.fail({ when: asks("workerDrainSet"), answer: { status: 200, json: { data: null, errors } } });
    await expect(retirement.drain(agent)).rejects.toMatchObject({ kind: "invalid" });
    await expect(retirement.undrain(agent)).rejects.toMatchObject({ kind: "invalid" });
  });

  it("does not take an answer without a worker for absence where the pool still lists it", async () => {
    const { fake, pool, state, retirement } = await start();
    state.addWorker(pool, instance(1));
    fake.fail({ when: asks("workerDrainSet"), answer: { status: 200, json: { data: { workerDrainSet: null } } } });
    expect(await retirement.drain(agent)).toBe("busy");
    await expect(retirement.undrain(agent)).rejects.toMatchObject({ kind: "malformed" });
  });

  it("defect 4: an undrain that did not take is an error, so that nobody believes the worker is back", async () => {
    const { fake, pool, state, retirement } = await start();
    const { id } = state.addWorker(pool, instance(1), { drained: true });
    const workerDrainSet = { id, busy: false, drained: true };
    fake.fail({ when: asks("workerDrainSet"), answer: { status: 200, json: { data: { workerDrainSet } } } });
    await expect(retirement.undrain(agent)).rejects.toMatchObject({ kind: "malformed" });
  });
});
