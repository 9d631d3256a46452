import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { canRun, nobody, source, token, waiting } from "./stage.ts";

/** Instructions of the Dockerfile: continued lines joined, comments left out. */
const instructions = readFileSync(join(source, "Dockerfile"), "utf8")
  .split("\n")
  .filter((line) => !/^\s*(#|$)/.test(line))
  .join("\n")
  .replaceAll(/\\\n\s*/g, "")
  .split("\n");
const argumentsOf = (keyword: string) =>
  instructions.filter((line) => line.startsWith(`${keyword} `)).map((line) => line.slice(keyword.length + 1));
const defaults = Object.fromEntries(argumentsOf("ARG").map((argument) => argument.split("=", 2)));

describe("azure-devops: the Dockerfile", () => {
  it("starts from a supported Ubuntu, pinned by tag, that a build can pin by digest", () => {
    expect(argumentsOf("FROM")).toEqual(["${BASE_IMAGE}"]);
    expect(defaults.BASE_IMAGE).toMatch(/\/ubuntu:24\.04$/);
  });

  it("defect 7: ends as a user that is not root, under tini, and becomes root nowhere after", () => {
    expect(argumentsOf("USER")).toEqual(["agent"]);
    const last = instructions.indexOf("USER agent");
    expect(instructions.slice(last).join("\n")).not.toMatch(/sudo|chmod [0-7]*[4-7][0-7]{3}|docker\.sock/);
    expect(instructions.at(-1)).toMatch(/^ENTRYPOINT \["\/usr\/bin\/tini", "-s", "--", "\/.*\/start\.sh"\]$/);
    expect(instructions.join("\n")).toContain("chmod 0711 /usr/bin/tini");
  });

  it("defect 7: has no variable for a secret", () => {
    const names = [...argumentsOf("ARG"), ...argumentsOf("ENV")].map((argument) => argument.split("=", 1)[0]);
    expect(names.filter((name) => /TOKEN|SECRET|PASSWORD|PAT$/.test(String(name)))).toEqual([]);
  });

  it("pins the agent and the SHA-256 of its archive for each architecture", () => {
    expect(defaults.AGENT_VERSION).toMatch(/^4\.\d+\.\d+$/);
    for (const name of ["AGENT_SHA256_X64", "AGENT_SHA256_ARM64"]) expect(defaults[name]).toMatch(/^[0-9a-f]{64}$/);
    expect(defaults.AGENT_SHA256_X64).not.toBe(defaults.AGENT_SHA256_ARM64);
  });

  it("copies files that are there", () => {
    const files = argumentsOf("COPY").flatMap((copy) => copy.split(" ").slice(0, -1));
    expect(files).toEqual(["start.sh", "install-agent.sh"]);
    for (const file of files) expect(existsSync(join(source, file))).toBe(true);
  });

  it("declares what an agent writes to, so that it is the agent's even with a read-only root", () => {
    const volumes: readonly string[] = JSON.parse(argumentsOf("VOLUME").join());
    expect(volumes).toEqual(["/azp", "/tmp", "/home/agent"]);
    const declared = instructions.findIndex((line) => line.startsWith("VOLUME "));
    // What is put there later may be lost.
    expect(instructions.slice(declared + 1).filter((line) => /^(?:RUN|COPY|ADD) /.test(line))).toEqual([]);
    const made = instructions.slice(0, declared).join("\n");
    expect(made).toMatch(/useradd --create-home .* agent\b/);
    expect(made).toContain("install --directory --owner agent --group agent /azp");
  });

  it("lays the agent where its start script looks for it", () => {
    expect(argumentsOf("WORKDIR")).toEqual(["/azp"]);
    expect(readFileSync(join(source, "start.sh"), "utf8")).toContain("${AGENT_FLEETS_AGENT_FOLDER:-/azp}");
  });
});

let folder: string;
/** Calls of the stand-ins for other programs, in order. */
const calls = () => readFileSync(join(folder, "calls"), "utf8").split("\n").slice(0, -1);

function standIn(name: string, body: string): void {
  writeFileSync(join(folder, "bin", name), `#!/bin/bash\necho "${name} $*" >>"${folder}/calls"\n${body}\n`);
  chmodSync(join(folder, "bin", name), 0o755);
}

function run(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return spawnSync("/bin/bash", [join(source, script), ...args], {
    cwd: folder,
    env: { PATH: `${folder}/bin:${process.env.PATH}`, TMPDIR: folder, ...env },
    encoding: "utf8",
  });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "azure-devops-image-"));
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "calls"), "");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!canRun)("azure-devops: the agent's installation", () => {
  let checksum: string;

  beforeEach(() => {
    for (const name of ["agent", "made", "made/bin"]) mkdirSync(join(folder, name));
    writeFileSync(join(folder, "made/bin/Agent.Listener"), "x");
    execFileSync("tar", ["-czf", join(folder, "served"), "-C", join(folder, "made"), "."]);
    checksum = createHash("sha256")
      .update(readFileSync(join(folder, "served")))
      .digest("hex");
    standIn("curl", `while [ "$1" != --output ]; do shift; done\ncp '${folder}/served' "$2"`);
    standIn("uname", "echo x86_64");
  });

  it.each([
    ["x86_64", "x64"],
    ["aarch64", "arm64"],
  ])("takes the archive of %s from Microsoft and checks it", (machine, architecture) => {
    standIn("uname", `echo ${machine}`);
    const checksums = architecture === "x64" ? [checksum, "0".repeat(64)] : ["0".repeat(64), checksum];
    expect(run("install-agent.sh", ["4.1.2", ...checksums, join(folder, "agent")])).toMatchObject({ status: 0 });
    expect(calls().at(-1)).toMatch(
      new RegExp(
        ` --proto =https .*https://download\\.agent\\.dev\\.azure\\.com/agent/4\\.1\\.2/vsts-agent-linux-${architecture}-4\\.1\\.2\\.tar\\.gz$`,
      ),
    );
    expect(readdirSync(join(folder, "agent"), { recursive: true })).toContain("bin/Agent.Listener");
  });

  it.each(["tampered", "truncated", "without a checksum"])("unpacks nothing of an archive that is %s", (how) => {
    const served = readFileSync(join(folder, "served"));
    if (how === "tampered") writeFileSync(join(folder, "served"), Buffer.concat([served, Buffer.from("\0")]));
    if (how === "truncated") writeFileSync(join(folder, "served"), served.subarray(0, -1));
    const wanted = how === "without a checksum" ? "" : checksum;
    expect(run("install-agent.sh", ["4.1.2", wanted, wanted, join(folder, "agent")]).status).not.toBe(0);
    expect(readdirSync(join(folder, "agent"))).toEqual([]);
    expect(readdirSync(folder).filter((name) => name.startsWith("tmp"))).toEqual([]);
  });

  it("says that there is no agent for another machine", () => {
    standIn("uname", "echo riscv64");
    const { status, stderr } = run("install-agent.sh", ["4.1.2", checksum, checksum, join(folder, "agent")]);
    expect(status).toBe(1);
    expect(stderr).toContain("no agent for riscv64");
  });
});

