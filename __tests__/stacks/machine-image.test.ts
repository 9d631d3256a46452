import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../stacks/config/errors.ts";
import { plainText, type TerraformText } from "../../stacks/constructs/terraform-text.ts";
import { resources, rightsOf, type Synthesized, synthesize, synthesizeTogether, theOnly } from "./synth.ts";

const least = { kind: "machine-image", region: "us-west-2" };
const sha256 = "a".repeat(64);
const semaphore = { type: "semaphore", agent: { version: "v9.1.2", sha256 }, toolbox: { version: "v1.41.0", sha256 } };
const image = (fields: object = {}, name = "base") => synthesize({ ...least, ...fields }, name);

interface Step {
  readonly action: string;
  readonly inputs: { readonly commands: readonly string[] } & readonly { path: string; content: string }[];
}

/** The components in the order in which the recipe runs them: names and documents, as Image Builder gets them. */
function componentsOf(stack: Synthesized) {
  const order = theOnly(stack, "aws_imagebuilder_image_recipe").component as { component_arn: string }[];
  return order.map(({ component_arn }) => {
    const id = /component\.(.*)\.arn/.exec(component_arn)?.[1] ?? "";
    const component = stack.resource.aws_imagebuilder_component?.[id];
    const data = plainText(String(component?.data) as TerraformText);
    const phases: { name: string; steps: Step[] }[] = JSON.parse(data).phases;
    return { name: String(component?.name), data, phases, steps: phases.flatMap(({ steps }) => steps) };
  });
}

/** All the shell that runs or is put down, as Image Builder runs it: the lines of a step in one file. */
function scriptsOf(stack: Synthesized): string[] {
  const steps = componentsOf(stack).flatMap((component) => component.steps);
  const files = steps.filter(({ action }) => action === "CreateFile").map(({ inputs }) => inputs[0]?.content ?? "");
  return [
    files.join(""),
    ...steps.filter(({ action }) => action === "ExecuteBash").map(({ inputs }) => inputs.commands.join("\n")),
  ];
}

