import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { canPlay, type Host, makeHost } from "./host.ts";

const state = "autoscaling/target-lifecycle-state";

/** What the unit says of its end: `ExecMainCode` (1: it exited, 2: a signal) and `ExecMainStatus`. */
const ended = (code: number, status: number) =>
  `systemctl() { if [[ $1 == show ]]; then echo ExecMainCode=${code} ExecMainStatus=${status}; else command systemctl "$@"; fi; }\n`;

function put({ root }: Host, path: string, text: string): void {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), text);
}

describe.skipIf(!canPlay).concurrent("the role of an instance", { timeout: 60_000 }, () => {
  it.for(["floor", "burst"])("waits for a late role: %s", async (role, t) => {
    const host = await makeHost(t);
    let questions = 0;
    host.imds.onRequest = ({ path }) => {
      if (path.endsWith("AgentFleetsRole") && ++questions === 3) {
        host.metadata.set("tags/instance/AgentFleetsRole", role);
      }
    };
    expect((await host.library("role_of_agent")).output).toBe(role);
    expect(questions).toBe(3);
  });

  it.for([
    undefined,
    "boss",
    "floor\n",
    "<html>floor</html>",
    "None",
  ])("is a burst agent when no role comes in time: %s", async (role, t) => {
    const host = await makeHost(t);
    if (role) host.metadata.set("tags/instance/AgentFleetsRole", role);
    const { output, log } = await host.library("role_of_agent 1");
    expect(output).toBe("burst");
    expect(log).toContain("no role came by the tag AgentFleetsRole within 1 s: burst");
    expect(log).toContain("shows only the tags that it was launched with");
  });
});

