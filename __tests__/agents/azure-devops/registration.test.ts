import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { readProc } from "../hcp-terraform/container.ts";
import { canRun, filesWith, nobody, start, token } from "./stage.ts";

const servicePrincipal = {
  AZP_TOKEN: undefined,
  AZP_CLIENTID: "client-1",
  AZP_TENANTID: "tenant-1",
  AZP_CLIENTSECRET: token,
};
/** As the contract with the loop has it. */
const neverRegistered = 86;
/** What start.sh waits for costs a tenth of its time here. */
const grace = { AGENT_FLEETS_REGISTRATION_GRACE_SECONDS: "9" };
const credentials = [".agent", ".credentials", ".credentials_rsaparams"];

describe.skipIf(!canRun).concurrent("azure-devops: the agent's script registers an agent", () => {
  it.for([
    ["PAT", {}, "VSTS_AGENT_INPUT_TOKEN"],
    ["service principal", servicePrincipal, "VSTS_AGENT_INPUT_CLIENTSECRET"],
  ] as const)("defect 7: by %s, which no job finds in an environment, on a command line, on the disk or in the log", async ([
    ,
    given,
    input,
  ], t) => {
    const container = start(t, { ...given, credential: "exported by somebody", STAND_IN_JOB_SECONDS: "1.5" });
    await container.sees("worker");
    expect(container.environment("config")[input]).toBe(token);
    const { AZP_TOKEN, AZP_CLIENTSECRET } = container.environment("config");
    expect({ AZP_TOKEN, AZP_CLIENTSECRET }).toEqual({});

    expect(container.processes().length).toBeGreaterThan(3);
    for (const pid of container.processes()) {
      expect(readProc(pid, "environ")).not.toContain(token);
      expect(readProc(pid, "cmdline")).not.toContain(token);
    }
    expect(
      Object.keys(container.environment("job")).filter((name) =>
        /AZP_(TOKEN|CLIENT|TENANT)|VSTS_|AGENT_FLEETS/.test(name),
      ),
    ).toEqual([]);
    expect(filesWith(join(container.folder, ".."), token)).toEqual([
      expect.stringMatching(/stand-in\/config\.environ$/),
    ]);
    expect(container.log() + container.registration().join(" ")).not.toContain(token);
    expect(readdirSync(container.folder)).toEqual(expect.arrayContaining(credentials));

    expect(await container.exitCode).toBe(0);
    expect(credentials.filter((file) => existsSync(join(container.folder, file)))).toEqual([]);
  });

  it("defect 7: publishes no credential as a capability of the agent", async (t) => {
    const container = start(t, { VSO_AGENT_IGNORE: "MINE", kubectl: "1", STAND_IN_JOB_SECONDS: "0" });
    await container.exitCode;
    for (const of of ["config", "listener"] as const) {
      const published = Object.entries(container.environment(of)).filter(
        ([name]) => !name.startsWith("VSTS_AGENT_INPUT_"),
      );
      expect(published.map(([, value]) => value)).not.toContain(token);
      expect(Object.fromEntries(published)).toMatchObject({
        kubectl: "1",
        VSO_AGENT_IGNORE: expect.stringMatching(/^MINE,AWS_CONTAINER_CREDENTIALS_RELATIVE_URI,/),
      });
    }
  });

  it("defect 7: publishes no secret of the jobs, which they get all the same", async (t) => {
    const secret = "canary-job-secret";
    // As the stack makes it of compute.secrets.
    const container = start(t, { NPM_TOKEN: secret, VSO_AGENT_IGNORE: "MINE,NPM_TOKEN", STAND_IN_JOB_SECONDS: "0" });
    await container.exitCode;
    for (const of of ["config", "listener"] as const) {
      const environment = container.environment(of);
      expect(environment.NPM_TOKEN).toBe(secret);
      const ignored = environment.VSO_AGENT_IGNORE?.split(",");
      expect(ignored).toEqual(expect.arrayContaining(["MINE", "NPM_TOKEN", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]));
      const published = Object.entries(environment).filter(([name]) => !ignored?.includes(name));
      expect(published.map(([, value]) => value)).not.toContain(secret);
    }
    expect(container.environment("job").NPM_TOKEN).toBe(secret);
    expect(container.log() + container.registration().join(" ")).not.toContain(secret);
  });

  it("defect 7: refuses to run an agent that keeps the credential on the disk", async (t) => {
    const container = start(t, { STAND_IN_KEEPS: "1" });
    expect(await container.exitCode).toBe(78);
    expect(container.log()).toContain("keeps the registration credential in .credentials");
    expect(container.events()).toEqual(["registering", "registered"]);
    expect(filesWith(container.folder, token)).toEqual([]);
  });

  it("defect 7: refuses to be root", { skip: nobody.uid === undefined }, async (t) => {
    const container = start(t, {}, { uid: 0, gid: 0 });
    expect(await container.exitCode).toBe(78);
    expect(container.log()).toContain("must not run as root");
    expect(container.events()).toEqual([]);
  });

  it("under the name that it is given, in place of what an earlier try of its own left", async (t) => {
    const container = start(t, { ...servicePrincipal, AZP_WORK: "/work", STAND_IN_JOB_SECONDS: "0" });
    await container.exitCode;
    expect(container.registration()).toEqual([
      ...["--unattended", "--acceptTeeEula", "--replace"],
      ...["--url", "https://dev.azure.com/acme", "--pool", "aws", "--agent", "ci_1", "--work", "/work"],
      ...["--auth", "SP", "--clientid", "client-1", "--tenantid", "tenant-1"],
    ]);
  });

  it.for([
    "two  words",
    `'single' "double" \\back\\slash\\`,
    "$(touch pwned) `touch pwned` $HOME $1 $$",
    "%s %d %n 100%",
    "* ? [a-z] ~ & | ; < > # !",
    "-n",
    "Áé漢字🚀",
  ])("hands on what it is given unchanged: %j", async (value, t) => {
    const container = start(t, { AZP_POOL: value, AZP_AGENT_NAME: value, AZP_TOKEN: value, STAND_IN_JOB_SECONDS: "0" });
    expect(await container.exitCode).toBe(0);
    expect(container.registration().filter((argument) => argument === value)).toHaveLength(2);
    expect(container.environment("config").VSTS_AGENT_INPUT_TOKEN).toBe(value);
    expect(readdirSync(container.folder)).not.toContain("pwned");
  });

  it.for([
    ["PAT", "\n", {}],
    ["PAT", "\r\n", {}],
    ["PAT", " \t\n", {}],
    ["PAT", "\uFEFF", {}],
    ["service principal", "\r\n\uFEFF ", servicePrincipal],
  ] as const)("takes a secret without what surrounds it: %s, %j", async ([, around, given], t) => {
    const secret = `${around}${token}${around}`;
    const which = "AZP_CLIENTSECRET" in given ? "AZP_CLIENTSECRET" : "AZP_TOKEN";
    const container = start(t, { ...given, [which]: secret, STAND_IN_JOB_SECONDS: "0" });
    await container.exitCode;
    const { VSTS_AGENT_INPUT_TOKEN, VSTS_AGENT_INPUT_CLIENTSECRET } = container.environment("config");
    expect(VSTS_AGENT_INPUT_TOKEN ?? VSTS_AGENT_INPUT_CLIENTSECRET).toBe(token);
  });

  it("tries again, from the beginning", async (t) => {
    const container = start(t, { STAND_IN_FAILURES: "2", STAND_IN_JOB_SECONDS: "0" });
    expect(await container.exitCode).toBe(0);
    expect(container.events().slice(0, 4)).toEqual(["registering", "registering", "registering", "registered"]);
    expect(container.log()).toContain("will try again in 5 s: VS30063");
    expect(container.log()).toContain("will try again in 10 s: VS30063");
  });

  it("gives up after a few tries and says why", async (t) => {
    const settings = { AGENT_FLEETS_REGISTRATION_ATTEMPTS: "3", AGENT_FLEETS_REGISTRATION_PAUSE_SECONDS: "1" };
    const container = start(t, { ...settings, STAND_IN_FAILURES: "9" });
    expect(await container.exitCode).toBe(neverRegistered);
    expect(container.events()).toEqual(["registering", "registering", "registering"]);
    expect(container.log()).toContain(
      "gave up after 3 tries to register: VS30063: You are not authorized to access it.",
    );
    expect(readdirSync(join(container.folder, "..")).sort()).toEqual(["agent", "bin", "stand-in"]);
  });

  it("leaves with a status of its own when config.sh does not end before the grace is over", async (t) => {
    const container = start(t, { ...grace, STAND_IN_REGISTRATION_SECONDS: "30" });
    expect(await container.exitCode).toBe(neverRegistered);
    expect(container.log()).toContain("not registered within 9 s: config.sh printed nothing");
    expect(container.events()).toEqual(["registering"]);
  });

  it("leaves so, too, when the grace is over between two tries, and says why they failed", async (t) => {
    const container = start(t, { ...grace, STAND_IN_FAILURES: "9", STAND_IN_SLEEP: "4" });
    expect(await container.exitCode).toBe(neverRegistered);
    expect(container.log()).toContain("not registered within 9 s: VS30063: You are not authorized to access it.");
  });

  it("never looks at the grace again once config.sh has succeeded, however long the listener takes", async (t) => {
    const late = { STAND_IN_SLEEP: "6", STAND_IN_JOB_AFTER: "7", STAND_IN_JOB_SECONDS: "0.5" };
    const container = start(t, { ...grace, ...late });
    expect(await container.exitCode).toBe(0);
    expect(container.events().at(-1)).toBe("result reported");
    expect(container.events()).not.toContain("listener signalled");
  });

  it("takes an agent that registers late, but in time", async (t) => {
    const late = { STAND_IN_SLEEP: "30", STAND_IN_REGISTRATION_SECONDS: "2", STAND_IN_JOB_SECONDS: "0" };
    const container = start(t, { ...grace, ...late });
    expect(await container.exitCode).toBe(0);
    expect(container.events()).toContain("registered");
  });

  it("publishes none of our settings as a capability", async (t) => {
    const container = start(t, { ...grace, STAND_IN_SLEEP: "30", STAND_IN_JOB_SECONDS: "0" });
    await container.exitCode;
    for (const of of ["config", "listener"] as const) {
      expect(Object.keys(container.environment(of)).filter((name) => name.startsWith("AGENT_FLEETS_"))).toEqual([]);
    }
  });

  it("ends at once when it is asked to stop meanwhile", async (t) => {
    const container = start(t, { STAND_IN_REGISTRATION_SECONDS: "30" });
    await container.sees("registering");
    await sleep(100);
    container.child.kill("SIGTERM");
    expect(await container.exitCode).toBe(143);
    expect(container.events()).toEqual(["registering"]);
  });

  it.for([
    ["AZP_URL", undefined],
    ["AZP_URL", ""],
    ["AZP_POOL", ""],
    ["AZP_AGENT_NAME", undefined],
    ["AZP_TOKEN", undefined],
    ["AZP_TOKEN", "\n"],
    ["AZP_TOKEN", "\uFEFF \r\n"],
    ["AZP_CLIENTSECRET", "also"],
    ["AGENT_FLEETS_REGISTRATION_ATTEMPTS", "many"],
    ["AGENT_FLEETS_REGISTRATION_PAUSE_SECONDS", "-1"],
    ["AGENT_FLEETS_REGISTRATION_GRACE_SECONDS", "soon"],
    ["AGENT_FLEETS_AGENT_FOLDER", "/nowhere"],
  ] as const)("refuses %s=%j with exit code 78 and says so", async ([name, value], t) => {
    const container = start(t, { [name]: value });
    expect(await container.exitCode).toBe(78);
    expect(container.log()).toMatch(/agent-fleets: /);
    expect(container.log()).toContain(
      name === "AGENT_FLEETS_AGENT_FOLDER" ? "/nowhere" : value?.trim() === "" ? "empty" : name,
    );
    expect(container.events()).toEqual([]);
  });

  it.for(["AZP_CLIENTID", "AZP_TENANTID"])("refuses a service principal without %s", async (name, t) => {
    const container = start(t, { ...servicePrincipal, [name]: "" });
    expect(await container.exitCode).toBe(78);
    expect(container.log()).toContain(`${name} is empty`);
  });
});
