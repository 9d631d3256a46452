import { describe, expect, it } from "vitest";
import { ec2Fleet } from "../../../../stacks/config/ec2-fleet.ts";
import { knownAgentReleases, semaphoreVendor } from "../../../../stacks/config/vendors/semaphore.ts";

const minimal = { type: "semaphore", organization: "acme" };

/** `path: message` of everything that is wrong. */
function errorsOf(vendor: object, changes: object = {}): string[] {
  const fleet = { kind: "ec2-fleet", region: "us-west-2", vendor: { type: "semaphore", ...vendor }, ...changes };
  const { error } = ec2Fleet.safeParse(fleet);
  return error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
}
const errorsWith = (vendor: object, changes: object = {}) => errorsOf({ organization: "acme", ...vendor }, changes);

describe("semaphore", () => {
  it("needs little: the organization", () => {
    expect(semaphoreVendor.schema.parse(minimal)).toEqual({
      ...minimal,
      docker: true,
      os: "linux",
      user: "semaphore",
      agent: { version: "v2.4.0" },
      environment: {},
      files: [],
      failOnMissingFiles: false,
      uploadJobLogs: "never",
      setup: "",
      caCertificates: [],
      sshKnownHosts: { github: true, lines: [], refreshMinutes: 360 },
      powerOffDelaySeconds: 180,
    });
    expect(errorsOf({ organization: "acme" })).toEqual([]);
  });

  it("knows the checksums of the release it installs, for both architectures", () => {
    const { version } = semaphoreVendor.schema.parse(minimal).agent;
    for (const sum of Object.values(knownAgentReleases[version] ?? {})) expect(sum).toMatch(/^[0-9a-f]{64}$/);
    expect(Object.keys(knownAgentReleases[version] ?? {})).toEqual(["x86_64", "arm64"]);
  });

  it("still knows the checksums of the release that fleets of before may name", () => {
    expect(errorsWith({ agent: { version: "v2.2.8" } })).toEqual([]);
  });

  it("takes either an organization or an endpoint", () => {
    expect(errorsOf({ endpoint: "ci.example.com:8443" })).toEqual([]);
    expect(errorsOf({ endpoint: "127.0.0.1:8080" })).toEqual([]);
    expect(errorsOf({})).toEqual(["vendor.organization: must be given (or endpoint, for your own Semaphore)"]);
    expect(errorsOf({ organization: "acme", endpoint: "ci.example.com" })).toEqual([
      "vendor.organization: must be given only without endpoint",
    ]);
  });

  it.each([
    "Acme",
    "acme.semaphoreci.com",
    "-acme",
    "",
    "${var.org}",
    "a/b",
  ])("refuses the organization %j", (organization) => {
    expect(errorsOf({ organization })).toEqual([
      "vendor.organization: must be the name of an organization, as its address has it",
    ]);
  });

  it.each([
    "https://ci.example.com",
    "ci.example.com/",
    "CI.example.com",
    "a b",
  ])("refuses the endpoint %j", (endpoint) => {
    expect(errorsOf({ endpoint })).toEqual([expect.stringMatching(/^vendor\.endpoint: must be a host name/)]);
  });

  it.each([
    ["windows", "must be linux: agents on windows are not supported yet, see docs/requirements.md"],
    ["macos", "must be linux: agents on macos are not supported yet, see docs/requirements.md"],
    ["ubuntu-focal", "must be linux"],
    [1, "must be linux"],
  ])("says what it supports when agents are to run on %j", (os, message) => {
    expect(errorsWith({ os })).toEqual([`vendor.os: ${message}`]);
  });

  it("never runs jobs as root", () => {
    expect(errorsWith({ user: "root" })).toEqual(["vendor.user: must be the name of a user other than root"]);
    expect(errorsWith({ user: "rooted" })).toEqual([]);
  });

  it("wants the checksum of a release that it does not know", () => {
    expect(errorsWith({ agent: { version: "v2.3.0" } })).toEqual([
      "vendor.agent.sha256: must be given: the checksums of v2.3.0 are not known here",
    ]);
    expect(errorsWith({ agent: { version: "v2.3.0", sha256: "a".repeat(64) } })).toEqual([]);
    expect(errorsWith({ agent: { version: "latest" } })).toEqual([
      "vendor.agent.version: must be a release such as v2.4.0",
    ]);
    expect(errorsWith({ toolbox: { version: "v1.41.0" } })).toEqual([
      "vendor.toolbox.sha256: must be a SHA-256 in 64 lower-case hexadecimal digits",
    ]);
  });

  it.each(["a=b", "=", "two\nlines", "bell\u0007", "nul\0"])("refuses the variable %j: agents would", (value) => {
    expect(errorsWith({ environment: { FINE: "x", OPTIONS: value } })).toEqual([
      'vendor.environment: must not have "=", line ends or other control characters in OPTIONS: agents refuse to start',
    ]);
  });

  it.each(["", "two words", "$(x) ${y} %{z}", "a,b;c", "Áé漢字🚀"])("takes the variable %j", (value) => {
    expect(errorsWith({ environment: { OPTIONS: value } })).toEqual([]);
  });

  it("sets the cache's variables itself", () => {
    expect(errorsWith({ environment: { SEMAPHORE_CACHE_BACKEND: "sftp" } })).toEqual([
      "vendor.environment.SEMAPHORE_CACHE_BACKEND: must not be set here: use vendor.cacheBucket",
    ]);
  });

  it("§2.5: does not keep jobs from the role that their cache needs", () => {
    expect(errorsWith({ cacheBucket: "acme-cache", jobsUseInstanceRole: false })).toEqual([
      "vendor.jobsUseInstanceRole: must be true or left out with cacheBucket: the cache CLI runs in jobs and uses the instance's role",
    ]);
    for (const vendor of [{ cacheBucket: "acme-cache", jobsUseInstanceRole: true }, { jobsUseInstanceRole: false }]) {
      expect(errorsWith(vendor)).toEqual([]);
    }
  });

  it.each([
    ["git.example.com ssh-ed25519 AAAAC3Nza", true],
    ["[git.example.com]:2222,192.0.2.1 ecdsa-sha2-nistp256 AAAA=", true],
    ["git.example.com", false],
    ["git.example.com ssh-ed25519", false],
    ["# git.example.com ssh-ed25519 AAAA", false],
    ["git.example.com ssh-ed25519 AAAA\nevil.example.com ssh-rsa AAAA", false],
    ["git.example.com ssh-dss AAAA", false],
  ])("knows a line of known_hosts when it sees one: %j", (line, fine) => {
    const message = "vendor.sshKnownHosts.lines.0: must be a line of a known_hosts file: hosts, type of key, key";
    expect(errorsWith({ sshKnownHosts: { lines: [line] } })).toEqual(fine ? [] : [message]);
  });

  it.each([
    { from: "relative", to: "/x" },
    { from: "/a:b", to: "/x" },
    { from: "/a", to: "/x y" },
  ])("refuses the file %j: agents would", (file) => {
    expect(errorsWith({ files: [file] })).toHaveLength(1);
  });

  it("defect 6: takes false and 0 for what they are", () => {
    const agents = { min: 0, initial: 0, singleUse: false, idleTimeoutSeconds: 0 };
    const fleet = ec2Fleet.parse({ kind: "ec2-fleet", region: "us-west-2", vendor: minimal, agents });
    expect(fleet.agents).toMatchObject(agents);
    expect(semaphoreVendor.schema.parse({ ...minimal, sshKnownHosts: { github: false } }).sshKnownHosts.github).toBe(
      false,
    );
  });

  it.each([
    ["arn:aws:ssm:us-west-2:111122223333:parameter/ci/token", true],
    ["arn:aws:ssm:us-west-2:111122223333:parameter/token", true],
    ["arn:aws-us-gov:ssm:us-gov-west-1:111122223333:parameter/token", true],
    ["arn:aws:secretsmanager:us-west-2:111122223333:secret:ci/token-AbCdEf", true],
    ["arn:aws:ssm:us-west-2:111122223333:parameter//token", true],
    ["/token", false],
    ["test-token", false],
  ])("defect 7: takes the token by ARN, with or without slashes in its name: %s", (arn, fine) => {
    const errors = errorsWith({}, { secrets: { agentTypeToken: { arn } } });
    expect(errors.length === 0).toBe(fine);
  });

  it("names the vendor's secrets when given another's", () => {
    expect(errorsWith({}, { secrets: { workerPoolToken: { variable: "x" } } })).toEqual([
      "secrets.workerPoolToken: must be left out: the secrets of semaphore are agentTypeToken",
    ]);
  });
});
