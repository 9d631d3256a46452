import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type AgentHost, canBoot, makeAgentHost, tokenArn } from "./host.ts";

/** As pkg/eventlogger/formatter.go writes lines, with what pkg/listener/listener.go, pkg/retry/retry.go and main.go log. */
const line = (said: string) => `Feb  7 16:27:57.930 i-0123456789abcdef0_0a1b2c3d : ${said}\n`;
const asking = line("Starting Agent") + line("Registering Agent");
const refused = line("[Register] attempt [1] failed with [register request to https://acme: got 401] - retrying in 1s");
const working = line("Starting to poll for jobs") + line("SYNC request (state: waiting-for-jobs)");
const gaveUp = `${line("Could not start agent: failed to register agent: [Register] failed after [30] attempts - giving up")}${line("Child agent process panicked:")}\ngoroutine 7 [running]:\nmain.RunListener.func1()\n`;

const log = "var/log/semaphore/agent.log";
const stop = "systemctl --no-block stop agent-fleets.service";

function put({ root }: AgentHost, path: string, text: string): void {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), text);
}

async function checked(host: AgentHost, text: string | undefined, from = 1) {
  if (text !== undefined) put(host, log, text);
  put(host, "run/agent-fleets/log-from", String(from));
  host.unitIs(...Array.from({ length: 6 }, () => "active"), "inactive");
  return host.call("check_registration", { AGENT_FLEETS_REGISTRATION_GRACE_SECONDS: "10" });
}

describe.skipIf(!canBoot).concurrent("an agent of Semaphore at the end of its grace", { timeout: 60_000 }, () => {
  it.for([
    ["hangs in its first try", asking],
    ["is refused again and again", asking + refused.repeat(20)],
    ["has given up", asking + refused.repeat(29) + gaveUp],
  ])("is told to leave when it %s", async ([, text], t) => {
    const host = await makeAgentHost(t);
    const { calls, log: said } = await checked(host, text);
    expect(calls.filter((call) => call === stop)).toHaveLength(1);
    expect(said).toContain("the agent has not registered within 10 s and is told to leave");
  });

  it.for([
    ["works", asking + refused + working],
    ["works, and its first lines are lost", working],
  ])("stays and is told of once when it %s", async ([, text], t) => {
    const host = await makeAgentHost(t);
    const { calls, messages } = await checked(host, text);
    expect(calls).not.toContain(stop);
    expect(messages).toEqual(['{"reason":"registered"}']);
    expect(existsSync(join(host.root, "run/agent-fleets/never-registered"))).toBe(false);
  });

  it.for([
    ["writes a line that we do not know", asking + line("Enrolled, waiting for work")],
    ["writes such a line between failures", asking + refused + line("Job started") + refused],
    ["says nothing of registering", line("Starting Agent")],
    ["writes nothing", ""],
    ["has no log", undefined],
  ])("stays when it %s", async ([, text], t) => {
    const host = await makeAgentHost(t);
    const { calls, messages } = await checked(host, text);
    expect(calls).not.toContain(stop);
    expect(messages).toEqual([]);
    expect(existsSync(join(host.root, "run/agent-fleets/never-registered"))).toBe(false);
  });

  it("is looked at by the lines of this start of its host", async (t) => {
    const before = asking + working;
    const hanging = await checked(await makeAgentHost(t), before + asking, before.length + 1);
    expect(hanging.calls).toContain(stop);
    const failed = asking + refused.repeat(30);
    const works = await checked(await makeAgentHost(t), failed + asking + working, failed.length + 1);
    expect(works.calls).not.toContain(stop);
  });

  it("stays when its log was cut meanwhile", async (t) => {
    expect((await checked(await makeAgentHost(t), asking, 5000)).calls).not.toContain(stop);
  });
});

describe.skipIf(!canBoot).concurrent("the boot of a Semaphore agent that", { timeout: 60_000 }, () => {
  /** Boots with an agent that writes this to its log and ends. */
  async function booted(host: AgentHost, text: string, status: number, changes = {}) {
    const agent = `#!/bin/bash\nwhile read -r line; do :; done <"$3"\ncat >>"$SEMAPHORE_AGENT_LOG_FILE_PATH" <<'LOG'\n${text}LOG\nexit ${status}\n`;
    writeFileSync(join(host.root, "opt/semaphore/agent/agent"), agent, { mode: 0o755 });
    return host.start({ AGENT_FLEETS_BOOT_SECONDS: "1500", ...changes });
  }

  it("never registers tells the fleet, and powers off", async (t) => {
    const { messages, log: said, poweredOff } = await booted(await makeAgentHost(t), asking + refused + gaveUp, 1);
    expect(messages).toEqual(['{"reason":"never-registered"}']);
    expect(said).toContain("this launch failed: never-registered");
    expect(poweredOff).toBe(true);
  });

  it("ends before it asks to register, as one with a wrong configuration does, tells it, too", async (t) => {
    const { messages } = await booted(await makeAgentHost(t), line("Unrecognized option 'x'. Exiting..."), 1);
    expect(messages).toEqual(['{"reason":"never-registered"}']);
  });

  it("had registered tells nothing when it ends, however it ends", async (t) => {
    const { messages, poweredOff } = await booted(await makeAgentHost(t), asking + working, 1);
    expect({ messages, poweredOff }).toEqual({ messages: [], poweredOff: true });
  });

  it("registered at an earlier start of its host, and not at this one, tells the fleet", async (t) => {
    const host = await makeAgentHost(t);
    put(host, log, asking + working);
    expect((await booted(host, asking + refused + gaveUp, 1)).messages).toEqual(['{"reason":"never-registered"}']);
    expect(readFileSync(join(host.root, "run/agent-fleets/log-from"), "utf8")).toBe(`${(asking + working).length + 1}`);
  });

  it("fails before there is an agent tells so", async (t) => {
    const host = await makeAgentHost(t);
    host.fault("useradd", 9);
    expect((await host.start()).messages).toEqual(['{"reason":"boot-failed"}']);
  });

  it("gets a page for its instance's id fails, and no agent is named after it", async (t) => {
    const host = await makeAgentHost(t);
    host.metadata.set("instance-id", "<html>\nSign in\n</html>");
    const { config, messages, log: said } = await host.start();
    expect(config).toBeUndefined();
    expect(messages).toEqual(['{"reason":"boot-failed"}']);
    expect(said).toContain("FAILED: gave up after 5 attempts, the last with status 1: imds_once instance-id");
  });

  it("is taken away by its group while it boots starts no agent", async (t) => {
    const host = await makeAgentHost(t);
    let questions = 0;
    host.imds.onRequest = ({ path }) => {
      if (!path.endsWith("target-lifecycle-state")) return;
      questions += 1;
      // In service when the boot begins, then taken away; what waits is ended with its host.
      if (questions === 2) host.metadata.set("autoscaling/target-lifecycle-state", "Terminated");
      if (questions === 4) host.fault("sleep", 143);
    };
    const { config, log: said } = await host.start();
    expect(config).toBeUndefined();
    expect(said).toContain("the agent does not start: the group's target state is Terminated.");
    expect(questions).toBeGreaterThanOrEqual(4);
  });

  it.for(["test-token\r\n", "\uFEFFtest-token", " test-token \n\n"])("reads its token clean: %j", async (text, t) => {
    const host = await makeAgentHost(t);
    host.secret(tokenArn, text);
    expect((await host.start()).config?.token).toBe("test-token");
  });
});
