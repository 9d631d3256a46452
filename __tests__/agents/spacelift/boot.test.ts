import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { mode } from "../ec2/host.ts";
import { arns, canBoot, makeWorkerHost, privateKey, removeKeys, settings, token } from "./worker.ts";

afterAll(removeKeys);

describe.skipIf(!canBoot).concurrent("the boot of a Spacelift worker", () => {
  it("becomes the verified launcher with its secrets and metadata, and powers off when that ends", async (t) => {
    const host = await makeWorkerHost(t);
    const boot = await host.start();
    expect(boot.status).toBe(0);
    expect(boot.environment).toMatchObject({
      SPACELIFT_TOKEN: token,
      SPACELIFT_POOL_PRIVATE_KEY: privateKey,
      SPACELIFT_METADATA_instance_id: "i-0123456789abcdef0",
      SPACELIFT_METADATA_ami_id: "ami-0123456789abcdef0",
      SPACELIFT_METADATA_asg_id: "ci",
      SPACELIFT_WORKER_COMMS_PROTOCOL: "poll",
      SPACELIFT_WORKER_COMMS_URL: "https://app.spacelift.io",
      HOME: join(host.stage, "home"),
    });
    expect(boot.environment).not.toHaveProperty("GODEBUG");
    expect(boot.environment).not.toHaveProperty("SPACELIFT_WHITELIST_ENVS");
    expect(boot.file("var/log/spacelift/info.log")).toBe("working\n");
    expect(boot.file("var/log/spacelift/error.log")).toBe("trouble\n");
    expect(boot.file("dev/console")).toBe("");
    expect(boot.log).toContain("powering off in 60 s");
    expect(boot.calls).toContain("sleep 60");
    expect(boot.poweredOff).toBe(true);
  });

  it("starts again with the host: the unit is enabled and runs the whole boot", async (t) => {
    const { calls, file } = await (await makeWorkerHost(t)).start();
    expect(calls.filter((call) => call.startsWith("systemctl "))).toEqual([
      "systemctl daemon-reload",
      "systemctl enable agent-fleets.service",
      "systemctl --no-block start agent-fleets.service",
      "systemctl --no-block start agent-fleets-power-off.service",
      "systemctl show --property=ExecMainCode,ExecMainStatus agent-fleets.service",
      "systemctl show --property=ExecMainCode,ExecMainStatus agent-fleets.service",
      "systemctl poweroff",
    ]);
    expect(file("etc/systemd/system/agent-fleets.service")).toMatch(/^WantedBy=multi-user.target$/m);
  });

  it("defect 17: no secret is in a file, on a command line or in a log", async (t) => {
    const host = await makeWorkerHost(t);
    const { calls, log, environment } = await host.start();
    expect(environment?.SPACELIFT_POOL_PRIVATE_KEY).toContain("canary-private-key");
    const places = [...calls, log, ...host.files().map((path) => readFileSync(path, "utf8"))];
    places.push(readFileSync(join(host.stage, "command-line"), "utf8"));
    for (const place of places) {
      expect(place).not.toContain("canary-private-key");
      expect(place).not.toContain(token);
    }
  });

  it.for([
    "two  words",
    `'single' "double" \\back\\slash\\`,
    "$(touch pwned) `touch pwned` $HOME $1 ${x}",
    "%s %d %n 100% %h %i",
    "first line\nA=second line\n\n  third line\n",
    "Áé漢字🚀",
    "=",
  ])("defect 17: the launcher gets each value exactly: %j", async (text, t) => {
    const host = await makeWorkerHost(t);
    host.secret(arns.extra, text);
    host.secret(arns.byo, JSON.stringify({ "a:key": text, unwanted: "no" }));
    const { environment } = await host.start({
      AGENT_FLEETS_SPACELIFT_ENVIRONMENT: [
        settings().AGENT_FLEETS_SPACELIFT_ENVIRONMENT,
        `EXTRA=${arns.extra}`,
        `TF_VAR_own=${arns.byo}:a:key`,
      ].join("\n"),
    });
    expect(environment).toMatchObject({ EXTRA: text, TF_VAR_own: text });
    expect(Object.keys(environment ?? {})).not.toContain("unwanted");
    expect(Object.keys(environment ?? {})).not.toContain("A");
    expect(() => readFileSync(join(host.stage, "pwned"))).toThrow("ENOENT");
  });

  it("takes hostile settings as text", async (t) => {
    const url = `it's "the" $(touch pwned) \`x\` \\ 100%\nline`;
    const host = await makeWorkerHost(t);
    const { environment } = await host.start({ AGENT_FLEETS_SPACELIFT_COMMS_URL: url });
    expect(environment?.SPACELIFT_WORKER_COMMS_URL).toBe(url);
    expect(() => readFileSync(join(host.stage, "pwned"))).toThrow("ENOENT");
  });

  it.for([
    "",
    "two words",
    "ci\n",
    "$(touch pwned)",
    "<html>",
  ])("is no worker of a group named %j", async (group, t) => {
    const host = await makeWorkerHost(t);
    const { environment, log } = await host.start({ AGENT_FLEETS_GROUP: group });
    expect(environment).toBeUndefined();
    expect(log).toContain("FAILED: AGENT_FLEETS_GROUP, ");
    expect(() => readFileSync(join(host.stage, "pwned"))).toThrow("ENOENT");
  });

  it("takes the later of two sources of one variable", async (t) => {
    const host = await makeWorkerHost(t);
    host.secret(arns.byo, JSON.stringify({ SPACELIFT_TOKEN: "brought" }));
    const { environment } = await host.start({
      AGENT_FLEETS_SPACELIFT_ENVIRONMENT: `${settings().AGENT_FLEETS_SPACELIFT_ENVIRONMENT}\nSPACELIFT_TOKEN=${arns.byo}:SPACELIFT_TOKEN`,
    });
    expect(environment?.SPACELIFT_TOKEN).toBe("brought");
  });

  it("defect 18: the configuration runs at the worker's start only, and as its user", async (t) => {
    const host = await makeWorkerHost(t);
    const text = [
      `echo "$BASHPID $(date +%s) $0" >>${join(host.stage, "ran")}`,
      "export FROM_SHELL=\"$(printf '%s' \"quoted 'x' \\$HOME\") 100%\"",
      "export MULTI='one",
      "two'",
      "export SEEN=$SPACELIFT_METADATA_asg_id UNSET=$no_such_variable",
      "false | true",
      "[[ -f /no/such/file ]] && export NEVER=1",
    ].join("\n");
    const { environment, file, calls } = await host.start({
      AGENT_FLEETS_SPACELIFT_CONFIGURATION: Buffer.from(text).toString("base64"),
      AGENT_FLEETS_SPACELIFT_USER: "spacelift",
    });
    expect(environment).toMatchObject({
      FROM_SHELL: "quoted 'x' $HOME 100%",
      MULTI: "one\ntwo",
      SEEN: "ci",
      UNSET: "",
    });
    expect(readFileSync(join(host.stage, "ran"), "utf8").trim().split("\n")).toHaveLength(1);
    expect(file("etc/agent-fleets/configuration.sh")).toContain(text);
    expect(mode(join(host.root, "etc/agent-fleets/configuration.sh"))).toBe("600");
    expect(calls).toContainEqual(expect.stringMatching(/^chown spacelift .*configuration\.sh$/));
    const runuser = calls.findIndex((call) => call.startsWith("runuser -u spacelift -- env -i /bin/bash "));
    expect(runuser).toBeGreaterThan(calls.findIndex((call) => call.startsWith("chown spacelift ")));
  });

  it.for([
    ["false", 1],
    ["exit 0", 0],
    ["exit 7", 7],
    ["no-such-command --now", 127],
  ] as const)("defect 16: a configuration that ends early ends the boot, and the log says so: %s", async ([
    text,
    status,
  ], t) => {
    const configuration = Buffer.from(`${text}\nexport AFTER=1`).toString("base64");
    const boot = await (await makeWorkerHost(t)).start({ AGENT_FLEETS_SPACELIFT_CONFIGURATION: configuration });
    expect(boot.environment).toBeUndefined();
    expect(boot.log).toContain(`FAILED: the configuration ended with status ${status}`);
    expect(boot.poweredOff).toBe(true);
  });

  it.for([
    [
      "downloads",
      // The first calls of curl are for the metadata service.
      (host) => host.fault("curl", 0, 0, ...Array(5).fill(28)),
      "gave up after 5 attempts, the last with status 28: curl",
    ],
    [
      "AWS",
      (host) => host.fault("aws", ...Array(8).fill(255)),
      `gave up after 8 attempts, the last with status 255: secret_text ${arns.token}`,
    ],
    ["a hanging AWS client", (host) => host.fault("aws", ...Array(8).fill("hang")), "the last with status 124"],
    [
      "metadata",
      (host) => host.imds.fail({ answer: { status: 500 } }),
      "the last with status 1: target_lifecycle_state",
    ],
    ["its own id", (host) => host.metadata.delete("instance-id"), "the last with status 44: imds_once instance-id"],
    ["a secret without value", (host) => host.secret(arns.key, ""), `${arns.key} holds no text`],
    [
      "the architecture",
      (host) => writeFileSync(join(host.stage, "machine"), "riscv64\n"),
      "there is no agent for the architecture riscv64",
    ],
    ["systemd's reload", (host) => host.fault("systemctl", 1), "FAILED with status 1: systemctl daemon-reload"],
    [
      "a step like any other",
      (host) => host.fault("getent", 2),
      'FAILED with status 2: entry=$(getent passwd "$worker_user")',
    ],
  ] as const satisfies readonly (readonly [
    string,
    (host: Awaited<ReturnType<typeof makeWorkerHost>>) => void,
    string,
  ])[])("defect 16: ends with a reason and a power-off when a step fails: %s", async ([, spoil, reason], t) => {
    const host = await makeWorkerHost(t);
    spoil(host);
    const boot = await host.start();
    expect(boot.environment).toBeUndefined();
    expect(boot.log).toContain(reason);
    expect(boot.log).toContain("powering off in 60 s");
    expect(boot.poweredOff).toBe(true);
  });

  it("waits the configured delay, and can leave the host up", async (t) => {
    const delayed = await (await makeWorkerHost(t)).start({ AGENT_FLEETS_POWER_OFF_DELAY_SECONDS: "15" });
    expect(delayed.calls).toContain("sleep 15");
    const host = await makeWorkerHost(t);
    host.secret(arns.key, "");
    const kept = await host.start({ AGENT_FLEETS_POWER_OFF: "false" });
    expect(kept.log).toContain("FAILED:");
    expect(kept.poweredOff).toBe(false);
  });

  it("speaks MQTT on request", async (t) => {
    const { environment } = await (await makeWorkerHost(t)).start({ AGENT_FLEETS_SPACELIFT_COMMS_PROTOCOL: "mqtt" });
    expect(environment?.SPACELIFT_WORKER_COMMS_PROTOCOL).toBe("mqtt");
    expect(environment).not.toHaveProperty("SPACELIFT_WORKER_COMMS_URL");
  });

  it.for([
    ["2X=arn", "'2X' cannot be the name of a variable"],
    ["X Y=arn", "'X Y' cannot be the name of a variable"],
    ["$(touch pwned)=arn", "cannot be the name of a variable"],
    ["X=arn:aws:s3:::bucket", "is neither of Secrets Manager nor of SSM"],
    [`SPACELIFT_TOKEN=${arns.token}`, "no source gives SPACELIFT_POOL_PRIVATE_KEY"],
  ] as const)("refuses the source %s", async ([line, reason], t) => {
    const boot = await (await makeWorkerHost(t)).start({ AGENT_FLEETS_SPACELIFT_ENVIRONMENT: line });
    expect(boot.environment).toBeUndefined();
    expect(boot.log).toContain(reason);
  });

  it("ships the logs that the settings name, and none by default", async (t) => {
    const host = await makeWorkerHost(t);
    const ctl = "opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl";
    const boot = await host.start({
      AGENT_FLEETS_LOG_FILES: "boot=/var/log/agent-fleets/boot.log\nlauncher=/var/log/spacelift/info.log",
    });
    expect(
      JSON.parse(boot.file("etc/agent-fleets/cloudwatch-agent.json")).logs.logs_collected.files.collect_list,
    ).toEqual([
      {
        file_path: "/var/log/agent-fleets/boot.log",
        log_group_name: "/agent-fleets/ci/boot",
        log_stream_name: "{instance_id}",
      },
      {
        file_path: "/var/log/spacelift/info.log",
        log_group_name: "/agent-fleets/ci/launcher",
        log_stream_name: "{instance_id}",
      },
    ]);
    expect(boot.calls).toContain("dnf -y -q install amazon-cloudwatch-agent");
    expect(boot.log).toContain("the CloudWatch agent does not start");
    expect(boot.environment).toBeDefined();
    expect(boot.calls).toContainEqual(expect.stringMatching(new RegExp(`^timeout 60 .*/${ctl} -a fetch-config`)));

    const quiet = await (await makeWorkerHost(t)).start();
    expect(quiet.file("etc/agent-fleets/cloudwatch-agent.json")).toBe("");
  });
});
