import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { mode, userData } from "../ec2/host.ts";
import { type AgentHost, agentProgram, canBoot, makeAgentHost, settings, token, tokenArn } from "./host.ts";

const sum = (content: Buffer) => createHash("sha256").update(content).digest("hex");

/** A tar archive with one file or folder of the stage in it. */
function archive({ stage }: AgentHost, flags: string, name: string): Buffer {
  const path = join(stage, "archive");
  execFileSync("tar", [flags, path, "-C", stage, name]);
  return readFileSync(path);
}

/** A release of the agent in place of the baked one. */
function release(host: AgentHost, name = "agent_Linux_x86_64.tar.gz") {
  rmSync(join(host.root, "opt"), { recursive: true, force: true });
  writeFileSync(join(host.stage, "agent"), agentProgram, { mode: 0o755 });
  const content = archive(host, "-czf", "agent");
  host.download(name, content);
  return { AGENT_FLEETS_SEMAPHORE_AGENT_SHA256: sum(content) };
}

describe.skipIf(!canBoot).concurrent("the boot of a Semaphore agent", () => {
  it("becomes the agent, as its own user, and powers off late when that ends", async (t) => {
    const host = await makeAgentHost(t);
    const { config, environment, calls, log, poweredOff, left, file } = await host.start();
    expect(config).toEqual({
      endpoint: "acme.semaphoreci.com",
      "env-vars": [],
      name: "i-0123456789abcdef0_0a1b2c3d",
      token,
      "disconnect-after-idle-timeout": 300,
    });
    expect(config?.name).toMatch(/^[a-zA-Z0-9\-_/+]{8,64}$/);
    expect(environment).toMatchObject({
      HOME: join(host.stage, "home"),
      USER: "semaphore",
      SEMAPHORE_AGENT_LOG_FILE_PATH: join(host.root, "var/log/semaphore/agent.log"),
    });
    expect(left("working-folder").trim()).toBe(join(host.stage, "home"));
    expect(calls).toContainEqual(
      expect.stringMatching(
        /^setpriv --reuid=1983 --regid=1983 --init-groups \S+\/opt\/semaphore\/agent\/agent start /,
      ),
    );
    expect(log).toContain("the agent i-0123456789abcdef0_0a1b2c3d starts as burst");
    expect(log).toContain("panic");
    expect(log).not.toContain("to-nowhere");
    expect(log).not.toContain("FAILED");
    expect(calls).toContain("sleep 180");
    expect(poweredOff).toBe(true);
    expect(file("dev/console")).toBe("");
  });

  it("defect 3: the token is on no disk, on no command line, in no environment and in no log", async (t) => {
    const host = await makeAgentHost(t);
    const { config, calls, log, left, environment } = await host.start();
    expect(config?.token).toBe(token);
    const places = [...calls, log, left("command-line"), JSON.stringify(environment)];
    places.push(...host.files().map((path) => readFileSync(path, "utf8")));
    for (const place of places) expect(place).not.toContain(token);
  });

  it("defect 3: the config is a pipe of the agent's user alone, which is gone once the agent has read it", async (t) => {
    const host = await makeAgentHost(t);
    const { left, calls } = await host.start();
    expect(left("config-file")).toBe("fifo 600\n");
    expect(calls).toContain(`chown semaphore ${join(host.root, "run/agent-fleets/config.yaml")}`);
    expect(calls).toContain("sysctl -q -w kernel.yama.ptrace_scope=1");
  });

  it("defect 3: nothing of the boot reaches the jobs' environment", async (t) => {
    const { environment } = await (await makeAgentHost(t)).start();
    expect(
      Object.keys(environment)
        .filter((name) => !["PWD", "SHLVL", "_", "OLDPWD"].includes(name))
        .sort(),
    ).toEqual(["HOME", "LANG", "LOGNAME", "PATH", "SEMAPHORE_AGENT_LOG_FILE_PATH", "SHELL", "USER"]);
  });

  it.for([
    ["floor", 0],
    ["burst", 300],
  ] as const)("defect 1: an agent of the part %s gets an idle timeout of %i s", async ([role, seconds], t) => {
    const host = await makeAgentHost(t);
    host.metadata.set("tags/instance/AgentFleetsRole", role);
    expect((await host.start()).config?.["disconnect-after-idle-timeout"]).toBe(seconds);
  });

  it("defect 1: waits for a part that comes late", async (t) => {
    const host = await makeAgentHost(t);
    host.metadata.delete("tags/instance/AgentFleetsRole");
    let questions = 0;
    host.imds.onRequest = ({ path }) => {
      if (path.endsWith("AgentFleetsRole") && ++questions === 4)
        host.metadata.set("tags/instance/AgentFleetsRole", "floor");
    };
    expect((await host.start()).config?.["disconnect-after-idle-timeout"]).toBe(0);
    // The fifth is of the power-off after the agent's end.
    expect(questions).toBe(5);
  });

  it("defect 6: an idle timeout of 0 stays 0: never", async (t) => {
    const { config } = await (await makeAgentHost(t)).start({ AGENT_FLEETS_SEMAPHORE_IDLE_TIMEOUT_SECONDS: "0" });
    expect(config?.["disconnect-after-idle-timeout"]).toBe(0);
  });

  it.for([
    "two  words and a trailing blank ",
    `'single' "double" \\back\\slash\\`,
    "$(touch pwned) `touch pwned` $HOME $1 ${x} }",
    "%s %d %n 100%",
    "Áé漢字🚀",
    "- # : { } [ ] , & * ? | > ! @",
  ])("gives the agent each variable as it is: %j", async (text, t) => {
    const host = await makeAgentHost(t);
    const given = { endpoint: "acme.semaphoreci.com", "env-vars": [`EXTRA=${text}`] };
    const { config } = await host.start({ AGENT_FLEETS_SEMAPHORE_CONFIG: JSON.stringify(given) });
    expect(config).toMatchObject(given);
    expect(() => readFileSync(join(host.stage, "pwned"))).toThrow("ENOENT");
  });

  it.for([
    "two words",
    'quote"d',
    "$(touch pwned)",
    "line\nline",
    "-----BEGIN KEY-----\nx\n",
    "Áé",
  ])("refuses a token that is none: %j", async (text, t) => {
    const host = await makeAgentHost(t);
    host.secret(tokenArn, text);
    const { config, log, file, poweredOff } = await host.start();
    expect(config).toBeUndefined();
    expect(log).toContain(`FAILED: ${tokenArn} holds no registration token`);
    expect(log).not.toContain(text.trim());
    expect(file("dev/console")).toContain("holds no registration token");
    expect(poweredOff).toBe(true);
  });

  it("reads the token from an SSM parameter as well", async (t) => {
    const host = await makeAgentHost(t);
    const parameter = "arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter/ci/token";
    host.secret(parameter, "test-token-of-ssm\n");
    const { config } = await host.start({ AGENT_FLEETS_SEMAPHORE_TOKEN_ARN: parameter });
    expect(config?.token).toBe("test-token-of-ssm");
  });

  it.for([
    ["aws", "gave up after 8 attempts", Array(8).fill(255)],
    ["useradd", "FAILED with status 9: useradd", [9]],
    ["chown", "FAILED with status 1: chown", [1]],
  ] as const)("powers off and says why when %s fails", async ([command, why, statuses], t) => {
    const host = await makeAgentHost(t);
    if (command === "aws") rmSync(join(host.stage, "secrets"), { recursive: true });
    else host.fault(command, ...statuses);
    const { config, log, poweredOff } = await host.start();
    expect(config).toBeUndefined();
    expect(log).toContain(why);
    expect(poweredOff).toBe(true);
  });

  it("powers off when systemd runs no timers: nobody would look after the agent", async (t) => {
    const host = await makeAgentHost(t);
    host.fault("systemd-run", 1);
    const { config, log, poweredOff } = await host.start();
    expect(config).toBeUndefined();
    expect(log).toContain("FAILED with status 1: systemd-run");
    expect(poweredOff).toBe(true);
  });

  it("goes on without the guard of its memory, and says so", async (t) => {
    const host = await makeAgentHost(t);
    host.fault("sysctl", 255);
    const { config, log } = await host.start();
    expect(config).toBeDefined();
    expect(log).toContain("jobs can debug the agent on this host");
  });

  it("lets systemd stop the unit through the agent, not through its process group", async (t) => {
    const { file } = await (await makeAgentHost(t)).start();
    const unit = file("etc/systemd/system/agent-fleets.service");
    expect(unit).toMatch(/^KillMode=mixed$/m);
    expect(unit).toMatch(/^ExecStop=\/bin\/bash \S+\/usr\/local\/lib\/agent-fleets\/boot finish$/m);
    expect(unit).toMatch(/^TimeoutStopSec=infinity$/m);
  });

  it("puts the scripts where SSM and the agent look for them", async (t) => {
    const host = await makeAgentHost(t);
    const { file } = await host.start();
    for (const [script, name] of Object.entries({ drain: "drain", "shutdown-hook": "shutdown_hook" })) {
      expect(file(`opt/agent-fleets/${script}`)).toMatch(
        new RegExp(`^#!/bin/bash\nexec /bin/bash \\S+/boot ${name}\n$`),
      );
      expect(mode(join(host.root, "opt/agent-fleets", script))).toBe("755");
    }
  });

  it("looks after the agent every minute", async (t) => {
    const { calls } = await (await makeAgentHost(t)).start();
    expect(calls).toContainEqual(
      expect.stringMatching(/^systemd-run .*--unit=agent-fleets-health .*--on-unit-active=60 .*\/boot check_health$/),
    );
  });

  it("fits into user data with room to spare", () => {
    expect(gzipSync(userData("semaphore", settings())).length).toBeLessThan(10 * 1024);
  });
});

