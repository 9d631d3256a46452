import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { App, TerraformStack } from "#cdktf";
import { bootProgram, instanceUserData } from "../../stacks/constructs/instances/user-data.ts";
import { plainText, terraformText } from "../../stacks/constructs/terraform-text.ts";
import { spacelift } from "./ec2-fleet.ts";
import { synthesize } from "./synth.ts";

const hostile = [
  "it's",
  "'; touch /tmp/owned; '",
  "'\\''",
  "$(touch /tmp/owned) `id` $HOME ${HOME} $${HOME} %{ if true } %%{ 100% %s",
  '"double" \\ back\\slash \\n',
  "two\nlines\n\n",
  "trailing newline\n",
  "größe 日本 🚀\u00a0\t|&;<>*?[]{}~!#",
  "",
];
const settings = Object.fromEntries(hostile.map((value, index) => [`AGENT_FLEETS_TEST_${index}`, value]));

/** The text that bash has in each variable after it ran the lines of settings, which come before the library. */
function readByBash(program: string, names: readonly string[]): string[] {
  const header = program.slice(0, program.indexOf("# shellcheck shell=bash"));
  const print = `\nfor name in ${names.join(" ")}; do printf '%s\\0' "\${!name}"; done\n`;
  const output = execFileSync("bash", ["-s"], {
    input: header + print,
    encoding: "utf8",
    env: { PATH: process.env.PATH },
  });
  return output.split("\0").slice(0, -1);
}

/** Settings as the stack has them, from what stands in a config. */
const asConfigured = (texts: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(texts).map(([name, value]) => [name, terraformText(value)]));

