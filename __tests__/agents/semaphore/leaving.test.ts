import { spawn } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type AgentHost, canBoot, makeAgentHost, queueUrl } from "./host.ts";

const drained = "run/agent-fleets/drained";
const leftBecause = "run/agent-fleets/left-because";

/** Lets the agent end as `reason`, or as none, and systemd run what comes after. */
async function leave(host: AgentHost, reason?: string) {
  mkdirSync(join(host.root, "run/agent-fleets"), { recursive: true });
  const told = await host.call(
    "shutdown_hook",
    reason === undefined ? {} : { SEMAPHORE_AGENT_SHUTDOWN_REASON: reason },
  );
  return { told, ended: await host.call("agent_left") };
}

const asked = (calls: readonly string[]) => calls.filter((call) => call.startsWith("aws "));

describe.skipIf(!canBoot).concurrent("an agent of Semaphore that leaves", () => {
  it.for([
    "IDLE",
    "JOB_FINISHED",
    "UNABLE_TO_SYNC",
    "REQUESTED",
    "INTERRUPTED",
    "UNKNOWN",
  ])("asks for its instance to be released, by root and after its end: %s", async (reason, t) => {
    const host = await makeAgentHost(t);
    const { told, ended } = await leave(host, reason);
    expect(told.status).toBe(0);
    // Its own user has no credentials.
    expect(asked(told.calls)).toEqual([]);
    expect(asked(ended.calls)).toEqual([
      expect.stringContaining(
        `--region us-west-2 sqs send-message --queue-url ${queueUrl} --message-body {"reason":"${reason}"}`,
      ),
    ]);
    expect(ended.calls).toContainEqual(expect.stringMatching(/^timeout 60 aws /));
    expect(ended.log).toContain(`the agent has left (${reason})`);
  });

  it.for([
    'x","admin":"true',
    "$(touch pwned)",
    "idle",
    "IDLE ".repeat(9000),
    undefined,
  ])("takes the reason %j for unknown", async (reason, t) => {
    const { ended } = await leave(await makeAgentHost(t), reason);
    expect(asked(ended.calls)).toEqual([expect.stringMatching(/--message-body \{"reason":"UNKNOWN"\}$/)]);
  });

  it("has its file from root, and may write into it alone", async (t) => {
    const host = await makeAgentHost(t);
    mkdirSync(join(host.root, "run/agent-fleets"), { recursive: true });
    writeFileSync(join(host.root, leftBecause), "JOB_FINISHED");
    const { calls, messages, file } = await host.start();
    expect(calls).toContain(`chown semaphore ${join(host.root, leftBecause)}`);
    // What an earlier agent of this host wrote is gone.
    expect(messages).toEqual([]);
    expect(file("etc/systemd/system/agent-fleets.service")).toMatch(
      /^ExecStopPost=-\/bin\/bash \S+\/usr\/local\/lib\/agent-fleets\/boot agent_left$/m,
    );
  });

  it("asks for nothing when it never said that it leaves", async (t) => {
    const host = await makeAgentHost(t);
    const { status, calls } = await host.call("agent_left");
    expect({ status, asked: asked(calls) }).toEqual({ status: 0, asked: [] });
  });

  it("does not listen to what jobs have put into its home", async (t) => {
    const host = await makeAgentHost(t);
    await leave(host, "IDLE");
    expect(host.left("aws-files")).toBe("/nonexistent /dev/null /dev/null\n");
  });

  it("asks again when the queue does not answer, and leaves it to the power-off in the end", async (t) => {
    const host = await makeAgentHost(t);
    host.fault("sqs", 255, 255);
    const { ended } = await leave(host, "IDLE");
    expect(ended.status).toBe(0);
    expect(asked(ended.calls)).toHaveLength(3);
    host.fault("sqs", 255, 255, 255, 255);
    const { status, log } = await host.call("agent_left");
    expect(status).toBe(1);
    expect(log).toContain("FAILED: gave up after 4 attempts");
  });

  it("asks for nothing when its retirement has told it to leave", async (t) => {
    const host = await makeAgentHost(t);
    host.unitIs("inactive");
    await host.call("drain");
    const { ended } = await leave(host, "JOB_FINISHED");
    expect({ status: ended.status, asked: asked(ended.calls) }).toEqual({ status: 0, asked: [] });
    expect(ended.log).toContain("because of its retirement");
  });
});