describe.skipIf(!canRun)("azure-devops: the image's build", () => {
  const registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
  const repositories = { IMAGE_VERSIONS: `${registry}/ci/versions`, IMAGE_CURRENT: `${registry}/ci/current:agent` };

  beforeEach(() => {
    standIn("aws", "echo password");
    standIn(
      "docker",
      `case "$1 $2" in
        "login "*) [ "$(cat)" = password ] ;;
        "image inspect") echo 4.1.2 ;;
        "run "*) printf 'a warning\\n%s\\n' "\${ANSWER:-4.1.2}" ;;
        *) [ "$1" != "\${FAIL:-}" ] ;;
      esac`,
    );
  });

  it("keeps the image under a tag of its own, and then makes it current", () => {
    const { status, stdout } = run("build.sh", [], repositories);
    expect(status).toBe(0);
    const image = readFileSync(join(folder, "image.txt"), "utf8");
    expect(image).toMatch(/\/ci\/versions:4\.1\.2-\d{8}T\d{6}Z$/);
    expect(stdout).toContain(`new agents run ${image}`);
    // Both ends of a pipe start at once.
    expect(calls().slice(0, 2).sort()).toEqual([
      "aws ecr get-login-password --region eu-west-1",
      `docker login --username AWS --password-stdin ${registry}`,
    ]);
    expect(calls().slice(2)).toEqual([
      "docker build --pull --no-cache --tag agent .",
      expect.stringMatching(/^docker image inspect /),
      "docker run --rm --network none --entrypoint /azp/bin/Agent.Listener agent --version",
      `docker tag agent ${image}`,
      `docker push ${image}`,
      `docker tag agent ${repositories.IMAGE_CURRENT}`,
      `docker push ${repositories.IMAGE_CURRENT}`,
    ]);
  });

  it("hands the Dockerfile the arguments that it was given, and no others", () => {
    const given = { PACKAGES: "zip 'unzip' $(touch pwned)", AGENT_VERSION: "4.1.2", AGENT_SHA256_X64: "" };
    expect(run("build.sh", [], { ...repositories, ...given })).toMatchObject({ status: 0 });
    expect(calls()).toContain(
      `docker build --pull --no-cache --build-arg PACKAGES=${given.PACKAGES} --build-arg AGENT_VERSION=4.1.2 --tag agent .`,
    );
    expect(readdirSync(folder)).not.toContain("pwned");
    const known = Object.keys(defaults);
    expect(readFileSync(join(source, "build.sh"), "utf8")).toContain(
      `for name in BASE_IMAGE PACKAGES AGENT_VERSION AGENT_SHA256_X64 AGENT_SHA256_ARM64; do`,
    );
    expect(known.sort()).toEqual(["AGENT_SHA256_ARM64", "AGENT_SHA256_X64", "AGENT_VERSION", "BASE_IMAGE", "PACKAGES"]);
  });

  it.each([
    "210987654321.dkr.ecr.us-east-1.amazonaws.com",
    "210987654321.dkr.ecr-fips.us-east-1.amazonaws.com",
    "210987654321.dkr-ecr.us-east-1.on.aws",
    "210987654321.dkr-ecr-fips.us-east-1.on.aws",
  ])("signs in to the registry of its base image too: %s", (host) => {
    expect(run("build.sh", [], { ...repositories, BASE_IMAGE: `${host}/ubuntu:24.04` })).toMatchObject({ status: 0 });
    expect(calls()).toContain("aws ecr get-login-password --region us-east-1");
    expect(calls()).toContain(`docker login --username AWS --password-stdin ${host}`);
  });

  it("signs in to no other registry", () => {
    expect(run("build.sh", [], { ...repositories, BASE_IMAGE: "public.ecr.aws/ubuntu:24.04" })).toMatchObject({
      status: 0,
    });
    expect(calls().filter((call) => call.startsWith("docker login"))).toHaveLength(1);
  });

  it.each(["build", "push"])("leaves the current image alone when docker cannot %s", (FAIL) => {
    expect(run("build.sh", [], { ...repositories, FAIL }).status).not.toBe(0);
    expect(calls()).not.toContain(`docker tag agent ${repositories.IMAGE_CURRENT}`);
    expect(existsSync(join(folder, "image.txt"))).toBe(false);
  });

  it("pushes no image whose agent does not start", () => {
    const { status, stderr } = run("build.sh", [], { ...repositories, ANSWER: "no usable version of libicu" });
    expect(status).toBe(1);
    expect(stderr).toContain("answers 'a warning\nno usable version of libicu'");
    expect(calls().filter((call) => call.startsWith("docker push"))).toEqual([]);
  });
});

describe.skipIf(!canRun || nobody.uid === undefined)("azure-devops: process 1", () => {
  it("defect 7: hides its environment from jobs when nobody may read its program, and only then", async (t) => {
    const environmentSeenByJobs = async (mode: number) => {
      const program = join(folder, `tini-${mode}`);
      copyFileSync("/bin/sleep", program);
      chmodSync(folder, 0o755);
      chmodSync(program, mode);
      const child = spawn(program, ["600"], { ...nobody, env: { AZP_TOKEN: token } });
      t.onTestFinished(() => void child.kill());
      await vi.waitFor(() => expect(readFileSync(`/proc/${child.pid}/comm`, "utf8")).toMatch(/^tini/), waiting);
      return spawnSync("/bin/cat", [`/proc/${child.pid}/environ`], { ...nobody, encoding: "utf8" }).stdout;
    };
    expect(await environmentSeenByJobs(0o755)).toContain(token);
    expect(await environmentSeenByJobs(0o711)).toBe("");
  });
});