describe("what an image is made of", () => {
  it("is packages, then the vendor's agent, then commands, on the newest Amazon Linux 2023", () => {
    const stack = image({ vendor: semaphore, packages: ["docker", "git"], commands: ["systemctl enable docker"] });
    const components = componentsOf(stack);
    expect(components.map(({ name }) => name)).toEqual(["base-system", "base-library", "base-agent", "base-commands"]);
    expect(components[0]?.steps[0]?.inputs.commands).toEqual([
      "set -euo pipefail",
      expect.stringMatching(/amzn.*\n.*upgrade --releasever=latest\n.*install amazon-cloudwatch-agent\nfi$/),
      "dnf -y -q install docker git",
    ]);
    expect(components[3]?.steps[0]?.inputs.commands).toEqual(["set -euo pipefail", "systemctl enable docker"]);
    expect(theOnly(stack, "aws_imagebuilder_image_recipe")).toMatchObject({
      name: "base",
      parent_image: expect.stringMatching(
        /^arn:\$\{[^}]+\}:imagebuilder:us-west-2:aws:image\/amazon-linux-2023-x86\/x\.x\.x$/,
      ),
      systems_manager_agent: { uninstall_after_build: false },
    });
  });

  it("is nothing of a vendor where none is named", () => {
    expect(componentsOf(image()).map(({ name }) => name)).toEqual(["base-system"]);
  });

  it("has the checksums of what is downloaded, and checks in the end that it is there", () => {
    const components = componentsOf(image({ vendor: semaphore }));
    const library = components.find(({ name }) => name === "base-library");
    const content = library?.steps[0]?.inputs[0]?.content;
    expect(content).toContain("AGENT_FLEETS_SEMAPHORE_AGENT_VERSION='v9.1.2'\n");
    expect(content).toContain(`AGENT_FLEETS_SEMAPHORE_AGENT_SHA256='${sha256}'\n`);
    expect(content).toContain(`AGENT_FLEETS_SEMAPHORE_TOOLBOX_SHA256='${sha256}'\n`);
    const agent = components.find(({ name }) => name === "base-agent");
    expect(agent?.phases[1]).toMatchObject({
      name: "validate",
      steps: [
        {
          inputs: {
            commands: [
              "set -euo pipefail",
              "test -x /opt/semaphore/agent/agent",
              "id semaphore",
              "test -e ~semaphore/.toolbox/toolbox",
            ],
          },
        },
      ],
    });
  });

  it("has the known checksum of the usual agent for its architecture", () => {
    const sums = ["x86_64", "arm64"].map(
      (architecture) =>
        /AGENT_SHA256='([0-9a-f]{64})'/.exec(
          componentsOf(image({ vendor: { type: "semaphore" }, architecture }))[1]?.data ?? "",
        )?.[1],
    );
    expect(new Set(sums).size).toBe(2);
    expect(sums).not.toContain(undefined);
  });

  it("is shell that bash can read, within what Image Builder takes, without its expressions", () => {
    const stack = image({ vendor: semaphore, packages: ["git"], commands: ["if true; then", "echo '${HOME}'", "fi"] });
    const scripts = scriptsOf(stack);
    expect(scripts).toHaveLength(5);
    for (const script of scripts) {
      expect(spawnSync("bash", ["-n"], { input: script, encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
    }
    expect(scripts.join()).toContain("echo '${HOME}'");
    for (const { data } of componentsOf(stack)) {
      expect(data.length).toBeLessThanOrEqual(16_000);
      expect(data).not.toContain("{{");
    }
  });

  it("is refused where a component would be too long", () => {
    const long = () => image({ commands: [`echo ${"x".repeat(16_000)}`] });
    expect(long).toThrow(ConfigError);
    expect(long).toThrow(
      /^config\/base\.yaml: commands: must be shorter: the commands of the image would have \d+ characters, and Image Builder takes 16000/,
    );
  });
});

describe("versions, because components and recipes never change", () => {
  const versionOf = (fields: object) => {
    const stack = image(fields);
    const versions = ["aws_imagebuilder_component", "aws_imagebuilder_image_recipe"].flatMap((type) =>
      resources(stack, type).map(({ version }) => String(version)),
    );
    expect(new Set(versions).size).toBe(1);
    return versions[0];
  };

  it("are the same for the same content, and numbers that Image Builder takes", () => {
    expect(versionOf({ keep: 1, schedule: "never", tags: { a: "b" } })).toBe(versionOf({}));
    const [, ...nodes] = /^(\d+)\.(\d+)\.(\d+)$/.exec(versionOf({ vendor: semaphore }) ?? "") ?? [];
    expect(nodes).toHaveLength(3);
    for (const node of nodes) expect(Number(node)).toBeLessThan(2 ** 30);
  });

  it("are others for whatever is other in the image", () => {
    const versions = [
      {},
      { packages: ["git"] },
      { commands: ["true"] },
      { architecture: "arm64" },
      { volume: { sizeGiB: 21 } },
      { kmsKeyArn: "arn:aws:kms:us-west-2:111122223333:key/a" },
      { baseImage: { id: "ami-01234567" } },
      { vendor: semaphore },
      { vendor: { ...semaphore, agent: { version: "v9.1.3", sha256 } } },
      { vendor: { ...semaphore, user: "ci" } },
    ].map(versionOf);
    expect(new Set(versions).size).toBe(versions.length);
  });

  it("are others where a parameter names another AMI, which Terraform alone knows", () => {
    const stack = image({ baseImage: { ssmParameter: "/ci/base" } });
    const { version, parent_image } = theOnly(stack, "aws_imagebuilder_image_recipe");
    expect(parent_image).toMatch(/^\$\{data\.aws_ssm_parameter\.\w+\.insecure_value\}$/);
    const [expression = ""] = /data[\w.]+/.exec(String(parent_image)) ?? [];
    expect(version).toMatch(/^1\.\d+\.\$\{parseint\(substr\(sha256\(/);
    expect(version).toContain(expression);
  });

  it("come before the old ones go, which the pipeline uses until then", () => {
    const stack = image({ vendor: semaphore });
    for (const type of ["aws_imagebuilder_component", "aws_imagebuilder_image_recipe"]) {
      for (const { lifecycle } of resources(stack, type)) expect(lifecycle).toEqual({ create_before_destroy: true });
    }
  });
});

describe("where an image is built", () => {
  it("is an instance that asks for tokens, ends when it fails, and reads no parameters of the account", () => {
    const stack = image({ iam: { path: "/ci/", permissionsBoundaryArn: "arn:aws:iam::111122223333:policy/b" } });
    const infrastructure = theOnly(stack, "aws_imagebuilder_infrastructure_configuration");
    expect(infrastructure).toMatchObject({
      instance_types: ["m6i.large"],
      instance_metadata_options: { http_tokens: "required", http_put_response_hop_limit: 1 },
      terminate_instance_on_failure: true,
      resource_tags: { Fleet: "base", ManagedBy: "agent-fleets" },
    });
    expect(infrastructure).not.toHaveProperty("subnet_id");
    expect(infrastructure.depends_on).toHaveLength(2);
    const attached = resources(stack, "aws_iam_role_policy_attachment").map(({ role, policy_arn }) => [
      /(image-build|image-lifecycle)/.exec(String(role))?.[1],
      String(policy_arn).replace(/^arn:\$\{[^}]+\}:/, ""),
    ]);
    expect(attached.sort()).toEqual([
      ["image-build", "iam::aws:policy/EC2InstanceProfileForImageBuilder"],
      ["image-lifecycle", "iam::aws:policy/service-role/EC2ImageBuilderLifecycleExecutionPolicy"],
    ]);
    expect(theOnly(stack, "aws_iam_role_policy").role).toContain("image-build");
    const rights = rightsOf(stack, "image-build");
    // Any of these reads parameters, and with them secrets.
    const actions = rights.flatMap(({ Action }) => Action);
    expect(actions.filter((action) => /Parameter|\*/.test(action))).toEqual([]);
    expect(actions).toEqual(
      expect.arrayContaining(["ssm:UpdateInstanceInformation", "ssmmessages:OpenControlChannel", "ssm:PutInventory"]),
    );
    const documents = rights.flatMap(({ Resource }) => Resource).filter((resource) => resource?.includes(":document/"));
    expect(documents).toEqual([expect.stringMatching(/:ssm:us-west-2:\*:document\/AWS-GatherSoftwareInventory$/)]);
    const everywhere = rights.filter(({ Resource }) => [Resource].flat().includes("*")).flatMap(({ Action }) => Action);
    expect(everywhere.filter((action) => !/^(ssm|ec2)messages:/.test(action))).toEqual([
      "ssm:ListAssociations",
      "ssm:PutInventory",
    ]);
    const roles = resources(stack, "aws_iam_role");
    expect(roles.map(({ assume_role_policy }) => JSON.parse(String(assume_role_policy)).Statement)).toEqual([
      [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "ec2.amazonaws.com" } }],
      [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "imagebuilder.amazonaws.com" } }],
    ]);
    for (const role of [...roles, theOnly(stack, "aws_iam_instance_profile")]) expect(role.path).toBe("/ci/");
    for (const role of roles) expect(role.permissions_boundary).toBe("arn:aws:iam::111122223333:policy/b");
  });

  it("is a given subnet, behind a security group without a way in", () => {
    const stack = image({ architecture: "arm64", network: { subnetId: "subnet-01234567" } });
    expect(theOnly(stack, "aws_imagebuilder_infrastructure_configuration")).toMatchObject({
      instance_types: ["m6g.large"],
      subnet_id: "subnet-01234567",
      security_group_ids: [expect.stringMatching(/^\$\{aws_security_group\./)],
    });
    expect(theOnly(stack, "aws_security_group")).not.toHaveProperty("ingress");
    expect(stack.resource).not.toHaveProperty("aws_vpc_security_group_ingress_rule");
  });

  it("is the first subnet of a shared network", () => {
    const infrastructure = (stack: Synthesized) => theOnly(stack, "aws_imagebuilder_infrastructure_configuration");
    const { stack, after } = synthesizeTogether({
      base: { ...least, network: { stack: "ground" } },
      ground: { kind: "network", region: "us-west-2" },
    });
    const parameter = Object.values(stack("base").data.aws_ssm_parameter ?? {});
    expect(parameter.map(({ name }) => name)).toEqual(["/agent-fleets/ground/network/agent-subnet-ids"]);
    expect(infrastructure(stack("base"))).toMatchObject({
      subnet_id: expect.stringMatching(
        /^\$\{element\(split\(",", data\.aws_ssm_parameter\.[\w-]+\.insecure_value\), 0\)\}$/,
      ),
      security_group_ids: [expect.stringMatching(/^\$\{aws_security_group\./)],
    });
    expect(after).toMatchObject({ base: ["ground"] });
  });

  it("takes given security groups", () => {
    const stack = image({ network: { subnetId: "subnet-01234567", securityGroupIds: ["sg-01234567"] } });
    expect(theOnly(stack, "aws_imagebuilder_infrastructure_configuration")).toMatchObject({
      security_group_ids: ["sg-01234567"],
    });
    expect(stack.resource).not.toHaveProperty("aws_security_group");
  });
});

describe("the images", () => {
  const deviceOf = (fields: object) => {
    const stack = image(fields);
    const [mapping] = theOnly(stack, "aws_imagebuilder_image_recipe").block_device_mapping as { device_name: string }[];
    return mapping?.device_name;
  };

  it("have their disk at the root device of the base image", () => {
    expect(deviceOf({})).toBe("/dev/xvda");
    expect(deviceOf({ baseImage: { id: "ami-0123456789abcdef0" } })).toMatch(
      /^\$\{data\.aws_ami\.[\w-]+\.root_device_name\}$/,
    );
    expect(() => deviceOf({ volume: { deviceName: "/dev/sda1" } })).toThrow(
      /volume\.deviceName: must be left out or be/,
    );
  });

  it.each([
    [{}, undefined],
    [{ kmsKeyArn: "arn:aws:kms:us-west-2:111122223333:key/a" }, "arn:aws:kms:us-west-2:111122223333:key/a"],
  ])("are encrypted, and their logs kept no longer than wanted (%j)", (fields, key) => {
    const stack = image({ ...fields, logs: { retentionDays: 7 } });
    const [device] = theOnly(stack, "aws_imagebuilder_image_recipe").block_device_mapping as { ebs: object }[];
    expect(device?.ebs).toEqual({
      volume_type: "gp3",
      volume_size: 20,
      encrypted: "true",
      delete_on_termination: "true",
      ...(key && { kms_key_id: key }),
    });
    const groups = resources(stack, "aws_cloudwatch_log_group");
    const wanted = ["/aws/imagebuilder/base", "/aws/imagebuilder/pipeline/base"];
    expect(groups.map(({ name, retention_in_days, kms_key_id }) => [name, retention_in_days, kms_key_id])).toEqual(
      wanted.map((name) => [name, 7, key]),
    );
  });

  it.each([
    [{}, "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE"],
    [{ baseImage: { id: "ami-01234567" } }, "EXPRESSION_MATCH_ONLY"],
  ])("are built on schedule (%j)", (fields, condition) => {
    expect(theOnly(image(fields), "aws_imagebuilder_image_pipeline").schedule).toEqual({
      schedule_expression: "cron(17 3 ? * SUN *)",
      pipeline_execution_start_condition: condition,
    });
  });

  it("are built by hand alone where the schedule is never, by a pipeline of the stack's name", () => {
    const pipeline = theOnly(image({ schedule: "never" }), "aws_imagebuilder_image_pipeline");
    expect(pipeline).not.toHaveProperty("schedule");
    expect(pipeline.name).toBe("base");
  });

  it("go when there are newer ones, but not from under a fleet", () => {
    const stack = image({ keep: 3 });
    const { version } = theOnly(stack, "aws_imagebuilder_image_recipe");
    expect(theOnly(stack, "aws_imagebuilder_lifecycle_policy")).toMatchObject({
      resource_type: "AMI_IMAGE",
      resource_selection: [{ recipe: [{ name: "base", semantic_version: version }] }],
      depends_on: expect.arrayContaining([expect.stringContaining("aws_imagebuilder_image_recipe.")]),
      policy_detail: [
        {
          action: [{ type: "DELETE", include_resources: [{ amis: true, snapshots: true }] }],
          filter: [{ type: "COUNT", value: 3 }],
          exclusion_rules: [{ amis: [{ last_launched: [{ unit: "DAYS", value: 90 }] }] }],
        },
      ],
    });
  });
});