describe("the boot program", () => {
  it("gives bash every setting as it stands in the config, and expands nothing", () => {
    const program = plainText(bootProgram(asConfigured(settings), []));
    expect(readByBash(program, Object.keys(settings))).toEqual(hostile);
  });

  it("does so for whatever text there is", () => {
    const text = fc.string({ unit: "binary" }).filter((value) => !value.includes("\0"));
    fc.assert(
      fc.property(fc.array(text, { minLength: 50, maxLength: 50 }), (values) => {
        const named = Object.fromEntries(values.map((value, index) => [`AGENT_FLEETS_TEST_${index}`, value]));
        const program = plainText(bootProgram(asConfigured(named), []));
        expect(readByBash(program, Object.keys(named))).toEqual(values);
      }),
      { numRuns: 10 },
    );
  });

  it.each(["spacelift/boot.sh", "semaphore/boot.sh"])("is bash, with %s", (file) => {
    const { status, stderr } = spawnSync("bash", ["-n"], {
      input: plainText(bootProgram(asConfigured(settings), [file])),
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  const terraform = spawnSync("terraform", ["version"]).status === 0;
  if (!terraform) process.stderr.write("SKIPPED: the boot program as Terraform reads it. Missing here: terraform\n");

  it.skipIf(!terraform)("is, gzipped by Terraform, what was written, with its expressions filled in", () => {
    const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
    try {
      const program = bootProgram({ ...asConfigured(settings), AGENT_FLEETS_TEST_ARN: "${local.arn}" }, [
        "spacelift/boot.sh",
      ]);
      const locals = { arn: "arn:aws:secretsmanager:us-west-2:111122223333:secret:a-AbCdEf", program };
      writeFileSync(join(folder, "main.tf.json"), JSON.stringify({ locals }));
      const answer = execFileSync("terraform", ["console"], {
        cwd: folder,
        input: "base64gzip(local.program)\n",
        encoding: "utf8",
        env: { PATH: process.env.PATH, HOME: folder, CHECKPOINT_DISABLE: "1" },
      });
      const text = gunzipSync(Buffer.from(JSON.parse(answer), "base64")).toString();
      expect(text).toBe(plainText(program).replace("${local.arn}", locals.arn));
      expect(readByBash(text, [...Object.keys(settings), "AGENT_FLEETS_TEST_ARN"])).toEqual([...hostile, locals.arn]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("the boot program of an instance that is stopped for a warm pool", () => {
  const runs = (files: readonly string[]) => {
    const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
    const host = join(folder, "host");
    mkdirSync(join(folder, "bin"));
    const systemctl = join(folder, "bin", "systemctl");
    const program = join(folder, "part-001");
    // cloud-init takes its own line away before it runs the rest.
    writeFileSync(program, plainText(bootProgram({}, files)));
    return {
      folder,
      boot: join(host, "usr/local/lib/agent-fleets/boot"),
      program,
      /** @param systemctlDoes bash, with the arguments of systemctl. */
      run(systemctlDoes: string) {
        writeFileSync(systemctl, `#!/bin/bash\n${systemctlDoes}\n`, { mode: 0o755 });
        const PATH = `${join(folder, "bin")}:${process.env.PATH}`;
        return spawnSync("bash", [program], { encoding: "utf8", env: { PATH, AGENT_FLEETS_ROOT: host } });
      },
      units: () => readdirSync(join(host, "etc/systemd/system")).sort(),
    };
  };

  it.each(["spacelift/boot.sh", "semaphore/boot.sh"])("is whole after its next run, with %s", (file) => {
    const instance = runs(["ec2/life.sh", "ec2/outbound.sh", file]);
    try {
      expect(instance.run("kill -KILL $PPID").signal).toBe("SIGKILL");
      for (const time of ["after the stop", "once more"]) {
        const { status, stdout, stderr } = instance.run('echo "$@"');
        expect({ time, status, stderr }).toEqual({ time, status: 0, stderr: "" });
        expect(stdout.trim().split("\n").slice(-3)).toEqual([
          "daemon-reload",
          "enable agent-fleets.service",
          "--no-block start agent-fleets.service",
        ]);
      }
      expect(readFileSync(instance.boot, "utf8")).toBe(readFileSync(instance.program, "utf8"));
      expect(instance.units()).toEqual(["agent-fleets-power-off.service", "agent-fleets.service"]);
    } finally {
      rmSync(instance.folder, { recursive: true, force: true });
    }
  });

  it("runs at every start there, and once elsewhere", () => {
    const first = (everyStart: boolean) => {
      const stack = new TerraformStack(new App(), "ci");
      instanceUserData(stack, { settings: {}, files: [], everyStart });
      return Object.values(stack.toTerraform().locals as Record<string, string>)[0]
        ?.split("\n")
        .slice(0, 2);
    };
    expect(first(true)).toEqual(["#cloud-boothook", "#!/bin/bash"]);
    expect(first(false)?.[0]).toBe("#!/bin/bash");
  });
});

describe("user data that EC2 would refuse", () => {
  /** Text that does not get shorter by gzip. */
  const noise = (length: number) => {
    const bytes = Array.from({ length }, (_, index) => 33 + (((index * index * 2_654_435_761) % 9_973) % 90));
    return String.fromCharCode(...bytes).replaceAll(/['$%\\]/g, "_");
  };
  const userData = (more: Readonly<Record<string, string>>) =>
    instanceUserData(new TerraformStack(new App(), "ci"), {
      settings: { SHORT: "x", ...more },
      files: [],
      everyStart: false,
    });

  it("is an error of the config that says how long it is, how long it may be and what makes it so long", () => {
    expect(() => userData({ LONG: noise(20_000) })).toThrow(
      /^vendor: must be shorter: the boot program of the instances may have [0-9]{5} bytes, and EC2 takes 16384\. Shorten what becomes LONG/,
    );
  });

  it("may be long, as long as gzip makes it short enough", () => {
    expect(() => userData({ LONG: "all work and no play\n".repeat(5000) })).not.toThrow();
  });

  it("is refused where Node's gzip is just short enough: Terraform's makes a little more of the same text", () => {
    const gzipped = (length: number) =>
      gzipSync(bootProgram({ SHORT: "x", LONG: noise(length) }, ["ec2/life.sh", "ec2/outbound.sh"])).byteLength;
    const longest = (bytes: number) => {
      let [fits, tooLong] = [0, 40_000];
      while (tooLong - fits > 1) {
        const middle = Math.floor((fits + tooLong) / 2);
        if (gzipped(middle) <= bytes) fits = middle;
        else tooLong = middle;
      }
      return fits;
    };
    const [close, safe] = [longest(16_384), longest(16_000)];
    expect(gzipped(close)).toBeGreaterThan(16_300);
    expect(() => userData({ LONG: noise(close) })).toThrow("EC2 takes 16384");
    expect(() => userData({ LONG: noise(safe) })).not.toThrow();
  });

  it("counts what Terraform fills in at the length that it may get", () => {
    const expressions = Array.from({ length: 120 }, (_, index) => `\${aws_x.y${index}.arn}`).join(",");
    expect(() => userData({ LONG: expressions })).toThrow("EC2 takes 16384");
    expect(() => userData({ LONG: terraformText(expressions) })).not.toThrow();
  });

  it("is far from what a Spacelift fleet with a configuration of 4 KB has", () => {
    const configuration = "export GREETING=hello # a line of shell text\n".repeat(90);
    const stack = synthesize({ ...spacelift, vendor: { ...spacelift.vendor, configuration } });
    expect(stack.resource.aws_launch_template).toBeDefined();
  });
});