describe.skipIf(!canBoot).concurrent("what the boot installs for a Semaphore agent", () => {
  it.for([
    ["x86_64", "agent_Linux_x86_64.tar.gz"],
    ["aarch64", "agent_Linux_arm64.tar.gz"],
  ] as const)("the agent, verified, where the AMI has none: %s", async ([machine, name], t) => {
    const host = await makeAgentHost(t);
    writeFileSync(join(host.stage, "machine"), `${machine}\n`);
    const { config, calls } = await host.start(release(host, name));
    expect(config?.token).toBe(token);
    expect(calls).toContainEqual(
      expect.stringMatching(
        new RegExp(`^curl .*--proto =https .*https://github.com/semaphoreci/agent/releases/download/v2.2.8/${name}$`),
      ),
    );
  });

  it("nothing that has another checksum", async (t) => {
    const host = await makeAgentHost(t);
    release(host);
    const { config, log, poweredOff } = await host.start();
    expect(config).toBeUndefined();
    expect(log).toMatch(/FAILED: checksum of agent.tar.gz is [0-9a-f]{64}, not 0{64}/);
    expect(host.files().filter((path) => path.includes("/opt/semaphore/"))).toEqual([]);
    expect(poweredOff).toBe(true);
  });

  it("nothing over an agent of the AMI", async (t) => {
    const { calls } = await (await makeAgentHost(t)).start();
    expect(calls.filter((call) => call.includes("github.com/semaphoreci"))).toEqual([]);
  });

  it("the release in spite of a slow network, as long as it gets through", async (t) => {
    const host = await makeAgentHost(t);
    const changes = release(host);
    // The first calls of curl are for the metadata service.
    host.fault("curl", 28, 18, 0);
    expect((await host.start(changes)).config?.token).toBe(token);
  });

  it.for([
    ["x86_64", "self-hosted-linux.tar"],
    ["aarch64", "self-hosted-linux-arm.tar"],
  ] as const)("the toolbox, verified, where the user has none: %s", async ([machine, name], t) => {
    const host = await makeAgentHost(t);
    writeFileSync(join(host.stage, "machine"), `${machine}\n`);
    mkdirSync(join(host.stage, "toolbox"));
    writeFileSync(join(host.stage, "toolbox/install-toolbox"), 'touch "$HOME/installed"\n');
    const content = archive(host, "-cf", "toolbox");
    host.download(name, content);
    const toolbox = {
      AGENT_FLEETS_SEMAPHORE_TOOLBOX_VERSION: "v1.41.0",
      AGENT_FLEETS_SEMAPHORE_TOOLBOX_SHA256: sum(content),
    };
    const { calls, left } = await host.start(toolbox);
    expect(calls).toContainEqual(
      expect.stringMatching(new RegExp(`https://github.com/semaphoreci/toolbox/releases/download/v1.41.0/${name}$`)),
    );
    expect(readFileSync(join(host.stage, "home/installed"), "utf8")).toBe("");
    expect(left("home/.bash_profile")).toBe("source ~/.toolbox/toolbox\n");
    expect(calls).toContainEqual(expect.stringMatching(/^chown -R semaphore \S+\.toolbox \S+\.bash_profile$/));

    await host.start(toolbox);
    expect(left("home/.bash_profile")).toBe("source ~/.toolbox/toolbox\n");
  });

  it("no toolbox that has another checksum", async (t) => {
    const host = await makeAgentHost(t);
    host.download("self-hosted-linux.tar", "something else");
    const { config, log } = await host.start({
      AGENT_FLEETS_SEMAPHORE_TOOLBOX_VERSION: "v1.41.0",
      AGENT_FLEETS_SEMAPHORE_TOOLBOX_SHA256: "0".repeat(64),
    });
    expect(config).toBeUndefined();
    expect(log).toContain("FAILED: checksum of toolbox.tar is");
  });
});
