import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { mode } from "../ec2/host.ts";
import { canBoot, makeWorkerHost, removeKeys } from "./worker.ts";

afterAll(removeKeys);

const selfHosted = {
  AGENT_FLEETS_SPACELIFT_LAUNCHER_S3_URI: "s3://downloads-bucket/releases/spacelift-launcher",
  AGENT_FLEETS_SPACELIFT_USER: "spacelift",
};
const proxies = {
  AGENT_FLEETS_PROXY_URL: "http://proxy.example.com:3128/?a=100%&b=$(x)",
  AGENT_FLEETS_NO_PROXY: "10.0.0.0/8,.internal",
};
const certificates = ["first", "second"].map(
  (name) => `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----\n`,
);
const certificateAuthorities = { AGENT_FLEETS_CA_CERTIFICATES: certificates.join("") };
const configuration = (text: string) => ({
  AGENT_FLEETS_SPACELIFT_CONFIGURATION: Buffer.from(text).toString("base64"),
});

async function makeSelfHosted(context: Parameters<typeof makeWorkerHost>[0]) {
  const host = await makeWorkerHost(context);
  host.download("spacelift-launcher", readFileSync(join(host.stage, "downloads/spacelift-launcher-x86_64")));
  return host;
}

describe.skipIf(!canBoot).concurrent("the boot of a self-hosted Spacelift's worker", () => {
  it("runs the launcher of the bucket as the user spacelift", async (t) => {
    const host = await makeSelfHosted(t);
    const { environment, calls, log, poweredOff } = await host.start(selfHosted);
    expect(environment?.HOME).toBe(join(host.stage, "home"));
    expect(calls).toContainEqual(
      expect.stringMatching(/^aws s3 cp .*--region us-west-2 s3:\/\/downloads-bucket\/releases\/spacelift-launcher /),
    );
    expect(calls.filter((call) => call.startsWith("curl "))).not.toContainEqual(expect.stringContaining("https://"));
    expect(calls).toContain("useradd --uid 1983 --create-home spacelift");
    expect(calls).toContain("usermod --append --groups docker spacelift");
    expect(calls).toContain(`chown -R spacelift ${host.root}/opt/spacelift ${host.root}/var/log/spacelift`);
    expect(calls).toContainEqual(
      expect.stringMatching(/^runuser -u spacelift -- env -i \/bin\/bash .*\/bin\/bash .*\/worker\.sh$/),
    );
    expect(calls.join("\n")).not.toContain("docker.service");
    expect(log).not.toContain("FAILED");
    expect(poweredOff).toBe(true);
  });

  it.for([
    ["aws", [0, 0, 1, 1, 1, 1], "gave up after 4 attempts, the last with status 1: timeout 300 aws s3 cp"],
    ["useradd", [1], "FAILED with status 1: useradd"],
  ] as const)("ends with a reason and a power-off when a step fails: %s", async ([command, statuses, reason], t) => {
    const host = await makeSelfHosted(t);
    host.fault(command, ...statuses);
    const boot = await host.start(selfHosted);
    expect(boot.environment).toBeUndefined();
    expect(boot.log).toContain(reason);
    expect(boot.poweredOff).toBe(true);
  });

  it("defect 19: the proxies reach the launcher, Docker and the runs", async (t) => {
    const host = await makeSelfHosted(t);
    const { environment, calls, file } = await host.start({ ...selfHosted, ...proxies });
    const http = proxies.AGENT_FLEETS_PROXY_URL;
    const none = "10.0.0.0/8,.internal,169.254.169.254";
    expect(environment).toMatchObject({
      HTTP_PROXY: http,
      http_proxy: http,
      HTTPS_PROXY: http,
      https_proxy: http,
      NO_PROXY: none,
      no_proxy: none,
    });
    expect(environment?.SPACELIFT_WHITELIST_ENVS?.split(",").sort()).toEqual(
      ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"].sort(),
    );
    expect(Object.keys(environment ?? {}).filter((name) => name.startsWith("AGENT_FLEETS_"))).toEqual([]);
    expect(file("etc/agent-fleets/docker.env")).toBe(
      `HTTP_PROXY='${http}'\nHTTPS_PROXY='${http}'\nNO_PROXY='${none}'\n`,
    );
    expect(mode(join(host.root, "etc/agent-fleets/docker.env"))).toBe("600");
    expect(file("etc/systemd/system/docker.service.d/agent-fleets.conf")).toBe(
      `[Service]\nEnvironmentFile=${host.root}/etc/agent-fleets/docker.env\n`,
    );
    expect(file("opt/aws/amazon-cloudwatch-agent/etc/common-config.toml")).toContain(`https_proxy = '${http}'`);
    const restart = calls.indexOf("systemctl restart docker.service");
    expect(restart).toBeGreaterThan(calls.lastIndexOf("systemctl daemon-reload"));
  });

  it("defect 19: the user's own lists are kept", async (t) => {
    const { environment } = await (await makeSelfHosted(t)).start({
      ...selfHosted,
      ...proxies,
      ...configuration("export SPACELIFT_WHITELIST_ENVS=MINE,ro_OTHER SPACELIFT_WORKER_EXTRA_MOUNTS=/a:/b"),
    });
    expect(environment?.SPACELIFT_WHITELIST_ENVS).toBe(
      "HTTP_PROXY,http_proxy,HTTPS_PROXY,https_proxy,NO_PROXY,no_proxy,MINE,ro_OTHER",
    );
    expect(environment?.SPACELIFT_WORKER_EXTRA_MOUNTS).toBe("/a:/b");
  });

  it("defect 19: the certificate authorities are trusted by the host, Docker and the runs", async (t) => {
    const host = await makeSelfHosted(t);
    const { environment, calls, file } = await host.start({
      ...selfHosted,
      ...certificateAuthorities,
      ...configuration("export SPACELIFT_WORKER_EXTRA_MOUNTS=/a:/b"),
    });
    const bundle = join(host.root, "etc/agent-fleets/ca-bundle.pem");
    expect(file("etc/pki/ca-trust/source/anchors/agent-fleets-1.crt")).toBe(certificates[0]);
    expect(file("etc/agent-fleets/ca-bundle.pem")).toBe(certificates.join(""));
    expect(mode(bundle)).toBe("644");
    expect(environment?.SPACELIFT_WORKER_EXTRA_MOUNTS).toBe(`${bundle}:${bundle},/a:/b`);
    for (const name of environment?.SPACELIFT_WHITELIST_ENVS?.split(",") ?? ["none"]) {
      expect(environment?.[name]).toBe(bundle);
    }
    expect(environment).toHaveProperty("SSL_CERT_FILE");
    expect(calls).toContain("systemctl restart docker.service");
    const trusted = calls.findIndex((call) => call.startsWith("update-ca-trust"));
    expect(trusted).toBeLessThan(calls.findIndex((call) => call.startsWith("aws ")));
  });

  it.for([
    "http://'quoted'",
    'http://"quoted"',
    "http://two words",
    "http://back\\slash",
    "http://line\nbreak",
  ])("refuses a proxy that no file could hold: %j", async (value, t) => {
    const boot = await (await makeSelfHosted(t)).start({ ...selfHosted, AGENT_FLEETS_PROXY_URL: value });
    expect(boot.environment).toBeUndefined();
    expect(boot.log).toContain("FAILED: HTTP_PROXY has a quote, a backslash or a blank");
    expect(boot.poweredOff).toBe(true);
  });
});
