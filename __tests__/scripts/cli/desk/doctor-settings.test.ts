import { describe, expect, it } from "vitest";
import { wholeFleet } from "../../../../handlers/lib/core/overrides.ts";
import { agentA, busy, diagnosed, failPass, findsEach } from "./diagnosed.ts";

describe("fleet doctor about settings", () => {
  findsEach([
    {
      what: "a fleet that is switched off while jobs wait",
      make: (world) => {
        world.policy = { enabled: false };
        world.decide({ queued: 2, states: busy });
      },
      id: "scaling-off",
      says: /scaling.enabled is false/,
    },
    {
      what: "a fleet that somebody paused while jobs wait",
      make: (world) => {
        world.settings.putOverride("pause", undefined, { reason: "vendor incident" });
        world.decide({ queued: 2, states: busy });
      },
      id: "paused",
      says: /ci-agents: an operator paused it until somebody resumes it: vendor incident\n.*: fleet resume ci-agents$/,
    },
    {
      what: "a pause of all pools as one",
      kind: "pools",
      make: (world) => world.settings.putOverride("pause", undefined, { until: world.secondsAgo(-60) }),
      id: "paused",
      severity: "warning",
      says: /linux: .*until 2026-01-01T00:01:00.000Z\n.*large: .*\n.*: fleet resume ci-agents$/,
    },
    {
      what: "a pause of one pool",
      kind: "pools",
      make: (world) => world.settings.putOverride("pause", "large", {}),
      id: "paused",
      severity: "warning",
      says: /fleet resume ci-agents --pool large$/,
    },
    {
      what: "a pool whose row is missing",
      kind: "pools",
      make: (world) => world.settings.items.delete("pool large"),
      id: "settings-unusable",
      says: /ci-agents.large .*there is no row with its settings\n.*fleet deploy ci-agents/,
    },
    {
      what: "a pool whose row is bad, quoting nothing of it",
      kind: "pools",
      make: (world) => world.settings.putText("pool", "linux", '{"policy": {"min": "canary"}}'),
      id: "settings-unusable",
      says: /^(?!.*canary).*ci-agents.linux .*policy/,
    },
    {
      what: "the only pool's row that is missing",
      make: (world) => world.settings.items.clear(),
      id: "settings-unusable",
      says: /there is no row/,
    },
    {
      what: "a table that is missing",
      make: (world) => world.settings.tables.clear(),
      id: "settings-unusable",
      says: /there is no row/,
    },
    {
      what: "an operator's row that cannot be used",
      make: (world) => world.settings.putText("override", `limits ${wholeFleet}`, "{"),
      id: "override-unusable",
      severity: "warning",
      says: /limits \(fleet\): it is not JSON\n.*fleet limits ci-agents --clear/,
    },
    {
      what: "a ceiling that an operator lowered",
      kind: "pools",
      make: (world) => {
        world.settings.putOverride("limits", "linux", { max: 1, until: world.secondsAgo(-3600) });
        world.decide({ pool: "linux", queued: 20, states: { busy: ["ci-agents.linux_a"] } });
      },
      id: "at-ceiling",
      severity: "warning",
      says: /2026-01-01T01:00:00.000Z. To end it now: fleet limits ci-agents --pool linux --clear$/,
    },
    {
      what: "limits that hold for a while",
      kind: "pools",
      make: (world) =>
        world.settings.putOverride("limits", "linux", {
          max: 3,
          buffer: { percent: 50 },
          until: world.secondsAgo(-3600),
        }),
      id: "limits-for-a-while",
      severity: "warning",
      says: /linux: min 1, max 3 until 2026-01-01T01:00:00.000Z; the stack has min 1, max 5, buffer 50 % \(0\)\n.*: fleet limits ci-agents --pool linux --clear$/,
    },
    {
      what: "a drain: who is left, what each waits for, and since when",
      make: (world) => {
        world.settings.putOverride("drain", undefined, { since: world.secondsAgo(600) });
        world.reportDrain(5, [
          { name: agentA, capacityId: [...world.ecs.tasks.keys()][0] ?? "", state: "busy", role: "burst" },
        ]);
      },
      id: "draining",
      severity: "warning",
      says: /ci-agents: since 2025-12-31T23:50:00.000Z\nci-agents_a \(busy\) waits for its job; then it leaves\n2 \(unknown\) waits for a person.*\n.*fleet drain ci-agents. To end it: fleet drain ci-agents --undo$/s,
    },
    {
      what: "a drain that the loop does not know yet, while jobs wait",
      kind: "pools",
      make: (world) => {
        world.settings.putOverride("drain", "linux", { since: world.secondsAgo(3) });
        world.decide({ pool: "linux", queued: 2, states: { idle: ["ci-agents.linux_a"] } });
      },
      id: "draining",
      says: /The loop has not looked since\n.*waits for the loop.*--pool <key> --undo$/s,
    },
  ]);

  it("takes a pause and limits that have ended for no trouble", async () => {
    const { findings } = await diagnosed("tasks", (world) => {
      world.settings.putOverride("pause", undefined, { until: world.secondsAgo(1) });
      world.settings.putOverride("limits", undefined, { max: 5, until: world.secondsAgo(1) });
    });
    expect(findings).toEqual([]);
  });

  it("explains the alarm of a pause, and what the loop logs of a bad row", async () => {
    const ids = async (...args: Parameters<typeof diagnosed>) =>
      (await diagnosed(...args)).findings.map(({ id }) => id);
    const paused = ids("tasks", (world) => {
      world.settings.putOverride("pause", undefined, {});
      world.alarms.push({ name: "paused", state: "ALARM" });
    });
    expect(await paused).toEqual(["paused"]);
    const bad = ids("pools", (world) => {
      world.settings.items.delete("pool large");
      world.lines = [];
      world.decide({ pool: "linux", states: { idle: ["ci-agents.linux_a"] } });
      const message =
        "the settings of pool large cannot be used, so its agents stay as they are: there is no row. Deploy the stack again";
      failPass(world, { name: "Error", message });
    });
    expect(await bad).toEqual(["settings-unusable"]);
  });

  it("does not say of a loop from before the table that it fails", async () => {
    const { code, findings } = await diagnosed("tasks", (world) => {
      world.settings.tables.clear();
      world.loop = { ...world.loop, Environment: { Variables: { FLEET: "ci-agents", POLICY: "{}" } } };
    });
    expect(code).toBe(3);
    expect(findings.filter(({ severity }) => severity !== "unknown")).toEqual([]);
    expect(JSON.stringify(findings)).toContain("the deployed loop is of another version");
  });

  it("looks at the other pools, and says of the one that it is not known to be healthy", async () => {
    const { findings } = await diagnosed("pools", (world) => {
      world.settings.items.delete("pool large");
      world.addTask("by-hand", { family: "ci-agents_linux", startedBy: "jane" });
    });
    expect(findings.map(({ id }) => id)).toEqual(["settings-unusable", "machines-of-others"]);
    expect(findings[0]?.what).toContain("its agents were not looked at");
  });
});
