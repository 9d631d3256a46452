import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { dash, openFiles, readProc, startContainer, startEntryPoint } from "./container.ts";
import { environment, folder, napOf, removeFolder, start, token } from "./stage.ts";

afterAll(removeFolder);

describe.skipIf(!dash).concurrent("the settings of the agent's entry point", () => {
  it("defect 8: only the agent has the token in its environment, and no command line and no log has it", async (t) => {
    const container = start(t, {}, { agent_token: "exported by somebody" });
    const { env, pid } = await container.sees("started");
    expect(env.TFC_AGENT_TOKEN).toBe(token);
    await napOf(container);
    for (const process of container.processes()) {
      expect(readProc(process.pid, "environ").includes(token)).toBe(process.pid === pid);
      expect(readProc(process.pid, "cmdline")).not.toContain(token);
      if (process.pid !== pid) expect(openFiles(process.pid)).not.toContain("3");
    }
    process.kill(container.pid, "SIGTERM");
    await container.exitCode;
    expect(container.log()).not.toContain(token);
  });

  it("gives the agent its own variables and none of ours", async (t) => {
    const changes = { TFC_ADDRESS: "https://tfe.example.com", TFC_AGENT_LOG_JSON: "true", TFC_AGENT_SINGLE: undefined };
    const container = start(t, { endsAfterMs: 0 }, { ...changes, AGENT_FLEETS_JOB_PROCESSES: "terragrunt" });
    const { env, args } = await container.sees("started");
    const { TFC_AGENT_SINGLE, ...passed } = changes;
    expect(env).toMatchObject({ ...passed, TFC_AGENT_NAME: "fleet-1" });
    expect(Object.keys(env).filter((name) => name.startsWith("AGENT_FLEETS_"))).toEqual([]);
    expect(args).toEqual([]);
  });

  it.for([
    "two  words",
    `'single' "double" \\back\\slash\\`,
    "$(touch pwned) `touch pwned` $HOME $1 $$",
    "%s %d %n 100%",
    "* ? [a-z] ~ & | ; < > # ! TOKEN",
    "TOKEN",
    "-n",
    "Áé漢字🚀\u0081\u0088",
  ])("hands on token and name unchanged: %j", async (value, t) => {
    const container = start(t, { endsAfterMs: 0 }, { TFC_AGENT_TOKEN: value, TFC_AGENT_NAME: value });
    const { env } = await container.sees("started");
    expect(env.TFC_AGENT_TOKEN).toBe(value);
    expect(env.TFC_AGENT_NAME).toBe(value);
    expect(readdirSync(folder)).not.toContain("pwned");
  });

  it.for([
    `${token}\n`,
    `${token}\r\n`,
    ` \t${token} `,
    `\uFEFF${token}`,
    `\r\n\uFEFF ${token}\n\uFEFF\r\n`,
  ])("takes a secret without what surrounds it: %j", async (text, t) => {
    const container = start(t, { endsAfterMs: 0 }, { TFC_AGENT_TOKEN: text });
    expect((await container.sees("started")).env.TFC_AGENT_TOKEN).toBe(token);
  });

  it.for([
    ["TFC_AGENT_TOKEN", undefined],
    ["TFC_AGENT_TOKEN", ""],
    ["TFC_AGENT_TOKEN", "\uFEFF \r\n"],
    ["TFC_AGENT_NAME", undefined],
    ["TFC_AGENT_NAME", ""],
    ["AGENT_FLEETS_ROLE", undefined],
    ["AGENT_FLEETS_ROLE", "spare"],
    ["AGENT_FLEETS_IDLE_TIMEOUT_SECONDS", "5m"],
    ["AGENT_FLEETS_IDLE_TIMEOUT_SECONDS", "-1"],
    ["AGENT_FLEETS_IDLE_TIMEOUT_SECONDS", "1.5"],
    ["AGENT_FLEETS_IDLE_TIMEOUT_SECONDS", "010"],
    ["AGENT_FLEETS_MAX_LIFETIME_SECONDS", "1000000000"],
    ["AGENT_FLEETS_REGISTRATION_GRACE_SECONDS", "5m"],
    ["AGENT_FLEETS_MAX_LIFETIME_SECONDS", " 60"],
    ["AGENT_FLEETS_AGENT_COMMAND", "/nowhere/tfc-agent"],
  ] as const)("refuses %s=%j with exit code 78 and says so", async ([name, value], t) => {
    const container = start(t, {}, { [name]: value });
    expect(await container.exitCode).toBe(78);
    expect(container.log()).toMatch(/^agent-fleets: /);
    expect(container.log()).toContain(name === "AGENT_FLEETS_AGENT_COMMAND" ? value : name);
    expect(container.events()).toEqual([]);
  });

  it("refuses to start without a token on file descriptor 3", async (t) => {
    const container = startEntryPoint(environment({}), folder);
    t.onTestFinished(() => container.destroy());
    container.closeToken();
    expect(await container.exitCode).toBe(78);
    expect(container.log()).toContain("no agent token");
  });

  it("finds the agent in PATH and writes no file", async (t) => {
    const home = join(folder, "home");
    mkdirSync(home);
    const changes = { AGENT_FLEETS_AGENT_COMMAND: undefined, PATH: `${folder}:${process.env.PATH}` };
    const container = startContainer(environment({ endsAfterMs: 0 }, { ...changes, HOME: home, TMPDIR: home }), home);
    t.onTestFinished(() => container.destroy());
    expect(await container.exitCode).toBe(0);
    expect(container.events()).toEqual(["started"]);
    expect(readdirSync(home)).toEqual([]);
  });
});