describe.skipIf(!canBoot).concurrent("draining an agent of Semaphore", () => {
  it("tells it to leave, without waiting for that, and remembers that it did", async (t) => {
    const host = await makeAgentHost(t);
    host.unitIs("deactivating", "deactivating", "inactive");
    const { output, status, calls } = await host.call("drain");
    expect({ output, status }).toEqual({ output: "idle\n", status: 0 });
    expect(calls[0]).toBe("systemctl --no-block stop agent-fleets.service");
    expect(existsSync(join(host.root, drained))).toBe(true);
  });

  it("says that an agent that does not leave is busy, within what SSM waits for", async (t) => {
    const host = await makeAgentHost(t);
    host.unitIs("deactivating");
    for (let time = 0; time < 2; time += 1) {
      const { output, calls } = await host.call("drain");
      expect(output).toBe("busy\n");
      expect(calls.filter((call) => call === "sleep 1").length).toBeLessThanOrEqual(25 * (time + 1));
    }
    host.unitIs("failed");
    expect((await host.call("drain")).output).toBe("idle\n");
  });

  it.for<[what: string, answer: string, toldAgo: number, wroteAgo: number | undefined]>([
    ["told long ago, and silent since", "silent", 700, 700],
    ["told long ago, without a log", "silent", 700, undefined],
    ["told long ago, at its last word a moment ago", "busy", 86_400, 5],
    ["silent before it was told, and told a moment ago", "busy", 5, 7000],
  ])("an agent that does not leave, %s, is %s", async ([, answer, toldAgo, wroteAgo], t) => {
    const host = await makeAgentHost(t);
    host.unitIs("deactivating");
    const put = (path: string, secondsAgo: number) => {
      const file = join(host.root, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, "");
      const at = new Date(Date.now() - secondsAgo * 1000);
      utimesSync(file, at, at);
    };
    put(drained, toldAgo);
    if (wroteAgo !== undefined) put("var/log/semaphore/agent.log", wroteAgo);
    const { output, status, calls, log } = await host.call("drain");
    expect({ output, status }).toEqual({ output: `${answer}\n`, status: 0 });
    expect(log.includes("has written nothing for")).toBe(answer === "silent");
    // It is told again, and nothing else is done to it.
    expect(calls.filter((call) => call.startsWith("systemctl") && !call.includes(" show "))).toEqual([
      "systemctl --no-block stop agent-fleets.service",
    ]);
    host.unitIs("inactive");
    expect((await host.call("drain")).output).toBe("idle\n");
  });

  it.for(["", "maintenance", "inactive-ish"])("answers nothing when systemd says %j", async (state, t) => {
    const host = await makeAgentHost(t);
    host.unitIs(state);
    const { output, status, log } = await host.call("drain");
    expect(output).toBe("");
    expect(status).not.toBe(0);
    expect(log).toContain("FAILED");
  });

  it("answers nothing when the agent cannot be told", async (t) => {
    const host = await makeAgentHost(t);
    host.fault("systemctl", 1);
    const { output, status } = await host.call("drain");
    expect(output).toBe("");
    expect(status).not.toBe(0);
  });
});

/**
 * An agent as the real one: a parent that only waits, and the agent proper, which finishes its job on SIGTERM. A signal
 * for the parent would end both at once.
 */
const wrapper = `#!/bin/bash
"\${0%/*}/proper/agent" & wait $!`;
const proper = `#!/bin/bash
trap 'echo told >>"$STAGE/told"; told=1' TERM
touch "$STAGE/ready"
while [[ -e $STAGE && ( -e $STAGE/job || -z \${told:-} ) ]]; do "$STAGE/real/sleep" 0.05; done
touch "$STAGE/left"`;

describe.skipIf(!canBoot).concurrent("stopping the unit of a Semaphore agent", () => {
  it("lets the running job end, and ends only then", async (t) => {
    const host = await makeAgentHost(t);
    const folder = join(host.stage, "processes");
    mkdirSync(join(folder, "proper"), { recursive: true });
    writeFileSync(join(folder, "agent"), wrapper, { mode: 0o755 });
    writeFileSync(join(folder, "proper/agent"), proper, { mode: 0o755 });
    writeFileSync(join(host.stage, "job"), "");
    unlinkSync(join(host.stage, "bin/sleep"));
    symlinkSync(join(host.stage, "real/sleep"), join(host.stage, "bin/sleep"));
    const main = spawn(join(folder, "agent"), { env: { ...process.env, STAGE: host.stage }, stdio: "ignore" });
    const ended = new Promise((resolve) => main.on("exit", resolve));
    t.onTestFinished(() => void main.kill("SIGKILL"));
    while (!existsSync(join(host.stage, "ready"))) await sleep(10);

    let finished = false;
    const finish = host.call("finish", { MAINPID: String(main.pid) }).finally(() => {
      finished = true;
    });
    while (!existsSync(join(host.stage, "told"))) await sleep(20);
    await sleep(500);
    expect({ finished, left: existsSync(join(host.stage, "left")), exit: main.exitCode }).toEqual({
      finished: false,
      left: false,
      exit: null,
    });

    unlinkSync(join(host.stage, "job"));
    expect((await finish).status).toBe(0);
    expect(existsSync(join(host.stage, "left"))).toBe(true);
    expect(await ended).toBe(0);
  });

  it("has nothing to do when the agent has left by itself", async (t) => {
    const { status, calls } = await (await makeAgentHost(t)).call("finish");
    expect({ status, calls }).toEqual({ status: 0, calls: [] });
  });
});

describe.skipIf(!canBoot).concurrent("the health check of a Semaphore agent", () => {
  it.for(["inactive", "failed"])("powers off a host whose agent is %s, without any AWS API", async (state, t) => {
    const host = await makeAgentHost(t);
    await host.start();
    host.unitIs(state);
    unlinkSync(join(host.stage, "powered-off"));
    const { poweredOff, calls, log } = await host.call("check_health");
    expect(poweredOff).toBe(true);
    expect(calls).toContain("systemctl --no-block start agent-fleets-power-off.service");
    expect(log).toContain(`the agent's unit is ${state}`);
  });

  it.for(["active", "activating", "deactivating"])("leaves a host alone whose agent is %s", async (state, t) => {
    const host = await makeAgentHost(t);
    host.unitIs(state);
    const { status, poweredOff, calls } = await host.call("check_health");
    expect({ status, poweredOff, calls }).toEqual({
      status: 0,
      poweredOff: false,
      calls: ["systemctl show --property=ActiveState --value agent-fleets.service"],
    });
  });
});