describe.skipIf(!canPlay).concurrent("an instance starts its agent", { timeout: 60_000 }, () => {
  it("waits in a warm pool until the group wants the instance, and elsewhere not at all", async (t) => {
    const host = await makeHost(t);
    const state = "autoscaling/target-lifecycle-state";
    expect((await host.library("await_service")).status).toBe(0);
    host.metadata.delete(state);
    let questions = 0;
    host.imds.onRequest = ({ path }) => {
      if (!path.endsWith(state)) return;
      questions += 1;
      if (questions > 1) host.metadata.set(state, questions < 3 ? "Warmed:Stopped" : "InService");
    };
    await host.library("await_service", { AGENT_FLEETS_WARM_POOL: "true" });
    expect(questions).toBe(3);
  });

  it("where the group wants it in service, and where it is in no group", async (t) => {
    const host = await makeHost(t);
    expect((await host.library("await_service\necho on")).output).toBe("on\n");
    host.metadata.delete(state);
    expect((await host.library("await_service\necho on")).output).toBe("on\n");
  });

  it.for([
    "Terminated",
    "Warmed:Terminated",
    "Standby",
    "Detached",
    "Warmed:Stopped",
    "Warmed:Hibernated",
    "Warmed:Running",
  ])("not while the group wants it %s: it waits, says why, and goes on only once it is wanted", async (target, t) => {
    const host = await makeHost(t);
    host.metadata.set(state, target);
    let questions = 0;
    host.imds.onRequest = ({ path }) => {
      if (path.endsWith(state) && ++questions === 4) host.metadata.set(state, "InService");
    };
    const { output, log } = await host.library("await_service\necho on");
    expect({ output, questions }).toEqual({ output: "on\n", questions: 4 });
    expect(log.match(/the agent does not start: the group's target state is (\S+)\./g)).toHaveLength(1);
    expect(log).toContain(`the group's target state is ${target}.`);
  });

  it.for([
    ["a page", { status: 200, text: "<html>InService</html>" }],
    ["an empty text", { status: 200, text: "" }],
    ["an error", { status: 500, text: "InService" }],
  ] as const)("not when the answer is %s: the boot fails", async ([, answer], t) => {
    const host = await makeHost(t);
    host.imds.fail({ method: "GET", answer });
    const { status, output, log } = await host.library("await_service\necho on");
    expect({ status, output }).toEqual({ status: 1, output: "" });
    expect(log).toContain("FAILED: gave up after 8 attempts, the last with status 1: target_lifecycle_state");
  });
});

describe.skipIf(!canPlay).concurrent("an instance whose agent must register in time", { timeout: 60_000 }, () => {
  const settings = { AGENT_FLEETS_REGISTRATION_GRACE_SECONDS: "20" };

  it("looks for that beside the agent, and not where there is no limit", async (t) => {
    const host = await makeHost(t);
    put(host, "proc/uptime", "99.50 1.5\n");
    const { calls, file } = await host.library("agent_begins", settings);
    expect(calls).toContainEqual(
      expect.stringMatching(/^systemd-run .*--unit=agent-fleets-registration .*\/boot check_registration$/),
    );
    expect(file("run/agent-fleets/agent")).toBe("99");
    const unlimited = await (await makeHost(t)).library("agent_begins");
    expect(unlimited.calls.filter((call) => call.startsWith("systemd-run"))).toEqual([]);
  });

  it("starts its agent where nobody can look", async (t) => {
    const host = await makeHost(t);
    host.fault("systemd-run", 1);
    const { status, log } = await host.library("agent_begins", settings);
    expect(status).toBe(0);
    expect(log).toContain("nobody will look whether the agent registers");
  });

  const fleet = {
    ...settings,
    AGENT_FLEETS_REGION: "us-west-2",
    AGENT_FLEETS_RELEASE_QUEUE_URL: "https://sqs.us-west-2.example.com/123456789012/ci-release",
  };
  /**
   * `answers` to the question whether it has registered, of which the last one stays. Its unit ends after `looks`, the
   * queue takes nothing the first `deaf` times. No time is measured, so a slow machine changes nothing.
   */
  const check = (answers: string, { looks = 30, unit = "inactive", deaf = 0 } = {}) =>
    `echo '${answers.replaceAll(" ", "\n")}' >"$STAGE/answers"
    systemctl() {
      echo "systemctl $*" >>"$STAGE/calls"
      if [[ $1 != show ]]; then return 0; fi
      if (($(grep -c '^systemctl show' "$STAGE/calls") <= ${looks})); then echo active; else echo ${unit}; fi
    }
    aws_cli() {
      echo "aws $*" >>"$STAGE/calls"
      if (($(grep -c '^aws ' "$STAGE/calls") <= ${deaf})); then return 255; fi
      echo "\${!#}" >>"$STAGE/messages"
    }
    look_at_agent() { echo looked >>"$STAGE/calls"; }
    registration() {
      local answer
      read -r answer <"$STAGE/answers" || true
      if (($(wc -l <"$STAGE/answers") > 1)); then sed -i 1d "$STAGE/answers"; fi
      printf %s "$answer"
    }
    mkdir -p "$run"
    check_registration`;
  const stop = "systemctl --no-block stop agent-fleets.service";
  const pauses = (calls: readonly string[]) => calls.flatMap((call) => /^sleep (\d+)/.exec(call)?.[1] ?? []);

  it("tells one that surely has not to leave, after the grace and once", async (t) => {
    const host = await makeHost(t);
    const { calls, log, messages } = await host.library(check("no"), fleet);
    expect(calls.filter((call) => call === stop)).toHaveLength(1);
    expect(pauses(calls)).toEqual(["5", "5", "5", "5"]);
    expect(calls.filter((call) => call === "looked")).toHaveLength(4);
    expect(log).toContain("the agent has not registered within 20 s and is told to leave");
    expect(existsSync(join(host.root, "run/agent-fleets/never-registered"))).toBe(true);
    // The fleet hears of it when the agent has ended, not before: it may have a job that nobody can see.
    expect(messages).toEqual([]);
  });

  it.for(["yes", "unclear", ""])("leaves an agent alone of which it is said: %j", async (answer, t) => {
    const host = await makeHost(t);
    const { calls } = await host.library(check(answer), fleet);
    expect(calls).not.toContain(stop);
    expect(existsSync(join(host.root, "run/agent-fleets/never-registered"))).toBe(false);
  });

  it.for(["inactive", "failed", "deactivating", ""])("looks no more at an agent whose unit is %j", async (unit, t) => {
    const host = await makeHost(t);
    const { calls, messages } = await host.library(check("no yes", { looks: 1, unit }), fleet);
    expect(calls).not.toContain(stop);
    expect(pauses(calls)).toEqual(["5", "5"]);
    expect(messages).toEqual([]);
  });

  const registered = '{"reason":"registered"}';

  it("tells the fleet as soon as its agent has registered, and looks no more", async (t) => {
    const host = await makeHost(t);
    const { calls, messages, log } = await host.library(check("unclear no yes"), fleet);
    expect(messages).toEqual([registered]);
    expect(pauses(calls)).toEqual(["5", "5", "5"]);
    expect(calls).not.toContain(stop);
    expect(log).toContain("the agent has registered");
  });

  it("tells it late of an agent that was unclear when its grace was over, and never tells that one to leave", async (t) => {
    const host = await makeHost(t);
    const { calls, messages, log } = await host.library(check(`${"unclear ".repeat(5)}no yes`), fleet);
    expect(messages).toEqual([registered]);
    expect(pauses(calls)).toEqual(["5", "5", "5", "5", "60", "60", "60"]);
    expect(calls).not.toContain(stop);
    expect(log.match(/the agent stays: nothing shows after 20 s whether it has registered/g)).toHaveLength(1);
  });

  it("tells it again and again, ever more slowly, until the queue takes it, and its agent works on", async (t) => {
    const host = await makeHost(t);
    const { calls, messages, log, poweredOff } = await host.library(check("yes", { deaf: 9 }), fleet);
    expect(messages).toEqual([registered]);
    expect(pauses(calls)).toEqual(["5", "5", "10", "20", "40", "80", "160", "300", "300", "300"]);
    expect(log).toContain("the fleet could not be told that the agent has registered, again in 300 s");
    expect(log).not.toContain("FAILED");
    expect({ stopped: calls.includes(stop), poweredOff }).toEqual({ stopped: false, poweredOff: false });
  });

  it("tells it no more once the agent has ended, and does not end it for that", async (t) => {
    const host = await makeHost(t);
    const { status, calls, messages } = await host.library(check("yes", { looks: 4, deaf: 99 }), fleet);
    expect({ status, messages }).toEqual({ status: 0, messages: [] });
    expect(calls.filter((call) => /^aws .* sqs send-message /.test(call))).toHaveLength(4);
    expect(calls).not.toContain(stop);
  });
});

describe
  .skipIf(!canPlay)
  .concurrent("the fleet hears of an instance that was launched in vain", { timeout: 60_000 }, () => {
    const settings = {
      AGENT_FLEETS_REGION: "us-west-2",
      AGENT_FLEETS_RELEASE_QUEUE_URL: "https://sqs.us-west-2.example.com/123456789012/ci-release",
      AGENT_FLEETS_BOOT_SECONDS: "1200",
    };
    const off = (registered: string, end = ended(1, 1)) => `${end}registration() { printf ${registered}; }\npower_off`;

    it("when its boot failed", async (t) => {
      const host = await makeHost(t);
      const { messages, calls, log } = await host.library(off("unclear"), settings);
      expect(messages).toEqual(['{"reason":"boot-failed"}']);
      expect(calls).toContainEqual(
        expect.stringContaining(`sqs send-message --queue-url ${settings.AGENT_FLEETS_RELEASE_QUEUE_URL} `),
      );
      expect(log).toContain("this launch failed: boot-failed");
    });

    it.for([
      ["was told to leave, and exited well", "no", true, ended(1, 0), 9000],
      ["was told to leave, and died of it", "no", true, ended(2, 15), 9000],
      ["was told to leave, and cannot be asked any more", "unclear", true, ended(1, 1), 9000],
      ["ended soon by itself", "no", false, ended(1, 1), 1100],
      ["ended soon by itself without a sign", "unclear", false, ended(1, 2), 1100],
    ] as const)("when its agent never registered: it %s", async ([, registered, told, end, uptime], t) => {
      const host = await makeHost(t);
      put(host, "run/agent-fleets/agent", "60");
      put(host, "proc/uptime", `${uptime}.50 1.5\n`);
      if (told) put(host, "run/agent-fleets/never-registered", "");
      const { messages, poweredOff } = await host.library(off(registered, end), settings);
      expect(messages).toEqual(['{"reason":"never-registered"}']);
      expect(poweredOff).toBe(true);
    });

    it.for([
      ["its agent left well", "unclear", [], ended(1, 0), 1100],
      ["its agent had registered", "yes", [], ended(1, 1), 1100],
      [
        "its agent registered after it was told to leave, and has done its job",
        "yes",
        ["never-registered"],
        ended(1, 0),
        1100,
      ],
      ["its agent had registered, and its log shows that no more", "no", ["registered"], ended(1, 1), 1100],
      [
        "its agent registered after it was told to leave, and its log shows that no more",
        "unclear",
        ["registered", "never-registered"],
        ended(1, 1),
        1100,
      ],
      ["its agent ended later than boots do", "unclear", [], ended(1, 1), 9000],
      ["its retirement has told it to leave", "no", ["drained"], ended(2, 15), 1100],
    ] as const)("and not when %s", async ([, registered, marks, end, uptime], t) => {
      const host = await makeHost(t);
      put(host, "run/agent-fleets/agent", "60");
      put(host, "proc/uptime", `${uptime}.50 1.5\n`);
      for (const mark of marks) put(host, `run/agent-fleets/${mark}`, "");
      const { messages, poweredOff } = await host.library(off(registered, end), settings);
      expect(messages).toEqual([]);
      expect(poweredOff).toBe(true);
    });

    it("and powers off all the same when the queue does not answer, or there is none", async (t) => {
      const host = await makeHost(t);
      host.fault("sqs", 255, 255, 255, 255);
      const deaf = await host.library(off("no"), settings);
      expect({ messages: deaf.messages, off: deaf.poweredOff }).toEqual({ messages: [], off: true });
      expect(deaf.log).toContain("the report to the fleet failed");
      const none = await (await makeHost(t)).library("power_off");
      expect(none.poweredOff).toBe(true);
      expect(none.log).toContain("the report to the fleet failed");
    });

    it("asks again when the queue does not answer at first, and lets no file of a job's have a say", async (t) => {
      const host = await makeHost(t);
      host.fault("sqs", 255, 255);
      expect((await host.library(off("no"), settings)).messages).toHaveLength(1);
    });

    it("and not where a host is to stay for somebody to look into", async (t) => {
      const host = await makeHost(t);
      const { messages, poweredOff } = await host.library(off("no"), { ...settings, AGENT_FLEETS_POWER_OFF: "false" });
      expect({ messages, poweredOff }).toEqual({ messages: [], poweredOff: false });
    });
  });

describe.skipIf(!canPlay).concurrent("an instance that powers off", { timeout: 60_000 }, () => {
  it("Spacelift defect 9: powers off late where the boot fails early, so that the loop can stop the churn", async (t) => {
    const host = await makeHost(t);
    const settings = { AGENT_FLEETS_EARLIEST_POWER_OFF_SECONDS: "900", AGENT_FLEETS_POWER_OFF_DELAY_SECONDS: "15" };
    const up = (seconds: string) => `mkdir -p "$root/proc"\nprintf '${seconds} 1.5\\n' >"$root/proc/uptime"\npower_off`;
    expect((await host.library(up("100.25"), settings)).log).toMatch(/powering off in 15 s.*another 800 s/s);
    expect((await host.library(up("5000.10"), settings)).log).not.toContain("another");
    expect((await host.library("power_off")).log).toContain("powering off in 60 s");
    expect((await host.library(up("100.25"), settings)).poweredOff).toBe(true);
  });

  it("fault B2: powers off soon where the boot of a burst instance fails, late where the agent left well", async (t) => {
    const host = await makeHost(t);
    const settings = { AGENT_FLEETS_EARLIEST_POWER_OFF_SECONDS: "900", AGENT_FLEETS_BOOT_SECONDS: "1200" };
    const end = (code: number, status: number) =>
      `${ended(code, status)}
      mkdir -p "$root/proc"
      echo 100.25 1.5 >"$root/proc/uptime"
      power_off`;
    const stay = async (code: number, status: number) =>
      /another (\d+) s/.exec((await host.library(end(code, status), settings)).log)?.[1];

    expect([await stay(1, 1), await stay(0, 0), await stay(2, 9)]).toEqual(["800", "800", "800"]);
    expect(await stay(1, 0)).toBe("1100");
    host.metadata.set("tags/instance/AgentFleetsRole", "burst");
    expect([await stay(1, 1), await stay(0, 0)]).toEqual([undefined, undefined]);
    expect(await stay(1, 0)).toBe("1100");
    host.metadata.set("tags/instance/AgentFleetsRole", "floor");
    expect(await stay(1, 1)).toBe("800");
  });

  it("ADR 9: stays like after any failed boot when its agent was told to leave and then exited well", async (t) => {
    const host = await makeHost(t);
    put(host, "run/agent-fleets/never-registered", "");
    put(host, "run/agent-fleets/agent", "10");
    put(host, "proc/uptime", "700.50 1.5\n");
    const settings = { AGENT_FLEETS_EARLIEST_POWER_OFF_SECONDS: "900", AGENT_FLEETS_BOOT_SECONDS: "1200" };
    expect((await host.library(`${ended(1, 0)}power_off`, settings)).log).toContain("another 200 s");
  });
});
